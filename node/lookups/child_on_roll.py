"""One pupil on the rolls of our schools, by pupil number and date of birth, exactly: what a file has of them."""

from collections.abc import Mapping
from datetime import date

from node.snapshots import Snapshot
from node.vault import ask_vault

PUPILS = "pupils"
"""The identified table of everybody on our rolls."""

COLUMNS: Mapping[str, str] = {
    "upn": "upn",
    "date_of_birth": "strftime(date_of_birth, '%Y-%m-%d')",
    "school": "CAST(school_urn AS VARCHAR)",
    "year_group": "CAST(year_group AS VARCHAR)",
    "attendance_rate": """CAST(round(1 - (sessions_missed_authorised + sessions_missed_unauthorised)
        / nullif(sessions_possible, 0), 3) AS VARCHAR)""",
    "suspensions": "CAST(suspensions AS VARCHAR)",
    "sen_provision": "CAST(sen_provision AS VARCHAR)",
}
"""What a roll tells of a child's file, and how it is read; the rest of a file is the home authority's to know."""


def find_on_roll(snapshot: Snapshot, upn: str, born: date) -> tuple[str, dict[str, str | None]] | None:
    """Return the row token and the fields of a pupil who is on roll in the snapshot's newest year, or None."""
    if PUPILS not in snapshot.identified:
        return None
    sql = f"""SELECT pupil, {", ".join(f"{how} AS {name}" for name, how in COLUMNS.items())} FROM {PUPILS}
        WHERE upn = $upn AND date_of_birth = $born
        AND academic_year = (SELECT max(academic_year) FROM {PUPILS})"""  # noqa: S608 - every part is in this file
    rows = ask_vault({PUPILS: snapshot.identified[PUPILS]}, sql, {"upn": upn, "born": born})
    if len(rows) != 1:  # One number, two pupils: neither is told of.
        return None
    token, *values = rows[0]
    return str(token), dict(zip(COLUMNS, values, strict=True))
