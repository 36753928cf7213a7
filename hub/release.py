"""Release: the nodes' protected tables put side by side, checked again, and made into one immutable document.

Every node of the roster has its rows in the release: a node that refused, was late or sent something malformed has
`x` (unavailable) in every one of them, and is named with the reason.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType

import msgspec

from audit.connection import Connection
from audit.event import Action
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.rules import write_rules
from disclosure_control.release.gate import ReleasedTable, ReleaseRefused
from disclosure_control.suppression.lattice import TableUnusable
from disclosure_control.suppression.release_attack import certify_release
from federation.envelope import Envelope
from federation.exchange import QueryState, ReleaseDocument, ReleaseStanding
from federation.log_proofs import digest_release
from federation.manifest import Path, Reply
from federation.problems import ProblemRaised
from federation.register import Member
from federation.releases import HELD_BACK, TOLD, combine_tables, load_approved_preset, name_release
from federation.wire import encode_document, whole_seconds
from hub.checks import hold_release
from hub.dispatch import read_progress, read_replies, read_signed_replies
from hub.gate import MOST_TRIES, judge_rows, name_beside
from hub.queries import StoredQuery, find_for_release
from hub.query_states import move_query
from hub.service import Hub
from hub.standing import describe_nodes, find_ending, not_released
from query_engine.planning.plan import QueryPlan

_NOBODY: Mapping[str, Reply] = MappingProxyType({})


def release_query(hub: Hub, query: StoredQuery) -> None:
    """Combine, check and release a query's table, once; a second call finds it released and does nothing.

    It is checked again where others that have to do with it were released meanwhile; one that is overtaken again and
    again waits for an output checker. Raises `ReleaseRefused` where the tables cannot be released together.
    """
    replies = read_replies(hub, query.digest)
    table, preset = combine_replies(hub, query, replies), load_approved_preset(query.manifest, hub.party.presets)
    document = describe_rows(hub, query, table, replies)
    for left in reversed(range(MOST_TRIES)):
        beside = name_beside(hub, hub.database.connection, query.manifest)
        verdict = judge_rows(hub, query.manifest, table, replies, preset)
        with hub.database.transaction() as connection:
            # A reply that came in while the others were combined is not left out: the next poll begins again with it.
            if read_progress(hub, query.digest).keys() != replies.keys():
                return
            overtaken = name_beside(hub, connection, query.manifest) != beside
            if overtaken and left:
                continue
            if verdict.is_safe and not overtaken:
                keep_release(hub, connection, query, document)
            else:
                hold_release(hub, connection, query, verdict.overtaken() if overtaken else verdict, beside)
        break
    hub.bell.ring(query.query_id)


def describe_rows(hub: Hub, query: StoredQuery, table: ReleasedTable, replies: Mapping[str, Reply]) -> ReleaseDocument:
    """The release of authorities' rows. An answer that is held back stays here, with what it holds."""
    signed = read_signed_replies(hub, query.digest)
    shown = [node for node in sorted(replies) if table.absent.get(replies[node].authority) not in HELD_BACK]
    return describe_release(hub, query, table, tuple(signed[node] for node in shown))


def describe_release(
    hub: Hub,
    query: StoredQuery,
    table: ReleasedTable | ReleasedModel,
    signed: tuple[Envelope, ...],
    opening: Envelope | None = None,
) -> ReleaseDocument:
    """A release with what the nodes signed for it and its certificate, as of now.

    It is not in the log yet. To work out the certificate takes longer than a transaction should.
    """
    return ReleaseDocument(
        release_id=name_release(query.digest, table.to_json()),
        query_id=query.query_id,
        manifest_digest=query.digest,
        sql=query.manifest.sql,
        purpose=query.manifest.purpose,
        released_at=whole_seconds(hub.clock()),
        table=table.to_json(),
        nodes=describe_nodes(hub, query),
        replies=signed,
        opening=opening,
        checkpoint="",
        certificate=certify_table(hub, query, table),
    )


def keep_release(
    hub: Hub, connection: Connection, query: StoredQuery, document: ReleaseDocument, decided_by: str = ""
) -> bool:
    """Store a release, inside the caller's transaction, unless the query has moved on; say whether it was stored.

    `decided_by` is the output checker who let it go, if it waited for one. It is of the moment at which it is stored,
    whenever its release was begun: what the nodes signed may have come in meanwhile.
    """
    if not move_query(connection, query.query_id, query.state, QueryState.RELEASED):
        return False
    replace = msgspec.structs.replace
    document = replace(document, released_at=whole_seconds(hub.clock()), nodes=describe_nodes(hub, query))
    actor, digest = decided_by or hub.party.member_id, digest_release(document)
    event = hub.event(Action.QUERY_RELEASED, actor, query.query_id, release=document.release_id, document=digest)
    hub.database.log.append(connection, event)
    document = replace(document, checkpoint=hub.database.log.latest_checkpoint(connection))
    row = (query.query_id, document.release_id, encode_document(document))
    connection.execute("INSERT INTO releases VALUES (?, ?, ?)", row)
    return True


def certify_table(hub: Hub, query: StoredQuery, table: ReleasedTable | ReleasedModel) -> str:
    """Return the certificate of a table.

    There is none for a model, where noise or cell keys protect, or where there is no proof.
    """
    if isinstance(table, ReleasedModel) or query.manifest.path is Path.NOISY_SUM:
        return ""
    preset = load_approved_preset(query.manifest, hub.party.presets)
    if preset.cell_key is not None:
        return ""
    try:
        return certify_release(table.to_json(), query.plan, preset).decode()
    except TableUnusable:
        return ""


def combine_replies(
    hub: Hub, query: StoredQuery, replies: Mapping[str, Reply], left_out: Container[str] = ()
) -> ReleasedTable:
    """Put the nodes' protected tables side by side, each checked against plan and preset again.

    `left_out` are authorities whose rows would tell too much. Raises `ReleaseRefused` where plan or preset are not what
    was approved, or a node has no authority of its own.
    """
    preset = load_approved_preset(query.manifest, hub.party.presets)
    served = find_authorities(hub, query, replies)
    held_back = {node: TOLD for node, authority in served.items() if authority in left_out}
    return combine_tables(_derive_plan(query), preset, replies, served, held_back)


def _derive_plan(query: StoredQuery) -> QueryPlan:
    try:
        plan = query.plan
    except ProblemRaised:
        plan = None
    if plan is None or plan.plan_id != query.manifest.plan_id:
        raise ReleaseRefused("the plan derived here from the SQL is not the one that was approved")
    return plan


def find_authorities(hub: Hub, query: StoredQuery, replies: Mapping[str, Reply] = _NOBODY) -> Mapping[str, str]:
    """Return whose rows each node answers for: what it replied as, or whom the register has it serve when asked."""
    asked_at = query.manifest.issued_at
    registered = {member.id: member.authority(asked_at) for member in hub.register().members}
    served = {
        node: replies[node].authority if node in replies else registered.get(node, "") for node in query.manifest.roster
    }
    if len(set(served.values())) != len(served) or not all(served.values()):
        raise ReleaseRefused("the nodes of the roster do not each serve an authority of their own")
    return served


def find_standing(hub: Hub, cited: str, reader: Member) -> ReleaseStanding:
    """Return what a release answers and whether it still stands, by its own id or its query's. Raises a 404 problem."""
    row = hub.database.connection.execute(
        "SELECT query_id, release_id FROM releases WHERE release_id = ? OR query_id = ?", (cited, cited)
    ).fetchone()
    if row is None:
        raise ProblemRaised(404, "release_unknown", "there is no release of that id here: check it letter by letter")
    query = find_for_release(hub, row["query_id"], reader)
    return ReleaseStanding(
        release_id=row["release_id"], query_id=query.query_id, notice=find_ending(hub, query.query_id)
    )


def find_rules(hub: Hub, query: StoredQuery) -> bytes:
    """Return the rules that protect a query, as they were when it was asked. Raises a 404 problem for lost ones."""
    try:
        return write_rules(hub.party.presets.find(query.manifest.preset, query.manifest.preset_version))
    except PresetInvalid as error:
        raise ProblemRaised(404, "preset_unknown", str(error)) from None


def find_release(hub: Hub, query: StoredQuery) -> bytes:
    """Return a query's release document. Raises a 404 problem while there is none."""
    row = hub.database.connection.execute(
        "SELECT document FROM releases WHERE query_id = ?", (query.query_id,)
    ).fetchone()
    if row is None:
        raise not_released(hub, query)
    document: bytes = row["document"]
    return document
