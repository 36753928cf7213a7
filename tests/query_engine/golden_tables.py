"""The tables that the golden questions are asked of: every mixture of a few values, missing ones among them."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path

from query_engine.catalogue import Catalogue
from tests.query_engine.small_tables import Row, write_table


def write_golden_tables(folder: Path, catalogue: Catalogue) -> dict[str, Path]:
    """Both tables of one authority, by name."""
    rows: dict[str, list[Row]] = {"child_year": list(_children()), "pupil_year": list(_pupils())}
    return {
        name: write_table(folder / f"{name}.parquet", catalogue.table(name), list(found[0]), found)
        for name, found in rows.items()
    }


def _children() -> Iterator[Row]:
    """Rows of 97 children, which does not divide the number of mixtures, so that the rows of a child differ."""
    mixtures = product(("M", "F", None), (202324, 202425), (True, False, None), (True, False), (4, 5, 7, None))
    rates = (Decimal("0.9000"), Decimal("0.8999"), None, Decimal("1.0000"), Decimal("0.1234"))
    stages = ("key_stage_1", "key_stage_2", None, "key_stage_4")
    for place, (sex, year, uasc, counted, age) in enumerate(mixtures):
        yield {
            "child": f"child {place % 97}",
            "home_authority": "301",
            "academic_year": year,
            "sex": sex,
            "uasc": uasc,
            "counted_here": counted,
            "age": age,
            "population": ("looked_after", "care_leaver")[place % 7 % 2],
            "key_stage": stages[place % 4],
            "attendance_rate": rates[place % 5],
            "suspensions": (0, 3, None)[place % 3],
            "sdq_score": (3, None, 11, 12, 20, 40, 7)[place % 7],
            "persistent_absentee": (True, None, False, True, False)[place % 5],
        }


def _pupils() -> Iterator[Row]:
    for place, sex in enumerate(("M", "M", "F")):
        yield {"pupil": f"pupil {place}", "host_authority": "301", "academic_year": 202425, "sex": sex}
