"""Writes a School Census of any size, vectorised: the files that loading is measured with."""

from pathlib import Path

from node.ingest.staged import sql_path
from node.upn import LETTERS

TABLES = ("pupilonroll", "fsmperiod", "senneeds", "termlyexclusionsonroll", "termlysessiondetailsonroll")
_INGEST = Path(__file__).parents[1] / "ingest"


def write_census(directory: Path, pupils: int) -> dict[str, Path]:
    """Write the files of one spring term with that many pupils on roll; returns them by table."""
    import duckdb

    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    with duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "700MB"}) as connection:
        connection.execute("SET VARIABLE pupils = $pupils", {"pupils": pupils})
        connection.execute("SET VARIABLE upn_letters = $letters", {"letters": LETTERS})
        for script in (_INGEST / "macros.sql", Path(__file__).with_name("census.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
        for name in TABLES:
            written[name] = directory / f"2025_spring_{name}.csv"
            connection.execute(f"COPY (FROM {name}) TO {sql_path(written[name])} (FORMAT csv, HEADER)")
    return written
