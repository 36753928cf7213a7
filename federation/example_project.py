"""The project of the demo and of the benchmarks: a made-up one with a whole document, as every project has."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from federation.project_file import Beginning, write_beginning
from query_engine.catalogue import load_catalogue


def write_example(path: Path, name: str, members: Sequence[str], presets: Sequence[str], today: date) -> Path:
    """Write a project's file and return where it is."""
    catalogue = load_catalogue()
    example = Beginning(
        name=name,
        members=members,
        presets=presets,
        tables=tuple(catalogue.tables),
        title="Attendance of children in care",
        purpose="To find out which children in care miss school, and what goes with it",
        public_benefit="Virtual schools learn where help is needed, and what has helped elsewhere",
        legal_gateway="Children Act 1989, section 22(3A) to (3B): promoting educational achievement",
        retention="Releases are kept for good; no record of a child leaves an authority",
        accredited_by="the UK Statistics Authority, as an accredited researcher",
        rights_contact="the data protection officer of the child's home authority",
        incident_contact="the federation's information governance officer",
        agreement="made-up agreement of the demonstration",
        most_epsilon_per_year="100",
    )
    path.write_text(write_beginning(example, catalogue, today), encoding="utf-8")
    return path
