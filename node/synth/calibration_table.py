"""How a written England compares with the published figures it is calibrated to, computed from its files alone."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.synth.collection_year import collection_year, spoken_year
from node.synth.geography import home_region
from node.synth.plan import MANIFEST
from node.synth.postcodes import load_places

if TYPE_CHECKING:
    import duckdb

POINTS, RELATIVE = 2.0, 0.10
"""A figure is within when it differs by two percentage points at most, or by a tenth of the target."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A published figure and what the files say. `found` is None where no row counts."""

    section: str
    figure: str
    source: str
    target: float
    found: float | None
    is_percent: bool

    def within(self, points: float = POINTS, relative: float = RELATIVE) -> bool:
        """Whether what was found is near enough to the target; by points only for percentages."""
        if self.found is None:
            return False
        off = abs(self.found - self.target)
        return off <= relative * self.target or (self.is_percent and off <= points)


def calibration_table(directory: Path) -> list[Calibrated]:
    """Every figure that a written England has, in the order of the reference.

    Figures of attainment need an England written in full; some need all authorities. Raises OSError where there is no
    England in `directory`.
    """
    manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    with _connect(directory, manifest) as files:
        views = {name for (name,) in files.execute("SELECT table_name FROM information_schema.tables").fetchall()}
        written = len(manifest["authorities"])
        return [
            _measure(files, figure)
            for figure in _figures()
            if figure["of"] in views and written >= figure.get("least", 1)
        ]


def print_table(rows: list[Calibrated]) -> str:
    """The table as text: one line a figure, and how many are within."""
    width = max(len(row.figure) for row in rows)
    lines = [f"{'':4} {'figure':{width}} {'target':>9} {'found':>9}  within  source"]
    for row in rows:
        found = "-" if row.found is None else f"{row.found:.2f}"
        within = "yes" if row.within() else "NO"
        lines.append(f"{row.section:4} {row.figure:{width}} {row.target:9.2f} {found:>9}  {within:6}  {row.source}")
    lines.append(f"{sum(row.within() for row in rows)} of {len(rows)} figures are within")
    return "\n".join(lines)


def _figures() -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = tomllib.loads((_FOLDER / "calibration_figures.toml").read_text())["figure"]
    return figures


def _connect(directory: Path, manifest: dict[str, Any]) -> "duckdb.DuckDBPyConnection":
    import duckdb

    year = collection_year(manifest["academic_year"])
    first = manifest["academic_year"] // 100
    files = duckdb.connect(config={"threads": 2, "memory_limit": "2GB"})
    files.execute("SET VARIABLE directory = ?", [str(directory)])
    files.execute(f"SET VARIABLE year_start = DATE '{first}-04-01'")
    files.execute(f"SET VARIABLE year_end = DATE '{first + 1}-03-31'")
    files.execute("SET VARIABLE spoken_year = ?", [spoken_year(year.academic_year // 100)])
    files.execute((_FOLDER / "calibration_views.sql").read_text(encoding="utf-8"))
    _locate(files)
    if all((directory / code / "giap").exists() for code in manifest["authorities"]):
        files.execute((_FOLDER / "calibration_attainment.sql").read_text(encoding="utf-8"))
    return files


def _locate(files: "duckdb.DuckDBPyConnection") -> None:
    """Say of each placement postcode in which authority it lies, and add the views that ask for it."""
    areas = [
        (postcode, code, east, north)
        for code, place in load_places().items()
        for postcode, east, north in zip(place.postcodes, place.eastings, place.northings, strict=True)
    ]
    columns = [list(column) for column in zip(*areas, strict=True)]
    files.execute(
        "CREATE TABLE areas AS SELECT unnest(?::VARCHAR[]) AS postcode, unnest(?::VARCHAR[]) AS host, "
        "unnest(?::DOUBLE[]) AS east, unnest(?::DOUBLE[]) AS north",
        columns,
    )
    files.execute("CREATE TABLE regions (home VARCHAR, region VARCHAR)")
    files.executemany("INSERT INTO regions VALUES (?, ?)", [(code, home_region(code)) for code in load_places()])
    files.execute((_FOLDER / "calibration_borders.sql").read_text(encoding="utf-8"))


def _measure(files: "duckdb.DuckDBPyConnection", figure: dict[str, Any]) -> Calibrated:
    measured = f"100 * avg(({figure['percent']})::INTEGER)" if "percent" in figure else figure["mean"]
    is_percent = "percent" in figure or figure.get("points", False)
    where = f" WHERE {figure['where']}" if "where" in figure else ""
    row = files.execute(f"SELECT {measured} FROM {figure['of']}{where}").fetchone()  # noqa: S608 - our own figures
    found = None if row is None or row[0] is None else float(row[0])
    return Calibrated(figure["section"], figure["name"], figure["source"], figure["target"], found, is_percent)
