"""Children in others' care whom our own rolls and the national lists give away, though nobody may have told us of them.

No School Census says who is in care. The national list of pupil premium does, and so does the national result of Key
Stage 2, for pupils of our schools. Whoever is on roll here, is in care by one of these and not in ours, is in another
authority's. Which one is known where that authority has claimed the child's education facts here; of the others it is
found out by a call to the school, and each home authority decides what a lookup then shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from federation.state import StateError
from node.ingest.staged import find_staged
from node.ingest.tokens import row_token
from node.lookups.child_on_roll import PUPILS
from node.lookups.reading_room import Listing, admit_reader
from node.lookups.records import CHILDREN, IN_CARE_NOW
from node.service import Node
from node.snapshots import Snapshot
from node.vault import ask_vault
from policies.names import Action, FieldGroup, Relation

COLUMNS = ("upn", "date_of_birth", "school", "told_by", "home", "next_step")

LISTING = Listing("on_our_rolls", COLUMNS, (FieldGroup.IDENTITY,), (Action.LIST, Action.READ), relation=Relation.HOST)
"""What the list shows, and the rights of a host that it takes."""

NATIONAL: Mapping[str, str] = {
    "giap_pupil_premium": """
        SELECT upn, 'pupil premium' AS told_by FROM giap_pupil_premium WHERE lookedafterpremium""",
    "giap_ks2": """
        SELECT upn, 'Key Stage 2 results' AS told_by FROM giap_ks2 WHERE cla_12_months""",
}
"""The national lists that say who is in care, and how they are read."""

NOT_KNOWN = "not known"
ASK_SCHOOL = "ask the school"
"""Its designated teacher knows which authority it is, whose virtual school is called."""


@dataclass(frozen=True, repr=False)
class OnRoll:
    """A child on our rolls in another authority's care: by which list, and whose care if that is known."""

    upn: str
    date_of_birth: str | None
    school: str | None
    told_by: str
    homes: tuple[str, ...]

    @property
    def row(self) -> tuple[str | None, ...]:
        """The child in the columns of the list."""
        home = ", ".join(self.homes) or NOT_KNOWN
        step = f"call {' and '.join(self.homes)}" if self.homes else ASK_SCHOOL
        return (self.upn, self.date_of_birth, self.school, self.told_by, home, step)


def list_on_our_rolls(node: Node, person_id: str, purpose: str, *, copying: bool = False) -> tuple[OnRoll, ...]:
    """Return these children by school, once each is in the log.

    Raises `StateError` where nothing is loaded, and `PurposeMissing`, `AccessDenied` and `TooManyLookups` as the
    reading room does.
    """
    reader = admit_reader(node, person_id, purpose, LISTING, copying=copying)
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError("nothing is loaded yet: the node's administrator loads the return files")
    found = find_on_our_rolls(node, snapshot)
    reader.sign_for(child.upn for child in found)
    return found


def find_on_our_rolls(node: Node, snapshot: Snapshot) -> tuple[OnRoll, ...]:
    """Return these children, whoever asks."""
    lists = {name: paths for name in NATIONAL if (paths := _find_lists(snapshot, name))}
    if PUPILS not in snapshot.identified or not lists:
        return ()
    sql = f"""
        SELECT upn, strftime(any_value(date_of_birth), '%Y-%m-%d'), CAST(any_value(school_urn) AS VARCHAR) AS school,
            string_agg(DISTINCT told_by, ', ' ORDER BY told_by)
        FROM {PUPILS} JOIN ({" UNION ALL ".join(NATIONAL[name] for name in lists)}) AS told USING (upn)
        WHERE academic_year = (SELECT max(academic_year) FROM {PUPILS})
        AND upn NOT IN (SELECT upn FROM {CHILDREN} WHERE upn IS NOT NULL AND {IN_CARE_NOW})
        GROUP BY upn ORDER BY school NULLS LAST, upn
    """  # noqa: S608 - every part is written in this package
    tables: dict[str, Path | Sequence[Path]] = {
        PUPILS: snapshot.identified[PUPILS],
        CHILDREN: snapshot.identified[CHILDREN],
        **lists,
    }
    homes = _find_claims(node)
    return tuple(
        OnRoll(upn, born, school, told_by, homes.get(_log_token(node, upn), ()))
        for upn, born, school, told_by in ask_vault(tables, sql)
    )


def _find_lists(snapshot: Snapshot, name: str) -> list[Path]:
    """The newest loaded list of a kind: an older one says nothing of today."""
    staged = {period.rank: path for (table, period), path in find_staged(snapshot.staged).items() if table == name}
    return [staged[max(staged)]] if staged else []


def _find_claims(node: Node) -> Mapping[str, tuple[str, ...]]:
    """The authorities that have claimed a child here, by our own log token."""
    found: dict[str, tuple[str, ...]] = {}
    rows = node.database.connection.execute("SELECT DISTINCT child, authority FROM claims_matched ORDER BY authority")
    for row in rows.fetchall():
        found[row["child"]] = (*found.get(row["child"], ()), row["authority"])
    return found


def _log_token(node: Node, upn: str) -> str:
    keys = node.party.keys
    return keys.log_token(row_token(keys.row_secret, upn))
