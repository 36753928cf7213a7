"""One authority's SSDA903 return as the eleven CSV files of the published format."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

from node.synth.calibration import number, seeded
from node.synth.care_rows import (
    Row,
    episode_rows,
    header_row,
    missing_rows,
    review_rows,
    social_worker_rows,
    uasc_rows,
)
from node.synth.children import Child
from node.synth.collection_year import CollectionYear
from node.synth.files import write_table
from node.synth.leavers import Leaver
from node.synth.outcome_rows import adoption_rows, health_rows, leaver_rows, permanence_rows

Tables = dict[str, list[Row]]
"""Rows by table."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "header": ("CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"),
    "episodes": (
        *("CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC", "REASON_PLACE_CHANGE"),
        *("HOME_POST", "PL_POST", "URN"),
    ),
    "reviews": ("CHILD", "DOB", "REVIEW", "REVIEW_CODE"),
    "uasc": ("CHILD", "SEX", "DOB", "DUC"),
    "oc2": (
        *("CHILD", "DOB", "SDQ_SCORE", "SDQ_REASON", "CONVICTED", "HEALTH_CHECK", "IMMUNISATIONS", "TEETH_CHECK"),
        *("HEALTH_ASSESSMENT", "SUBSTANCE_MISUSE", "INTERVENTION_RECEIVED", "INTERVENTION_OFFERED"),
    ),
    "oc3": ("CHILD", "DOB", "IN_TOUCH", "ACTIV", "ACCOM"),
    "ad1": ("CHILD", "DOB", "DATE_INT", "DATE_MATCH", "FOSTER_CARE", "NB_ADOPTR", "SEX_ADOPTR", "LS_ADOPTR"),
    "placed_for_adoption": ("CHILD", "DOB", "DATE_PLACED", "DATE_PLACED_CEASED", "REASON_PLACED_CEASED"),
    "previous_permanence": ("CHILD", "DOB", "PREV_PERM", "LA_PERM", "DATE_PERM"),
    "missing": ("CHILD", "DOB", "MISSING", "MIS_START", "MIS_END"),
    "sw_episodes": ("CHILD", "DOB", "SW_ID", "SW_DECOM", "SW_DEC", "SW_REASON"),
}
"""The columns of each table, in the published order; the key is the file's name."""


def build_return(
    home: str, children: Iterable[Child], leavers: Iterable[Leaver], year: CollectionYear, seed: int
) -> Tables:
    """The rows of every table of an authority's return."""
    chance = seeded(seed, home, "return")
    returned = chance.betavariate(number("sdq_returned.alpha"), number("sdq_returned.beta"))
    tables: Tables = {name: [] for name in COLUMNS}
    for child in children:
        for table, row in _child_rows(chance, child, home, year, returned):
            tables[table].append(row)
    for leaver in leavers:
        for table, row in leaver_rows(leaver, year):
            tables[table].append(row)
    return tables


def _child_rows(
    chance: Random, child: Child, home: str, year: CollectionYear, sdq_returned: float
) -> Iterator[tuple[str, Row]]:
    yield "header", header_row(child, year)
    tables = {
        "episodes": episode_rows(child),
        "reviews": review_rows(chance, child, year),
        "uasc": uasc_rows(child, year),
        "oc2": health_rows(chance, child, year, sdq_returned),
        "previous_permanence": permanence_rows(chance, child, home, year),
        "missing": missing_rows(chance, child, year),
        "sw_episodes": social_worker_rows(chance, child, year),
    }
    for table, rows in tables.items():
        for row in rows:
            yield table, row
    yield from adoption_rows(chance, child)


def write_return(directory: Path, tables: Mapping[str, Iterable[Row]]) -> None:
    """Write every table, the empty ones too, into `directory`, which is made."""
    directory.mkdir(parents=True)
    for name, columns in COLUMNS.items():
        write_table(directory / f"{name}.csv", columns, tables[name])
