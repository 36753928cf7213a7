"""A node with small hand-written files in it, and its command line."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from federation.cli import run
from node.ingest.report import LoadReport
from node.loading import load_into
from node.service import Node, open_node
from node.setting_up import create_node, enter_person
from tests.node.ingest.small_returns import write_table

LISTS = ("returns", "validate")
"""Commands that list children: somebody reads them, for a purpose."""

READER = ("--as", "vsh", "--purpose", "Correcting the summer census")


@dataclass
class SmallNode:
    """The node of authority 301 and its virtual school head, what to load into it, and what its commands say."""

    directory: Path
    capture: pytest.CaptureFixture[str]
    loads: list[Path] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def node(self) -> Node:
        return open_node(self.state)

    def load(self, **tables: str) -> LoadReport:
        """Load tables named like `header` or `spring_pupilonroll`, of the return to March 2025 and its census."""
        directory = self.directory / f"load{len(self.loads)}"
        self.loads.append(directory)
        years = {"autumn": "2024", "spring": "2025", "summer": "2025"}
        for name, text in tables.items():
            term = name.partition("_")[0]
            write_table(directory, f"{years[term]}_{name}" if term in years else name, text)
        return load_into(self.state, [directory], 2025, lambda _: None)

    def say(self, command: str, *arguments: object, code: int = 0) -> str:
        """What a command of the node prints; errors where it is meant to fail. The virtual school head reads lists."""
        self.capture.readouterr()
        reader = READER if command in LISTS and "--as" not in arguments else ()
        assert run(["node", command, "--state", str(self.state), *reader, *map(str, arguments)]) == code
        out, err = self.capture.readouterr()
        return err if code else out

    def tell(self, command: str, *arguments: object) -> Any:
        """What a command says as JSON."""
        return json.loads(self.say(command, *arguments, "--format", "json"))


@pytest.fixture
def small_node(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> SmallNode:
    create_node(tmp_path / "state", "301")
    enter_person(tmp_path / "state", "vsh", "virtual_school_head", "Virtual school head")
    return SmallNode(tmp_path, capfd)
