"""A hub's dry-run copy, made of a few hundred children who are drawn from a seed and who are nobody."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from federation.state import create_party, make_profile
from hub.synthetic import take_copy
from query_engine.catalogue import load_catalogue
from tests.query_engine.small_tables import Row, write_table

COLUMNS = (
    "child",
    "academic_year",
    "home_authority",
    "counted_here",
    "population",
    "key_stage",
    "sex",
    "attendance_rate",
)
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
CODES = ("201", "202", "203", "204", "205", "206")


def make_node(directory: Path, code: str, children: int = 150) -> Path:
    """A node of an authority that has joined nothing, with one snapshot of drawn children; returns its directory."""
    party = create_party(
        directory / f"made-up-{code}",
        make_profile(
            member_id=f"node-{code}",
            kind="node",
            title=f"Made-up {code}",
            organisation=f"la-{code}",
            organisation_kind="authority",
            operator=f"la-{code}",
            authorities=(code,),
        ),
    )
    draw, stages = Random(int(code)), load_catalogue().table("child_year").columns["key_stage"].domain or ()
    rows: list[Row] = [
        {
            "child": f"{code}-{number}",
            "academic_year": 202425,
            "home_authority": code,
            "counted_here": True,
            "population": "looked_after",
            "key_stage": draw.choices(stages, [0.5**place for place in range(len(stages))])[0],
            "sex": draw.choice("MF"),
            "attendance_rate": Decimal(draw.randint(600, 1000)) / 1000,
        }
        for number in range(children)
    ]
    snapshot = party.directory / "snapshots" / "202425-summer-0123456789abcdef"
    (snapshot / "governed").mkdir(parents=True)
    write_table(snapshot / "governed" / "child_year.parquet", load_catalogue().table("child_year"), COLUMNS, rows)
    (snapshot / "snapshot.json").write_text(json.dumps({"academic_years": [202425]}))
    (party.directory / "snapshots" / "current").write_text(snapshot.name + "\n")
    return party.directory


def give_copy(hub_directory: Path, nodes_directory: Path) -> tuple[str, ...]:
    """Have a hub take a copy of six made-up nodes; returns their authorities."""
    return take_copy(hub_directory, [make_node(nodes_directory, code) for code in CODES], MADE_AT)
