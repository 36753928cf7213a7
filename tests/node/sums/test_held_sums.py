"""Sums under rules that hold them: whoever has not let one through before its round is left out of that round."""

from audit.event import Action
from audit.log import read_entries
from federation.envelope import read_envelope
from federation.manifest import MANIFEST_TYPE, manifest_digest, read_manifest
from node.leaving.holding import decide
from node.setting_up import enter_person
from tests.node.sums.played_hub import PlayedHub
from tests.node.sums.test_budget_ledger import asked, refused
from tests.node.sums.test_whole_sums_at_nodes import NODE
from tests.small_federation import SmallFederation


def test_a_sum_that_nobody_let_through_leaves_the_node_out_and_one_that_was_does_not(
    wide: SmallFederation, hub: PlayedHub
) -> None:
    """An officer decides on the exact bytes while they wait for approval, or between two rounds."""
    authority = NODE.removeprefix("node-")
    wide.change_rule(authority, "all = false\npaths = []", 'all = false\npaths = ["noisy_sum"]')
    enter_person(wide.directory / NODE, "ig", "ig_officer", "Officer")
    node, data = hub.nodes[NODE], asked(wide)
    assert refused(hub.want(data).ask(NODE)) == "held"
    held = read_entries(node.database.connection, action=Action.QUERY_HELD)
    assert len(list(held)) == 1
    envelope = read_envelope(data, MANIFEST_TYPE)
    manifest, digest = read_manifest(envelope), manifest_digest(envelope)
    officer = node.find_person("ig")
    decide(node, officer, manifest, digest, let_through=True, reason="Read and understood")
    assert refused(hub.want(data).ask(NODE)) == ""
