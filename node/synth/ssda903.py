"""One authority's SSDA903 return as the eleven CSV files of the published format."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from node.synth.calibration import number
from node.synth.care_rows import (
    Row,
    Worker,
    draw_workers,
    episode_rows,
    header_row,
    missing_rows,
    review_rows,
    social_worker_rows,
    uasc_rows,
)
from node.synth.children import Child
from node.synth.collection_year import FIRST_SOCIAL_WORKERS, CollectionYear
from node.synth.files import append_rows, write_table
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


@dataclass
class Told:
    """What the returns built so far have told of children by identifier, and those of years before must repeat."""

    adoptions: dict[str, list[tuple[str, Row]]] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    """The first social worker in the return built last."""


def build_return(
    chance: Random, home: str, children: Iterable[Child], leavers: Iterable[Leaver], year: CollectionYear, told: Told
) -> Tables:
    """The rows of every table of an authority's return, `told` by the returns of later years."""
    returned = chance.betavariate(number("sdq_returned.alpha"), number("sdq_returned.beta"))
    tables: Tables = {name: [] for name in COLUMNS}
    for child in children:
        for table, row in _child_rows(chance, child, home, year, returned, told):
            tables[table].append(row)
    for leaver in leavers:
        for table, row in leaver_rows(leaver, year):
            tables[table].append(row)
    return tables


def _child_rows(
    chance: Random, child: Child, home: str, year: CollectionYear, sdq_returned: float, told: Told
) -> Iterator[tuple[str, Row]]:
    yield "header", header_row(child, year)
    tables = {
        "episodes": episode_rows(child, year),
        "reviews": review_rows(chance, child, year),
        "uasc": uasc_rows(child, year),
        "oc2": health_rows(chance, child, year, sdq_returned),
        "previous_permanence": permanence_rows(chance, child, home, year),
        "missing": missing_rows(chance, child, year),
        "sw_episodes": _worker_rows(chance, child, year, told),
    }
    for table, rows in tables.items():
        for row in rows:
            yield table, row
    yield from _adoption_rows(chance, child, told)


def _worker_rows(chance: Random, child: Child, year: CollectionYear, told: Told) -> Iterator[Row]:
    workers = draw_workers(chance, child, year, told.workers.get(child.child_id))
    if workers:
        told.workers[child.child_id] = workers[0]
    yield from social_worker_rows(child, workers)


def _adoption_rows(chance: Random, child: Child, told: Told) -> Iterator[tuple[str, Row]]:
    """Decisions are dated once: an earlier return repeats those that a later one told, if care had gone so far."""
    rows = list(adoption_rows(chance, child))
    dated = dict(told.adoptions.setdefault(child.child_id, rows))
    return ((table, dated.get(table, row)) for table, row in rows)


def tables_of(year: CollectionYear) -> Mapping[str, tuple[str, ...]]:
    """The tables, with their columns, that the return of a year has."""
    no_workers = year.academic_year < FIRST_SOCIAL_WORKERS
    return {name: columns for name, columns in COLUMNS.items() if not (no_workers and name == "sw_episodes")}


def write_return(directory: Path, tables: Mapping[str, Iterable[Row]], year: CollectionYear) -> None:
    """Write every table of the year, the empty ones too, into `directory`, which is made."""
    directory.mkdir(parents=True)
    for name, columns in tables_of(year).items():
        write_table(directory / f"{name}.csv", columns, tables[name])


def append_return(directory: Path, tables: Mapping[str, Iterable[Row]], year: CollectionYear) -> None:
    """Add rows to the tables of a return that is written."""
    for name, columns in tables_of(year).items():
        append_rows(directory / f"{name}.csv", columns, tables[name])
