"""Projects: who may ask, for what, under which disclosure preset."""

import json
from dataclasses import dataclass

from audit.connection import Row
from audit.event import Action
from federation.problems import ProblemRaised
from hub.service import Hub


@dataclass(frozen=True)
class Project:
    """One approved project: its members and the presets its releases may use."""

    name: str
    title: str
    members: frozenset[str]
    presets: frozenset[str]


def add_project(hub: Hub, project: Project) -> None:
    """Add a project, or replace the one of that name."""
    row = (project.name, project.title, json.dumps(sorted(project.members)), json.dumps(sorted(project.presets)))
    with hub.database.transaction() as connection:
        connection.execute(
            "INSERT INTO projects VALUES (?, ?, ?, ?) ON CONFLICT (project) DO UPDATE "
            "SET title = excluded.title, members = excluded.members, presets = excluded.presets",
            row,
        )
        event = hub.event(Action.PROJECT_CREATED, hub.party.member_id, project.name)
        hub.database.log.append(connection, event)


def find_project(hub: Hub, name: str, member: str) -> Project:
    """Return a project that `member` belongs to. Raises a 404 problem for any other, existing or not."""
    row = hub.database.connection.execute("SELECT * FROM projects WHERE project = ?", (name,)).fetchone()
    if row is None or member not in json.loads(row["members"]):
        raise ProblemRaised(404, "project_unknown", "there is no project of that name that you belong to")
    return _read_project(row)


def list_projects(hub: Hub, member: str) -> tuple[Project, ...]:
    """Return the projects that `member` belongs to, by name."""
    rows = hub.database.connection.execute("SELECT * FROM projects ORDER BY project")
    projects = [_read_project(row) for row in rows]
    return tuple(project for project in projects if member in project.members)


def _read_project(row: Row) -> Project:
    return Project(
        row["project"], row["title"], frozenset(json.loads(row["members"])), frozenset(json.loads(row["presets"]))
    )
