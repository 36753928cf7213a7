"""A dishonest hub and secure sums: each attack by name, played against real nodes, and the line or step that stops it.

Each test names what the hub would gain. A node that refuses sends neither figures nor shares, and its log says why.
"""

import base64
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets.shipped import load_preset
from federation.envelope import Envelope, Signature, read_envelope, seal_envelope, sign_body, write_envelope
from federation.exchange import Delivery, DeliveryKind
from federation.manifest import MANIFEST_TYPE, Choice, Manifest, Path
from federation.preset_terms import state_preset
from federation.register import REGISTER_TYPE, Register, read_signed_register
from federation.root import open_root
from federation.secure_sum.facts import name_abort, name_survivors
from federation.secure_sum.messages import ABORT_TYPE, PREKEY_TYPE, SURVIVORS_TYPE, Prekey, SurvivorSet
from federation.secure_sum.prekeys import make_prekey
from federation.sum_terms import make_exact_terms, make_noisy_terms
from federation.sums_exchange import (
    BODIES,
    DealWanted,
    ParcelsOffered,
    PrekeysOffered,
    PrekeyWanted,
    StatementSigned,
)
from federation.wire import decode_document, encode_document
from node.answering import answer_manifest
from node.sums.deliveries import deal_with_sum
from node.unapproved import MOST_LOGGED
from tests.node.sums.played_hub import PlayedHub, PlayedSum, Said, read_complaint_of
from tests.node.sums.standing import BOYS, GIRLS, Standing
from tests.node.sums.test_whole_sums_at_nodes import NODE, SQL
from tests.small_federation import SmallFederation, read_reply


def noisy(wide: SmallFederation, **changes: object) -> bytes:
    """A noisy sum that everybody approved."""
    return wide.sign(msgspec.structs.replace(wide.manifest(SQL, Path.NOISY_SUM), **changes))


def assert_refused(hub: PlayedHub, said: Said, code: str) -> None:
    """The node refuses for that reason, hands in nothing, and has it in its log."""
    assert said.code == code
    logged = next(iter(read_entries(hub.nodes[NODE].database.connection, limit=1))).to_event()
    assert (logged.action, logged.details["code"]) == (Action.QUERY_REFUSED, code)


def assert_silent(hub: PlayedHub, said: Said, code: str, name: str = NODE) -> None:
    """The node answers a statement with nothing at all, and has the reason in its log."""
    assert (said.handed_in, said.refusals) == ([], [])
    logged = next(iter(read_entries(hub.nodes[name].database.connection, limit=1))).to_event()
    assert logged.details["code"] == code


def change_register(wide: SmallFederation, hub: PlayedHub, change: Callable[[Register], Register]) -> None:
    """Have the root sign another register, and every node adopt it."""
    root = open_root(wide.directory / "root")
    last = read_signed_register((wide.directory / "register.json").read_bytes(), root.public_key)
    register = change(msgspec.structs.replace(last, version=last.version + 1))
    data = write_envelope(seal_envelope(encode_document(register), REGISTER_TYPE, root))
    for node in hub.nodes.values():
        node.party.adopt_register(data, wide.clock())


def share_operator(register: Register, *nodes: str) -> Register:
    """The register in which one party runs several nodes."""
    changed = (
        msgspec.structs.replace(each, operator="consortium") if each.id in nodes else each for each in register.members
    )
    return msgspec.structs.replace(register, members=tuple(changed))


# --- The wrong way, the wrong bytes ----------------------------------------------------------------------------------


def test_a_sum_handed_on_as_rows_of_ones_own(wide: SmallFederation, hub: PlayedHub) -> None:
    """To get each authority's own protected rows of a question that was approved as a sum. Line 1."""
    reply = answer_manifest(hub.nodes[NODE], noisy(wide))
    assert reply is not None
    assert (read_reply(reply).code, read_reply(reply).table) == ("path_differs", None)


def test_rows_of_ones_own_handed_on_as_a_sum(wide: SmallFederation, hub: PlayedHub) -> None:
    """To have unprotected figures masked with keys of the hub's choice. Line 1."""
    honest = hub.want(noisy(wide)).wanted
    own = read_envelope(wide.sign(wide.manifest(SQL)), MANIFEST_TYPE)
    said = hub.deliver(NODE, DeliveryKind.SUM, msgspec.structs.replace(honest, manifest=own))
    assert_refused(hub, said, "path_differs")


@pytest.mark.parametrize(
    "changes",
    [
        {"sum": make_noisy_terms(6, "1", dropouts=2)},
        {"sum": make_noisy_terms(6, "0.5")},
        {"preset": "dfe_cla"},
        {"snapshot_term": "202425-autumn"},
        {"sql": SQL.replace("counted_here", "counted_here ")},
    ],
    ids=["tolerance", "privacy loss", "protection", "term", "question"],
)
def test_altered_protection_or_tolerance(wide: SmallFederation, hub: PlayedHub, changes: dict[str, object]) -> None:
    """Everything was approved, and then one field altered, every signature kept. Lines 3 and 4."""
    manifest = wide.manifest(SQL, Path.NOISY_SUM)
    signed = read_envelope(wide.sign(manifest), MANIFEST_TYPE)
    altered = read_envelope(wide.sign(msgspec.structs.replace(manifest, **changes)), MANIFEST_TYPE)
    envelope = msgspec.structs.replace(signed, payload=altered.payload)
    assert_refused(hub, hub.want(write_envelope(envelope)).ask(NODE), "signature_invalid")


def test_an_old_register(wide: SmallFederation, hub: PlayedHub) -> None:
    """A node that was kept from the register in which a colluder is revoked does not take part. Line 2."""
    assert_refused(hub, hub.want(noisy(wide, minimum_register_version=2)).ask(NODE), "register_old")


def test_noise_of_another_kind_than_the_authority_adds(wide: SmallFederation, hub: PlayedHub) -> None:
    """Where its rules do not name Skellam shares, be they left out or not. Line 9."""
    signed = noisy(wide, sum=make_noisy_terms(6, "1", mechanism="skellam"))
    for old, new in (('noise = ["polya", "skellam"]', 'noise = ["polya"]'), ('noise = ["polya"]\n', "")):
        wide.change_rule("301", old, new)
        assert_refused(hub, hub.want(signed).ask(NODE), "mechanism")


def test_an_attempt_that_the_hub_did_not_sign(wide: SmallFederation, hub: PlayedHub) -> None:
    """Somebody else between hub and node. Line 13."""
    played = hub.want(noisy(wide))
    for signer in ("node-203", "ana@ucl"):
        wanted = msgspec.structs.replace(played.wanted, attempt=hub.sign_attempt(played.attempt, signer))
        assert_refused(hub, hub.deliver(NODE, DeliveryKind.SUM, wanted), "signer_unknown")


# --- Rosters and thresholds ------------------------------------------------------------------------------------------


def test_a_lowered_threshold(wide: SmallFederation, hub: PlayedHub) -> None:
    """Dealt for a threshold under two thirds, two sets that differ by one node could both be opened. P4 and line 13."""
    low = DealWanted(epoch=hub.epoch, members=wide.roster, threshold=3, slots=(9,))
    assert hub.deliver(NODE, DeliveryKind.DEAL, low).handed_in == []
    other = msgspec.structs.replace(hub.want(noisy(wide)).attempt, roster_digest="0" * 64)
    played = hub.want(noisy(wide), attempt={"roster_digest": other.roster_digest})
    assert_refused(hub, played.ask(NODE), "roster_mismatch")


def test_a_threshold_under_the_authoritys_own(wide: SmallFederation, hub: PlayedHub) -> None:
    """Everybody else approved it. Line 7."""
    wide.change_rule("301", 'least_threshold = "2/3"', 'least_threshold = "5/6"')
    assert_refused(hub, hub.want(noisy(wide)).ask(NODE), "threshold_low")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("smallest_roster = 5", "smallest_roster = 7", "roster_small"),
        ('most_epsilon = "1"', 'most_epsilon = "0.5"', "epsilon"),
        ('most_epsilon_per_year = "10"', 'most_epsilon_per_year = "0.5"', "epsilon_spent"),
        ('most_epsilon_per_project = "5"', 'most_epsilon_per_project = "0.5"', "epsilon_spent"),
        ('most_dropouts = "1/3"', 'most_dropouts = "0"', "tolerance"),
        ('least_colluders = "1/20"', 'least_colluders = "1/3"', "tolerance"),
        ('presets = ["opensafely", "ons_10_5"]', 'presets = ["ons_10_5"]', "preset_barred"),
        ('"noisy_sum", ', "", "path_barred"),
    ],
    ids=[
        "operators",
        "epsilon",
        "epsilon of the year",
        "epsilon of the project",
        "dropouts",
        "colluders",
        "preset",
        "path",
    ],
)
def test_what_the_authoritys_own_rules_bar(
    wide: SmallFederation, hub: PlayedHub, old: str, new: str, code: str
) -> None:
    """Approved by everybody else and refused all the same; no message loosens it. Lines 7, 9 and 10."""
    wide.change_rule("301", old, new)
    assert_refused(hub, hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=1))).ask(NODE), code)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("smallest_roster = 5", "smallest_roster = 4"),
        ('least_threshold = "2/3"', 'least_threshold = "1/2"'),
        ("fewest_reaching = 5", "fewest_reaching = 4"),
    ],
)
def test_no_rule_goes_under_the_federations_floors(wide: SmallFederation, hub: PlayedHub, old: str, new: str) -> None:
    """A mistyped rule does not open the node: it answers nothing."""
    from federation.state import StateError

    wide.change_rule("301", old, new)
    with pytest.raises(StateError, match="nothing is answered"):
        hub.nodes[NODE].rules()


def test_several_authorities_of_one_operator_count_once(wide: SmallFederation, hub: PlayedHub) -> None:
    """A consortium fills the roster with its own nodes, and what is left is one authority's own. Line 7."""

    def merge(register: Register) -> Register:
        return share_operator(register, "node-203", "node-204", "node-302")

    signed = noisy(wide)
    change_register(wide, hub, merge)
    assert_refused(hub, hub.want(signed).ask(NODE), "roster_small")


def test_one_operator_that_knows_more_shares_than_the_noise_withstands(wide: SmallFederation, hub: PlayedHub) -> None:
    """A consortium that tells the hub what its nodes added leaves less noise than was promised. Line 9."""
    signed = noisy(wide, sum=make_noisy_terms(6, "1", colluders=1))
    assert hub.want(signed).ask("node-203").handed_in
    change_register(wide, hub, lambda register: share_operator(register, "node-203", "node-204"))
    assert_refused(hub, hub.want(signed).ask(NODE), "tolerance")


def test_invented_members(wide: SmallFederation, hub: PlayedHub) -> None:
    """Nodes that only the hub knows, whose masks it could take away. Line 7, and P4 when dealing."""
    roster = (*wide.roster, "node-999")
    signed = noisy(wide, roster=roster, sum=make_noisy_terms(7, "1"))
    assert_refused(hub, hub.want(signed).ask(NODE), "roster_unknown")
    wanted = DealWanted(epoch=hub.epoch, members=roster, threshold=5, slots=(1,))
    assert hub.deliver(NODE, DeliveryKind.DEAL, wanted).handed_in == []


def test_a_roster_of_few(wide: SmallFederation, hub: PlayedHub) -> None:
    """Four operators, one of them asked about: three that know their own are left. P4 when dealing, line 7 after."""
    few = wide.roster[:4]
    wanted = DealWanted(epoch=hub.epoch, members=few, threshold=3, slots=(1,))
    assert hub.deliver(few[0], DeliveryKind.DEAL, wanted).handed_in == []
    signed = noisy(wide, roster=few, sum=make_noisy_terms(4, "1"))
    played = hub.want(signed)
    assert hub.deliver(few[0], DeliveryKind.SUM, played.wanted).code == "roster_small"


# --- Ahead of time ---------------------------------------------------------------------------------------------------


def test_swapped_prekeys(wide: SmallFederation, hub: PlayedHub) -> None:
    """The hub puts a key of its own in a node's place, to know the pair's root. P2: left out, nobody pairs."""
    wide.clock.move(timedelta(days=7))
    epoch = hub.epoch
    honest = {
        name: read_envelope(hub.deliver(name, DeliveryKind.PREKEYS_WANTED, PrekeyWanted(epoch=epoch)).body, PREKEY_TYPE)
        for name in wide.roster
    }
    _, ours = make_prekey(wide.party("hub").keys, epoch, wide.clock())
    swapped = msgspec.structs.replace(decode_document(ours.body, Prekey), node="node-317")
    forged = seal_envelope(encode_document(swapped), PREKEY_TYPE, wide.party("hub").keys)
    renamed = msgspec.structs.replace(forged, signatures=(Signature(keyid="node-317", sig=forged.signatures[0].sig),))
    for false in (forged, renamed):
        prekeys = (*(honest[name] for name in wide.roster if name != "node-317"), false)
        hub.deliver(NODE, DeliveryKind.PREKEYS, PrekeysOffered(epoch=epoch, prekeys=prekeys))
        assert "node-317" not in hub.nodes[NODE].sums.find_roots(epoch)
    assert "node-316" in hub.nodes[NODE].sums.find_roots(epoch)
    wanted = DealWanted(epoch=epoch, members=wide.roster, threshold=4, slots=(1,))
    complaints = hub.deliver(NODE, DeliveryKind.DEAL, wanted).handed_in
    assert {door for door, _ in complaints} == {"complaints"}


def test_a_first_prekey_is_not_replaced(wide: SmallFederation, hub: PlayedHub) -> None:
    """A root that was agreed stays, whatever comes later: P3."""
    before = dict(hub.nodes[NODE].sums.find_roots(hub.epoch))
    _, another = make_prekey(wide.party("node-316").keys, hub.epoch, wide.clock())
    hub.deliver(NODE, DeliveryKind.PREKEYS, PrekeysOffered(epoch=hub.epoch, prekeys=(another,)))
    assert hub.nodes[NODE].sums.find_roots(hub.epoch) == before


def test_a_false_parcel_is_complained_of(wide: SmallFederation, hub: PlayedHub) -> None:
    """P4: a dealer that deals something else than it signed is named; a parcel exchanged by the hub blames nobody."""
    from federation.secure_sum.bundles import split_bundle
    from federation.secure_sum.dealing import deal_slot

    dealer = hub.nodes["node-203"]
    roster = hub.want(noisy(wide)).roster
    roots = dict.fromkeys(roster.members, b"\x01" * 32)
    hub.deliver(NODE, DeliveryKind.DEAL, DealWanted(epoch=hub.epoch, members=wide.roster, threshold=4, slots=(40,)))
    false, unasked = (split_bundle(deal_slot(dealer.party.keys, roster, slot, roots).bundle) for slot in (40, 41))
    digest = hub.want(noisy(wide)).attempt.roster_digest
    offered = ParcelsOffered(epoch=hub.epoch, roster_digest=digest, parcels=(encode_document(false[NODE]),))
    complaint = read_complaint_of(hub.deliver(NODE, DeliveryKind.PARCELS, offered))
    assert (complaint.dealer, complaint.slot) == ("node-203", 40)
    parcels = (encode_document(false["node-316"]), encode_document(unasked[NODE]), b"rubbish")
    astray = msgspec.structs.replace(offered, parcels=parcels)
    assert hub.deliver(NODE, DeliveryKind.PARCELS, astray).handed_in == []
    logged = read_entries(hub.nodes[NODE].database.connection, action=Action.SUM_COMPLAINED)
    assert [entry.to_event().details["about"] for entry in logged] == ["node-203"]


def test_slots_without_end(wide: SmallFederation, hub: PlayedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that has slots dealt until the node's disk is full. P4."""
    import node.sums.preparing

    monkeypatch.setattr(node.sums.preparing, "MOST_OWN_SLOTS", 5)
    members = {"members": wide.roster, "threshold": 4}
    more = DealWanted(epoch=hub.epoch, slots=(11, 12), **members)  # type: ignore[arg-type]
    assert hub.deliver(NODE, DeliveryKind.DEAL, more).handed_in == []
    one = DealWanted(epoch=hub.epoch, slots=(11,), **members)  # type: ignore[arg-type]
    assert len(hub.deliver(NODE, DeliveryKind.DEAL, one).handed_in) == 1


# --- Templates -------------------------------------------------------------------------------------------------------


def ask_run(hub: PlayedHub, standing: Standing, run: Manifest, template: Envelope | None) -> Said:
    """Hand a run to the node, with a template or without."""
    return hub.want(standing.sign(run), template=template).ask(NODE)


def test_a_template_beyond_its_list(wide: SmallFederation, hub: PlayedHub) -> None:
    """One more value, another question, another wait: signed by its asker, and approved by nobody. Line 4."""
    standing = Standing(wide)
    beyond = msgspec.structs.replace(standing.run(), choices=(Choice(parameter="sex", value="'U'"),))
    assert_refused(hub, ask_run(hub, standing, beyond, standing.envelope), "not_in_template")
    other = standing.run(sql=SQL)
    assert_refused(hub, ask_run(hub, standing, other, standing.envelope), "not_in_template")


def test_an_exact_sum_without_a_template(wide: SmallFederation, hub: PlayedHub) -> None:
    """Or with another than it names, or one that only its asker signed. Lines 1 and 4."""
    standing = Standing(wide)
    alone = msgspec.structs.replace(standing.run(), template="", choices=())
    honest = hub.want(noisy(wide)).wanted
    envelope = read_envelope(wide.sign(alone), MANIFEST_TYPE)
    assert hub.deliver(NODE, DeliveryKind.SUM, msgspec.structs.replace(honest, manifest=envelope)).code == ""
    assert_refused(hub, ask_run(hub, standing, standing.run(), None), "template_missing")
    assert_refused(hub, ask_run(hub, standing, standing.run(), Standing(wide).envelope), "template_differs")
    unapproved = standing.sign_template("ana@ucl", "officer@dfe")
    assert_refused(hub, ask_run(hub, standing, standing.run(), unapproved), "approvals_missing")


def test_an_exact_sum_that_would_be_printed_exactly(wide: SmallFederation, hub: PlayedHub) -> None:
    """England less eight of its regions is the ninth, so totals that add up must be rounded. Line 9."""
    wide.change_rule("301", 'presets = ["opensafely", "ons_10_5"]', 'presets = ["ukllc"]')
    standing = Standing(wide, **state_preset(load_preset("ukllc")))
    assert_refused(hub, ask_run(hub, standing, standing.run(), standing.envelope), "preset_barred")


def test_more_runs_than_were_approved(wide: SmallFederation, hub: PlayedHub) -> None:
    """Line 10: each node counts for itself."""
    standing = Standing(wide, most_runs=1)
    assert ask_run(hub, standing, standing.run(), standing.envelope).handed_in
    assert_refused(hub, ask_run(hub, standing, standing.run(BOYS), standing.envelope), "runs_used")


# --- Exact sums: one path, wide cells, one set of survivors ----------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        SQL.replace("sen_provision", "home_authority"),
        SQL.replace("sen_provision", "host_authority"),
        SQL.replace("counted_here", "counted_here AND host_authority = '301'"),
        SQL.replace("counted_here", "counted_here AND school_in_area AND home_region = 'London'"),
    ],
    ids=["by home", "by host", "of one host", "in area of one region"],
)
def test_authority_predicates_under_exact_sum(wide: SmallFederation, hub: PlayedHub, sql: str) -> None:
    """A sum over England of one authority's children is that authority's own figure. Line 8."""
    standing = Standing(wide, sql=sql, parameters=())
    run = read_envelope(standing.sign(standing.run(())), MANIFEST_TYPE)
    wanted = msgspec.structs.replace(hub.want(noisy(wide)).wanted, manifest=run, template=standing.envelope)
    assert_refused(hub, hub.deliver(NODE, DeliveryKind.SUM, wanted), "path_authorities")


def test_a_cell_that_too_few_operators_can_reach(wide: SmallFederation, hub: PlayedHub) -> None:
    """Six authorities of London are asked, and this one wants seven behind each cell. Line 12."""
    standing = Standing(wide, sql=SQL.replace("sen_provision", "home_region"), parameters=())
    assert ask_run(hub, standing, standing.run(()), standing.envelope).handed_in
    wide.change_rule("301", "fewest_reaching = 5", "fewest_reaching = 7")
    assert_refused(hub, ask_run(hub, standing, standing.run(()), standing.envelope), "path_reach")


def test_a_cell_reached_by_several_authorities_of_one_operator(wide: SmallFederation, hub: PlayedHub) -> None:
    """Operators are counted, not authorities: of six in London two are run by one party. Line 12."""
    standing = Standing(wide, sql=SQL.replace("sen_provision", "home_region"), parameters=())
    wide.change_rule("301", "fewest_reaching = 5", "fewest_reaching = 6")
    assert ask_run(hub, standing, standing.run(()), standing.envelope).handed_in

    def merge(register: Register) -> Register:
        return share_operator(register, "node-203", "node-204")

    change_register(wide, hub, merge)
    assert_refused(hub, ask_run(hub, standing, standing.run(()), standing.envelope), "path_reach")


def test_one_measure_by_two_paths(wide: SmallFederation, hub: PlayedHub) -> None:
    """Rows of each authority, taken from the exact total, are what the rows withhold. Line 10, either way round."""
    standing = Standing(wide)
    assert ask_run(hub, standing, standing.run(), standing.envelope).handed_in
    own = wide.manifest(standing.run().sql)
    reply = answer_manifest(hub.nodes[NODE], wide.sign(own))
    assert reply is not None
    assert read_reply(reply).code == "path_changed"
    assert_refused(hub, hub.want(noisy(wide)).ask(NODE), "path_changed")


def test_one_measure_by_two_paths_the_other_way_round(wide: SmallFederation, hub: PlayedHub) -> None:
    """Rows by each authority and a noisy total go together; an exact total beside either does not."""
    reply = answer_manifest(hub.nodes[NODE], wide.sign(wide.manifest(SQL)))
    assert reply is not None
    assert read_reply(reply).table is not None
    assert hub.want(noisy(wide)).ask(NODE).handed_in
    standing = Standing(wide)
    assert_refused(hub, ask_run(hub, standing, standing.run(), standing.envelope), "path_changed")


def test_a_snapshot_of_another_term(wide: SmallFederation, hub: PlayedHub) -> None:
    """Line 11: each path answers from the term that was approved, so that two terms cannot be subtracted unseen."""
    signed = noisy(wide, snapshot_term="202324-summer")
    assert_refused(hub, hub.want(signed).ask(NODE), "snapshot_absent")


def open_first(hub: PlayedHub, standing: Standing, away: tuple[str, ...] = ()) -> PlayedSum:
    """The first exact sum of the term, which fixes its survivors."""
    played = hub.run(standing.sign(standing.run()), template=standing.envelope, away=away)
    assert played.opened is not None
    return played


def test_roster_families_that_subtract_to_one_authority(wide: SmallFederation, hub: PlayedHub) -> None:
    """First all six, then five of them: the difference is the sixth's own. Line 13, with and without certificate."""
    standing = Standing(wide)
    first = open_first(hub, standing)
    five = tuple(name for name in wide.roster if name != "node-317")
    hub.prepare(2, five)
    signed = standing.sign(standing.run(BOYS, five))
    for certificate in (first.certificate, None):
        played = hub.want(signed, template=standing.envelope, certificate=certificate)
        assert_refused(hub, played.ask(NODE), "roster_uncertified")


def test_exact_sum_without_certificate(wide: SmallFederation, hub: PlayedHub) -> None:
    """A node that was late for the first opening does not know of it: it is shown the certificate, or is asked for all.

    Without one the hub could begin the term anew with whoever was not there. Line 13.
    """
    standing, late = Standing(wide), "node-301"
    first = open_first(hub, standing, away=(late,))
    there = tuple(name for name in wide.roster if name != late)
    everyone = standing.sign(standing.run(BOYS))
    # With the certificate the late node sees that it is not of the set; the others know without being shown.
    assert_refused(
        hub,
        hub.want(everyone, template=standing.envelope, certificate=first.certificate).ask(late),
        "roster_uncertified",
    )
    played = hub.want(everyone, template=standing.envelope)
    assert {played.ask(name).code for name in there} == {"roster_uncertified"}


def test_a_certificate_of_another_term_or_of_too_few(wide: SmallFederation, hub: PlayedHub) -> None:
    """Line 13."""
    standing = Standing(wide)
    first = open_first(hub, standing)
    few = msgspec.structs.replace(first.certificate.survivors, signatures=first.certificate.survivors.signatures[:3])
    short = msgspec.structs.replace(first.certificate, survivors=few)
    signed = standing.sign(standing.run(BOYS))
    assert_refused(hub, hub.want(signed, template=standing.envelope, certificate=short).ask(NODE), "quorum_missing")
    other = Standing(wide, snapshot_terms=("202425-autumn",))
    run = other.sign(other.run(BOYS, snapshot_term="202425-autumn"))
    played = hub.want(run, template=other.envelope, certificate=first.certificate)
    assert_refused(hub, played.ask(NODE), "snapshot_absent")


def test_dropouts_after_the_first_exact_opening(wide: SmallFederation, hub: PlayedHub) -> None:
    """A second exact sum over fewer than the certified survivors would be the family again. S6: nobody signs it."""
    standing = Standing(wide)
    first = open_first(hub, standing)
    second = hub.want(standing.sign(standing.run(BOYS)), template=standing.envelope, certificate=first.certificate)
    second.gather(away=("node-317",))
    smaller = name_survivors(second.attempt, second.facts, wide.roster[:-1])
    assert_silent(hub, second.ask_survivors(NODE, smaller), "survivors_few")


# --- Attempts, survivors, openings -----------------------------------------------------------------------------------


def test_replayed_manifest(wide: SmallFederation, hub: PlayedHub) -> None:
    """Opened once, asked again in a fresh slot: two openings of one manifest average its noise away. Line 13."""
    signed = noisy(wide)
    played = hub.run(signed)
    assert played.opened is not None
    assert_refused(hub, hub.want(signed, 2).ask(NODE), "revealed")
    assert_refused(hub, hub.want(signed, 1).ask(NODE), "revealed")


def test_smaller_roster_retry_beside_the_first(wide: SmallFederation, hub: PlayedHub) -> None:
    """A second attempt while the first can still be opened. Line 13: t aborts, or the first one's expiry."""
    signed = noisy(wide)
    first = hub.want(signed)
    first.gather()
    assert_refused(hub, hub.want(signed, 2).ask(NODE), "attempt_running")
    three = [first.ask_abort(name) for name in wide.roster[3:]]
    bodies = [decode_document(said.body, StatementSigned) for said in three]
    aborts = seal_envelope(encode_document(name_abort(first.attempt)), ABORT_TYPE)
    short = msgspec.structs.replace(aborts, signatures=tuple(each.signature for each in bodies))
    assert_refused(hub, hub.want(signed, 2, aborts=short).ask(NODE), "quorum_missing")
    forged = sign_body(aborts.body, ABORT_TYPE, wide.party("hub").keys).sig
    padded = msgspec.structs.replace(short, signatures=(*short.signatures, Signature(keyid="node-203", sig=forged)))
    assert_refused(hub, hub.want(signed, 2, aborts=padded).ask(NODE), "signature_invalid")


def test_a_late_attempt_without_aborts(wide: SmallFederation, hub: PlayedHub) -> None:
    """When the first attempt is over by this node's own clock, another may begin; not a moment before. Line 13."""
    signed = noisy(wide)
    first = hub.want(signed)
    first.gather()
    wide.clock.now = first.attempt.expires_at - timedelta(seconds=1)
    assert_refused(hub, hub.want(signed, 2).ask(NODE), "attempt_running")
    wide.clock.move(timedelta(seconds=1))
    assert hub.want(signed, 3).ask(NODE).handed_in
    assert_refused(hub, hub.want(signed, 2).ask(NODE), "attempt_over")


def test_a_slot_used_twice(wide: SmallFederation, hub: PlayedHub) -> None:
    """Two vectors under one mask give their difference. Line 13."""
    first = hub.want(noisy(wide))
    first.ask(NODE)
    second = hub.want(noisy(wide), attempt={"slot": first.attempt.slot})
    assert_refused(hub, second.ask(NODE), "slot_used")


def test_a_slot_that_was_not_dealt(wide: SmallFederation, hub: PlayedHub) -> None:
    """Line 13."""
    assert_refused(hub, hub.want(noisy(wide), attempt={"slot": 50}).ask(NODE), "slot_incomplete")


def test_two_survivor_sets(wide: SmallFederation, hub: PlayedHub) -> None:
    """Two sets that differ by one node: their difference is that node's own. S6 for signing, S8 for revealing."""
    signed = noisy(wide, sum=make_noisy_terms(6, "1", dropouts=2))
    played = hub.want(signed)
    played.gather()
    sets = [
        name_survivors(played.attempt, played.facts, tuple(name for name in wide.roster if name != left_out))
        for left_out in ("node-316", "node-317")
    ]
    openings = [collect(played, statement) for statement in sets]
    # The one that was left out of the first may sign the second, and is alone with it.
    assert [opening.signers for opening in openings] == [(*wide.roster[:4], "node-317"), ("node-316",)]
    assert played.ask_reveal(NODE, openings[0]).handed_in
    whole = name_survivors(played.attempt, played.facts, wide.roster)
    signatures = tuple(
        played.hub.nodes[name].sums.find_contribution(played.attempt.manifest_digest, 1).consent  # type: ignore[union-attr]
        for name in wide.roster
    )
    consented = msgspec.structs.replace(seal_envelope(encode_document(whole), SURVIVORS_TYPE), signatures=signatures)
    assert_silent(hub, played.ask_reveal(NODE, consented), "revealed")


def collect(played: PlayedSum, statement: SurvivorSet) -> Envelope:
    """Have every survivor asked to sign a set; whoever does is in the envelope."""
    said = [played.ask_survivors(name, statement) for name in statement.survivors]
    signatures = tuple(decode_document(body, StatementSigned).signature for each in said for _, body in each.handed_in)
    return msgspec.structs.replace(seal_envelope(encode_document(statement), SURVIVORS_TYPE), signatures=signatures)


def test_late_input_unmasking(wide: SmallFederation, hub: PlayedHub) -> None:
    """A vector that comes after its sender was left out: its mask keys are revealed, its own mask never is. S8."""
    played = hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=1)))
    played.gather(away=("node-317",))
    statement = name_survivors(played.attempt, played.facts, wide.roster[:-1])
    opening = collect(played, statement)
    assert played.ask_reveal(NODE, opening).handed_in
    late = played.ask("node-317")
    assert late.handed_in
    assert played.ask_reveal("node-317", opening).handed_in == []
    given = hub.nodes[NODE].database.connection.execute("SELECT dealer, kind FROM sum_shares_given").fetchall()
    kinds = {row["dealer"]: row["kind"] for row in given}
    assert kinds == {name: "unlock" if name == "node-317" else "seed" for name in wide.roster}


@pytest.mark.parametrize("spoil", ["too few", "forged", "a stranger's", "of another attempt"])
def test_an_opening_that_is_not_agreed(wide: SmallFederation, hub: PlayedHub, spoil: str) -> None:
    """S8: t good signatures of survivors, under the register as it is now, on this very attempt."""
    played = hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=2)))
    played.gather()
    statement = name_survivors(played.attempt, played.facts, wide.roster[:5])
    opening = collect(played, statement)
    if spoil == "too few":
        opening = msgspec.structs.replace(opening, signatures=opening.signatures[:3])
        code = "quorum_missing"
    elif spoil == "forged":
        first = msgspec.structs.replace(opening.signatures[0], sig=opening.signatures[1].sig)
        opening = msgspec.structs.replace(opening, signatures=(first, *opening.signatures[1:]))
        code = "signature_invalid"
    elif spoil == "a stranger's":
        stranger = sign_body(opening.body, SURVIVORS_TYPE, wide.party("node-317").keys)
        opening = msgspec.structs.replace(opening, signatures=(*opening.signatures[:3], stranger))
        code = "signer_unknown"
    else:
        other = msgspec.structs.replace(statement, attempt=2)
        opening = msgspec.structs.replace(seal_envelope(encode_document(other), SURVIVORS_TYPE), signatures=())
        code = "not_contributed"
    assert_silent(hub, played.ask_reveal(NODE, opening), code)
    assert hub.nodes[NODE].sums.find_reveal(played.attempt.manifest_digest) is None


def test_a_reveal_after_an_abort_and_an_abort_after_a_reveal(wide: SmallFederation, hub: PlayedHub) -> None:
    """Aborts let another attempt begin, so whoever signed one never reveals; whoever revealed signs none. S8, S12."""
    played = hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=2)))
    played.gather()
    opening = collect(played, name_survivors(played.attempt, played.facts, wide.roster[:5]))
    assert played.ask_abort(NODE).handed_in
    assert_silent(hub, played.ask_reveal(NODE, opening), "aborted")
    assert played.ask_reveal("node-203", opening).handed_in
    assert played.ask_abort("node-203").handed_in == []


def test_a_reveal_after_the_attempts_end(wide: SmallFederation, hub: PlayedHub) -> None:
    """By the node's own clock: others may have begun the next attempt. S8."""
    played = hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=2)))
    played.gather()
    opening = collect(played, name_survivors(played.attempt, played.facts, wide.roster[:5]))
    wide.clock.now = played.attempt.expires_at
    assert_silent(hub, played.ask_reveal(NODE, opening), "expired")


def test_a_path_that_was_barred_meanwhile(wide: SmallFederation, hub: PlayedHub) -> None:
    """An officer who bars the path stops what is under way. S8."""
    played = hub.want(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=2)))
    played.gather()
    opening = collect(played, name_survivors(played.attempt, played.facts, wide.roster[:5]))
    wide.change_rule("301", '"noisy_sum", ', "")
    assert_silent(hub, played.ask_reveal(NODE, opening), "path_barred")


# --- Noise and rubbish -----------------------------------------------------------------------------------------------


def test_what_the_hub_makes_up_cannot_fill_the_log(wide: SmallFederation, hub: PlayedHub) -> None:
    """Attempts, statements and rubbish without end are counted, and only the first of an hour are written out."""
    played = hub.want(noisy(wide))
    statement = name_survivors(played.attempt, played.facts, wide.roster)
    for _ in range(20):
        hub.want(noisy(wide), attempt={"slot": 50}).ask(NODE)
        played.ask_survivors(NODE, statement)
        hub.deliver(NODE, DeliveryKind.OPENING, PrekeyWanted(epoch=hub.epoch))
    logged = sum(1 for _ in read_entries(hub.nodes[NODE].database.connection, action=Action.QUERY_REFUSED))
    assert logged == MOST_LOGGED


@pytest.mark.parametrize("kind", list(BODIES))
def test_a_delivery_that_is_none_is_done_with(hub: PlayedHub, kind: DeliveryKind) -> None:
    """It is logged, and stands in the way of nothing."""
    for body in ("", "!", base64.b64encode(b"{}").decode()):
        said = Said()
        delivery = Delivery(delivery_id=1, kind=kind, lookup_id="", sender="", body=body)
        deal_with_sum(hub.nodes[NODE], said, delivery)
        assert_silent(hub, said, "malformed_delivery")


def test_what_is_dropped_is_nobodys_answer(wide: SmallFederation, hub: PlayedHub) -> None:
    """A hub that drops a node's refusal, or its contribution, gets a smaller sum or none; never that node's figures."""
    wide.change_rule("301", '"noisy_sum", ', "")
    played = hub.run(noisy(wide, sum=make_noisy_terms(6, "1", dropouts=1)))
    assert played.refused == {NODE: "path_barred"}
    assert played.opened is not None
    assert hub.nodes[NODE].sums.find_figures(played.attempt.manifest_digest) is None


def test_a_threshold_that_nobody_dealt_for(wide: SmallFederation, hub: PlayedHub) -> None:
    """A run may ask for a higher one, whose slots are its own; those of a lower one do not serve for it. Line 13."""
    standing = Standing(wide)
    higher = standing.run(GIRLS, sum=make_exact_terms(6, 6))
    assert_refused(hub, ask_run(hub, standing, higher, standing.envelope), "slot_incomplete")
