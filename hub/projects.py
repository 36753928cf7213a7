"""Projects: the documents by which the hub knows who may ask, what for, of what, and under which presets.

The newest document of a project is what new questions are asked under; each manifest carries the one that it was
drafted with, so what was approved does not change when a project is amended.
"""

import hashlib
from datetime import datetime

from audit.connection import Row
from audit.event import Action
from federation.problems import ProblemRaised
from federation.project import Project, ProjectExceeded, check_asked, check_consistent, check_person
from federation.project_file import check_known
from federation.wire import encode_document, reread_kept
from hub.service import Hub
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan


def keep_project(hub: Hub, project: Project) -> None:
    """Open a project, or put an amended document in the place of its last; the log has the digest of each.

    Raises `ProjectInvalid`.
    """
    check_consistent(project)
    check_known(project, load_catalogue(), hub.party.presets)
    document = encode_document(project)
    digest = hashlib.sha256(document).hexdigest()
    with hub.database.transaction() as connection:
        known = connection.execute("SELECT 1 FROM projects WHERE project = ?", (project.name,)).fetchone()
        connection.execute(
            "INSERT INTO projects VALUES (?, ?) ON CONFLICT (project) DO UPDATE SET document = excluded.document",
            (project.name, document),
        )
        action = Action.PROJECT_CREATED if known is None else Action.PROJECT_AMENDED
        hub.database.log.append(connection, hub.event(action, hub.party.member_id, project.name, digest=digest))


def find_project(hub: Hub, name: str, member: str) -> Project:
    """Return a project that `member` belongs to. Raises a 404 problem for any other, existing or not."""
    row = hub.database.connection.execute("SELECT document FROM projects WHERE project = ?", (name,)).fetchone()
    if row is None or (project := _read_project(row)).find_person(member) is None:
        raise ProblemRaised(404, "project_unknown", "there is no project of that name that you belong to")
    return project


def list_projects(hub: Hub, member: str) -> tuple[Project, ...]:
    """Return the projects that `member` belongs to, by name."""
    return tuple(project for project in list_all_projects(hub) if project.find_person(member) is not None)


def list_all_projects(hub: Hub) -> tuple[Project, ...]:
    """Return every project, by name: for whoever keeps the record of processing."""
    rows = hub.database.connection.execute("SELECT document FROM projects ORDER BY project")
    return tuple(map(_read_project, rows))


def check_question(project: Project, asker: str, preset: str, plan: QueryPlan, now: datetime) -> None:
    """Raise a 422 problem where a question goes beyond its project: what every node would refuse."""
    try:
        check_asked(project, asker, preset, plan, now)
    except ProjectExceeded as exceeded:
        raise ProblemRaised(422, exceeded.code, exceeded.text) from None


def check_under_way(project: Project, asker: str, now: datetime) -> None:
    """Raise a 422 problem unless `asker` may ask for a project now."""
    try:
        check_person(project, asker, now)
    except ProjectExceeded as exceeded:
        raise ProblemRaised(422, exceeded.code, exceeded.text) from None


def _read_project(row: Row) -> Project:
    return reread_kept(bytes(row["document"]), Project)
