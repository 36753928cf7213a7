"""Whole sums between real nodes, by a hub that is honest: what opens is the sum, and every step leaves its trace."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path as FilePath
from shutil import copytree, rmtree

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.exchange import DeliveryKind
from federation.manifest import Path
from federation.secure_sum.steps import Fail
from federation.sums_exchange import DealWanted, PrekeyWanted
from node.sums.epoch_secrets import SECRET_TABLES
from node.sums.preparing import erase_what_is_over
from tests.node.sums.played_hub import PlayedHub, PlayedSum, exact_figures
from tests.node.sums.standing import BOYS, Standing
from tests.small_federation import SmallFederation

SQL = (
    "SELECT sen_provision, COUNT(DISTINCT child) AS children FROM child_year "
    "WHERE academic_year = 202425 AND counted_here GROUP BY sen_provision"
)
NODE = "node-301"


def noised(hub: PlayedHub, name: str, digest: str) -> list[int]:
    """What a node has masked: its figures with its share of the noise."""
    return list(hub.nodes[name].sums.find_figures(digest) or ())


def assert_sum_of_parts(hub: PlayedHub, played: PlayedSum, names: Iterable[str]) -> None:
    """What opened is, to the last figure, the sum of what these nodes masked."""
    assert played.opened is not None
    parts = [noised(hub, name, played.attempt.manifest_digest) for name in names]
    assert [value % 2**64 for value in played.opened] == [sum(cell) % 2**64 for cell in zip(*parts, strict=True)]


def actions(hub: PlayedHub, name: str = NODE) -> list[str]:
    """What a node's log says of sums, oldest first."""
    entries = reversed(list(read_entries(hub.nodes[name].database.connection, limit=50)))
    return [event.action.value for event in (entry.to_event() for entry in entries) if event.action.startswith("sum.")]


def test_a_noisy_sum_opens_to_the_sum_of_what_was_masked(wide: SmallFederation, hub: PlayedHub) -> None:
    """And the noise is noise: near the truth, and drawn by every node for itself."""
    played = hub.run(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))
    assert played.opened is not None
    assert_sum_of_parts(hub, played, wide.roster)
    truth = exact_figures(hub, played, wide.roster)
    assert all(abs(value - true) < 60 for value, true in zip(played.opened, truth, strict=True))


def test_an_exact_sum_opens_to_the_truth(wide: SmallFederation, hub: PlayedHub) -> None:
    standing = Standing(wide)
    played = hub.run(standing.sign(standing.run()), template=standing.envelope)
    assert played.opened == exact_figures(hub, played, wide.roster)
    assert all(hub.nodes[name].sums.find_exact_lock("202425-summer") for name in wide.roster)


def test_what_a_node_did_stands_in_its_log(wide: SmallFederation, hub: PlayedHub) -> None:
    hub.run(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))
    assert actions(hub) == ["sum.prepared", "sum.reserved", "sum.contributed", "sum.revealed"]
    assert sum(1 for _ in read_entries(hub.nodes[NODE].database.connection, action=Action.QUERY_RECEIVED)) == 1


def test_dropouts_are_left_out_of_the_sum(wide: SmallFederation, hub: PlayedHub) -> None:
    """Down to the threshold; the survivors sign a smaller set, and that stands in the log too."""
    from federation.sum_terms import make_noisy_terms

    manifest = wide.manifest(SQL, Path.NOISY_SUM, sum=make_noisy_terms(6, "1", dropouts=2, colluders=1))
    played = hub.run(wide.sign(manifest), away=("node-203", "node-317"))
    assert_sum_of_parts(hub, played, [name for name in wide.roster if name not in ("node-203", "node-317")])
    assert "sum.agreed" in actions(hub)


def test_more_dropouts_than_are_tolerated_open_nothing(wide: SmallFederation, hub: PlayedHub) -> None:
    played = hub.run(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)), away=("node-203", "node-317"))
    assert isinstance(played.failed, Fail)
    assert played.opened is None
    assert not any(hub.nodes[name].sums.find_reveal(played.attempt.manifest_digest) for name in wide.roster)


def test_a_later_exact_sum_carries_the_certificate(wide: SmallFederation, hub: PlayedHub) -> None:
    """Over the survivors of the first; who was late stays out of the snapshot's exact sums."""
    standing, late = Standing(wide), "node-317"
    first = hub.run(standing.sign(standing.run()), template=standing.envelope, away=(late,))
    assert first.opened is not None
    there = tuple(name for name in wide.roster if name != late)
    hub.prepare(1, there)
    run = standing.sign(standing.run(BOYS, there))
    second = hub.run(run, template=standing.envelope, certificate=first.certificate)
    assert second.opened == exact_figures(hub, second, there)


def test_another_attempt_masks_the_same_figures_anew(wide: SmallFederation, hub: PlayedHub) -> None:
    """The noise is drawn once for a manifest, so that attempts cannot be averaged."""
    signed = wide.sign(wide.manifest(SQL, Path.NOISY_SUM))
    first = hub.want(signed)
    first.gather(away=("node-203",))
    drawn = noised(hub, NODE, first.attempt.manifest_digest)
    aborts = first.abort_everywhere(wide.roster[1:])
    assert aborts is not None
    second = hub.run(signed, 2, aborts=aborts)
    assert second.opened is not None
    assert noised(hub, NODE, first.attempt.manifest_digest) == drawn
    masked = [hub.nodes[NODE].sums.find_contribution(first.attempt.manifest_digest, number) for number in (1, 2)]
    assert masked[0] is not None
    assert masked[1] is not None
    assert masked[0].masked != masked[1].masked


def test_what_is_asked_for_again_is_the_same(wide: SmallFederation, hub: PlayedHub) -> None:
    """After a restart too: contribution, reveal, prekey and dealings, byte for byte."""
    signed = wide.sign(wide.manifest(SQL, Path.NOISY_SUM))
    played = hub.want(signed)
    contributed = played.ask(NODE).body
    hub.reopen(NODE)
    assert played.ask(NODE).body == contributed
    played.play()
    assert played.opening is not None
    revealed = played.ask_reveal(NODE, played.opening).body
    hub.reopen(NODE)
    assert played.ask_reveal(NODE, played.opening).body == revealed
    assert actions(hub) == ["sum.prepared", "sum.reserved", "sum.contributed", "sum.revealed"]
    prekey = hub.deliver(NODE, DeliveryKind.PREKEYS_WANTED, PrekeyWanted(epoch=hub.epoch)).body
    assert hub.deliver(NODE, DeliveryKind.PREKEYS_WANTED, PrekeyWanted(epoch=hub.epoch)).body == prekey
    roster = played.roster
    wanted = DealWanted(epoch=hub.epoch, members=roster.members, threshold=roster.threshold, slots=(1, 2))
    dealt = hub.deliver(NODE, DeliveryKind.DEAL, wanted).body
    hub.reopen(NODE)
    assert hub.deliver(NODE, DeliveryKind.DEAL, wanted).body == dealt


def test_a_question_that_cannot_be_run_is_refused_for_good(
    wide: SmallFederation, hub: PlayedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every attempt: what went wrong can depend on a child's record."""
    import node.answering
    from query_engine.engines import EngineFailed

    def fail(*_: object) -> None:
        raise EngineFailed("a value of this very child")

    signed = wide.sign(wide.manifest(SQL, Path.NOISY_SUM))
    with monkeypatch.context() as patched:
        patched.setattr(node.answering, "open_engine", fail)
        assert hub.want(signed).ask(NODE).code == "not_run"
    assert hub.want(signed, 2).ask(NODE).code == "not_run"


# --- Erasure ---------------------------------------------------------------------------------------------------------


def secrets_left(hub: PlayedHub, name: str = NODE) -> int:
    """Rows of secrets that a node holds."""
    connection = hub.nodes[name].database.connection
    return sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in SECRET_TABLES)


def test_the_secrets_of_a_week_go_when_it_is_over(wide: SmallFederation, hub: PlayedHub) -> None:
    """A day after its end; the records of what was used and revealed stay."""
    played = hub.run(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))
    node, digest = hub.nodes[NODE], played.attempt.manifest_digest
    roots = [bytes(root) for root in node.sums.find_roots(hub.epoch).values()]
    assert roots
    erase_what_is_over(node)
    assert secrets_left(hub) > 0
    wide.clock.move(timedelta(days=8))
    erase_what_is_over(node)
    assert secrets_left(hub) == 0
    assert node.sums.find_figures(digest) is None
    assert node.sums.find_contribution(digest, 1) is None
    assert node.sums.find_reveal(digest) is not None
    assert node.sums.find_uses(digest) != ()
    assert actions(hub)[-1] == "sum.erased"
    files = [path.read_bytes() for path in node.party.directory.glob("circe.sqlite*")]
    assert not any(root in data for root in roots for data in files)
    erase_what_is_over(node)
    assert actions(hub).count("sum.erased") == 1


def test_a_slots_own_secrets_go_when_it_is_used(wide: SmallFederation, hub: PlayedHub) -> None:
    """What was sent can be unmasked by nobody who takes this node's disk later."""
    from federation.secure_sum.dealing import SlotKey

    played = hub.want(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))
    where = SlotKey(played.attempt.roster_digest, played.attempt.slot)
    own = hub.nodes[NODE].sums.find_own_slot(where)
    assert own is not None
    played.ask(NODE)
    assert hub.nodes[NODE].sums.find_own_slot(where) is None


def test_a_node_put_back_from_a_copy_does_nothing_twice(
    wide: SmallFederation, hub: PlayedHub, tmp_path: FilePath
) -> None:
    """The copy does not know which slots were used since, so `circe node restored` erases what they would take."""
    from federation.cli import run

    signed = wide.sign(wide.manifest(SQL, Path.NOISY_SUM))
    state = hub.nodes[NODE].party.directory
    hub.nodes[NODE].database.close()
    copytree(state, tmp_path / "copy")
    hub.reopen(NODE)
    played = hub.want(signed)
    first = played.ask(NODE).body
    hub.nodes[NODE].database.close()
    rmtree(state)
    copytree(tmp_path / "copy", state)
    assert run(["node", "restored", "--state", str(state)]) == 0
    hub.reopen(NODE)
    assert secrets_left(hub) == 0
    assert played.ask(NODE).code == "slot_incomplete"
    assert first
