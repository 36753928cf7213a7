"""A node whose own preset is edited between questions: what left under one version, and what leaves under the next."""

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from disclosure_control.linked.joint_attack import attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.rows.protected_table import read_protected
from federation.envelope import read_envelope
from federation.manifest import REPLY_TYPE, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.preset_terms import state_preset
from federation.wire import decode_document
from node.answering import answer_manifest
from node.service import Node
from tests.added_presets import OWN, write_own
from tests.node.test_earlier_rows import draw_question
from tests.small_federation import SmallFederation, read_reply

AUTHORITY = "301"
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"

EXACT = {"version": "1", "smallest_count_shown": 8, "authority": 1}
ROUNDED = {"version": "2", "smallest_count_shown": 8, "authority": 5}
STRICT = {"version": "1", "smallest_count_shown": 10, "authority": 1}
LOOSE = {"version": "2", "smallest_count_shown": 6, "authority": 1}


@pytest.fixture
def own(federation: SmallFederation) -> SmallFederation:
    """A federation of which one node takes a preset of its own, over a floor that prints exact counts."""
    federation.change_rule(AUTHORITY, 'presets = ["opensafely"]', f'presets = ["{OWN}"]')
    federation.change_rule(AUTHORITY, 'floor = "ofqual"', 'floor = "dfe_cin"')
    return federation


def use(federation: SmallFederation, rules: dict[str, object]) -> None:
    """Edit the preset's file at the node."""
    write_own(federation.directory / f"node-{AUTHORITY}", "dfe_cin", **rules)  # type: ignore[arg-type]


def ask(federation: SmallFederation, sql: str = BY_SEX) -> Reply:
    """Ask under the preset as it stands, a second after whatever was asked before."""
    federation.clock.move(timedelta(seconds=1))
    node = federation.node(AUTHORITY)
    stated = state_preset(node.party.presets.load(OWN))
    data = answer_manifest(node, federation.sign(federation.manifest(sql, **stated)))
    assert data is not None
    return read_reply(data)


def read_everything(node: Node) -> Iterator[Published]:
    """Every reply of the node, by its own rules."""
    rows = node.database.connection.execute(
        "SELECT sql, implied, reply FROM manifests JOIN rows_asked USING (digest) ORDER BY reserved_at, digest"
    )
    for row in rows.fetchall():
        reply = decode_document(read_envelope(row["reply"], REPLY_TYPE).body, Reply)
        if reply.table is not None:
            plan = derive_plan(row["sql"], Path.PER_AUTHORITY)
            preset = node.party.presets.find(OWN, reply.table["preset_version"])
            implied = {(place, label): count for place, label, count in json.loads(row["implied"])}
            table = read_protected(reply.table, plan, preset)
            yield Published(reply.query_id, plan, preset, table.rows, implied=implied)


def test_a_file_that_is_edited_under_its_version_is_refused(own: SmallFederation) -> None:
    """Though everybody else has the same file, and approved it."""
    use(own, STRICT)
    assert ask(own).outcome is Outcome.ANSWERED
    use(own, {**LOOSE, "version": "1"})
    reply = ask(own)
    assert (reply.outcome, reply.code) == (Outcome.REFUSED, "preset_changed")
    assert "needs a new version" in reply.text
    use(own, LOOSE)
    assert ask(own).outcome is Outcome.ANSWERED


def test_a_manifest_that_states_other_rules_under_the_version_is_refused(own: SmallFederation) -> None:
    use(own, STRICT)
    node = own.node(AUTHORITY)
    stated = {**state_preset(node.party.presets.load(OWN)), "preset_digest": "0" * 64}
    data = answer_manifest(node, own.sign(own.manifest(BY_SEX, **stated)))
    assert data is not None
    assert read_reply(data).code == "preset_differs"


def test_the_same_question_is_answered_anew_under_a_new_version(own: SmallFederation) -> None:
    use(own, EXACT)
    first = ask(own)
    use(own, ROUNDED)
    second = ask(own)
    assert first.table is not None
    assert second.table is not None
    assert second.table["preset_version"] != first.table["preset_version"]
    assert ask(own).table == second.table


def test_without_the_rules_of_then_nothing_more_is_answered_about_the_same(own: SmallFederation) -> None:
    use(own, EXACT)
    ask(own)
    node = own.node(AUTHORITY)
    place = node.party.presets.place(OWN, "1")
    assert place is not None
    place.unlink()
    use(own, ROUNDED)
    reply = ask(own)
    assert (reply.code, reply.table) == ("preset_lost", None)


@pytest.mark.parametrize(("first", "second"), [(EXACT, ROUNDED), (ROUNDED, EXACT), (STRICT, LOOSE)])
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(2, 12))])
def test_versions_together_tell_nothing(
    own: SmallFederation, first: dict[str, object], second: dict[str, object], seed: int
) -> None:
    """However a preset is edited between questions, but for a stricter threshold: what was shown under a lower one, and
    can be worked out from it, is past help.
    """
    draw = Random(seed)
    for rules in ({**first, "version": "1"}, {**second, "version": "2"}):
        use(own, rules)
        for _ in range(4):
            assert ask(own, draw_question(draw)).outcome is Outcome.ANSWERED
    published = list(read_everything(own.node(AUTHORITY)))
    assert [each.preset.version.partition("-")[0] for each in published] == ["1"] * 4 + ["2"] * 4
    linked, rules_then, entries = link_published(published), rules_of(published), entries_of(published)
    past = attack_together(linked, {place: each for place, each in entries.items() if place[0] < 4}, rules_then)
    for each in attack_together(linked, entries, rules_then).beyond(past):
        # A table of which nothing can be shown is withheld whole, with counts in it that were known before.
        assert {number for number, _, _ in each.places} & {4, 5, 6, 7}
        assert each.known.is_exact
        assert (each.known.low or 0) >= 10
