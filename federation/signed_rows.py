"""A release of rows held against what the nodes signed, and nothing else: for a question that cannot be planned here.

A release outlives the software that it was made with. Its rows are the nodes' own, each under a signature, so that they
can be compared for ever, whatever catalogue the reader has. What only the plan can tell, such as that its preset prints
such figures, was checked by each node before it signed and by the hub, and is not checked again.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from disclosure_control.release.reading import ReleaseMalformed, read_released
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import WIRE_KEYS, Entry, Row
from disclosure_control.symbols import Symbol
from federation.envelope import Envelope
from federation.exchange import ReleaseDocument
from federation.manifest import Manifest, Reply, read_manifest
from federation.register import Register
from federation.releases import (
    ANOTHER_TABLE,
    MALFORMED,
    Answers,
    ReleaseMismatch,
    check_cited,
    open_answers,
    why_absent,
)

__all__ = ["verify_signed_rows"]


def verify_signed_rows(document: ReleaseDocument, envelope: Envelope, register: Register) -> ReleasedTable:
    """Return the table of a release, having compared it with the nodes' signed replies. Raises `ReleaseMismatch`.

    1. it states the query, the question and the purpose that were approved, and each reply is its node's;
    2. it is of the plan, the path and the preset that its manifest states, as every reply in it is;
    3. the rows of each authority that answered are those that its node signed, one for one, in their order;
    4. every other authority of the roster is absent for the reason that its node signed, or for having sent nothing;
    5. all authorities have the same categories, and the absent ones have no figure;
    6. its id is the one that its content gives it, and it is of no moment before the last reply.
    """
    answers, manifest = open_answers(document, envelope, register), read_manifest(envelope)
    try:
        table = read_released(document.table)
    except ReleaseMalformed as malformed:
        raise ReleaseMismatch(f"the release has no table that can be read: {malformed}") from None
    stated = (table.plan_id, table.path, table.preset, table.preset_version)
    if stated != (manifest.plan_id, manifest.path, manifest.preset, manifest.preset_version):
        raise ReleaseMismatch("the table is of another plan, path or preset than was approved")
    absent = _list_absent(table, answers)
    answered = sorted(set(answers.authorities.values()) - absent.keys())
    if (list(table.answered), dict(table.absent)) != (answered, absent):
        raise ReleaseMismatch("the table names other authorities as being in it than signed an answer")
    blocks = _split(table, [*answered, *absent])
    by_authority = {answers.authorities[node]: reply for node, reply in answers.replies.items()}
    for authority in answered:
        if _typed(blocks[authority]) != _typed(_read_signed(by_authority[authority], table, manifest)):
            raise ReleaseMismatch(ANOTHER_TABLE)
    if len({_categories(rows, table) for rows in blocks.values()}) > 1:
        raise ReleaseMismatch("the authorities have rows of other categories than one another")
    check_cited(document, answers)
    return table


def _list_absent(table: ReleasedTable, answers: Answers) -> dict[str, str]:
    """Who is not in the table by what the nodes signed, each with the reason, in order.

    That an answer was malformed, only who has the plan can tell: the hub is believed to have left it out.
    """
    absent: dict[str, str] = {}
    for node, authority in answers.authorities.items():
        why = answers.held_back.get(node) or why_absent(answers.replies.get(node))
        if why or table.absent.get(authority) == MALFORMED:
            absent[authority] = why or MALFORMED
    return dict(sorted(absent.items()))


def _split(table: ReleasedTable, roster: Sequence[str]) -> dict[str, tuple[Row, ...]]:
    """The rows of each authority without its code, where they stand in order of the authorities."""
    blocks: dict[str, list[Row]] = {authority: [] for authority in sorted(roster)}
    for row in table.rows:
        blocks[str(row[0])].append(row[1:])
    if [row[0] for row in table.rows] != [authority for authority, rows in blocks.items() for _ in rows]:
        raise ReleaseMismatch("the rows are not in the order of the authorities")
    return {authority: tuple(rows) for authority, rows in blocks.items()}


def _read_signed(reply: Reply, table: ReleasedTable, manifest: Manifest) -> tuple[Row, ...]:
    """The rows that a node signed, as the table would have them. Raises `ReleaseMismatch`."""
    wire = reply.table or {}
    terms = (manifest.plan_id, manifest.preset, manifest.preset_version, list(table.columns[1:]))
    if wire.keys() != WIRE_KEYS or terms != tuple(
        wire[key] for key in ("plan_id", "preset", "preset_version", "columns")
    ):
        raise ReleaseMismatch(f"what {reply.node} signed is of another plan, preset or columns than the release")
    rows, columns = wire["rows"], table.columns[1:]
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise ReleaseMismatch(f"what {reply.node} signed has no rows of these columns")
    places = [table.decimals.get(column) for column in columns]
    return tuple(tuple(map(_read_entry, row, places)) for row in rows)


def _read_entry(entry: object, places: int | None) -> Entry:
    """A category or a figure as a node writes it; anything else is nothing that a released table can have."""
    if places is None and (entry is None or isinstance(entry, str | int)):
        return entry
    if isinstance(entry, str) and entry in list(Symbol):
        return Symbol(entry)
    if places == 0 and type(entry) is int:
        return entry
    try:
        number = Decimal(entry) if places and isinstance(entry, str) else None
    except InvalidOperation:
        number = None
    if number is None or places is None or number.as_tuple().exponent != -places:
        raise ReleaseMismatch("what was signed has figures of other decimal places than the release, or is none")
    return number


def _typed(rows: Sequence[Row]) -> list[list[tuple[type, Entry]]]:
    """The rows with the type of each entry: yes is not 1."""
    return [[(type(entry), entry) for entry in row] for row in rows]


def _categories(rows: Sequence[Row], table: ReleasedTable) -> tuple[Row, ...]:
    places = [place for place, column in enumerate(table.columns[1:]) if column not in table.decimals]
    return tuple(tuple(row[place] for place in places) for row in rows)
