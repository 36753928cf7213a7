"""Projects: what was agreed, and the papers that go with it.

Its own people see a project, and so does whoever may read everybody's manifests, since each manifest carries one.
"""

from flask import Blueprint, Response, render_template

from federation.papers.paper import Paper, write_markdown
from federation.papers.words import describe_items, describe_organisations, describe_people, describe_presets
from federation.papers.writing import write_papers
from federation.problems import ProblemRaised
from federation.project import Project
from federation.web.description import describes
from hub.copies import hand_out
from hub.pages.visitor import may_see_projects, require_visitor, require_visitor_who, the_hub
from hub.projects import list_all_projects, list_projects
from hub.queries import may_see_all
from query_engine.catalogue import load_catalogue

projects = Blueprint("projects", __name__)

NOT_YOURS = "projects are shown to their own people, to approvers and to information governance officers"


@projects.get("/projects")
def show_projects() -> str:
    """List the projects that the visitor may see."""
    return render_template("projects.html", projects=_list_visible())


@projects.get("/projects/<name>")
def show_project(name: str) -> str:
    """Show what was agreed."""
    project, catalogue = _find_visible(name), load_catalogue()
    return render_template(
        "project.html",
        project=project,
        organisations=describe_organisations(project),
        people=describe_people(project),
        presets=describe_presets(project),
        items=describe_items(project, catalogue),
        papers=write_papers(project, catalogue),
    )


@projects.get("/projects/<name>/<slug>")
def show_paper(name: str, slug: str) -> str:
    """Show one of its papers, to be read, printed and signed."""
    project = _find_visible(name)
    return render_template("paper.html", project=project, paper=_find_paper(project, slug))


@projects.get("/projects/<name>/<slug>.md")
@describes(gives="text/markdown")
def send_paper(name: str, slug: str) -> Response:
    """Hand out one of its papers as Markdown, to be worked on."""
    paper = _find_paper(_find_visible(name), slug)
    text, kind = write_markdown(paper), "text/markdown; charset=utf-8"
    taken = {"project": name, "paper": paper.slug}
    return hand_out(the_hub(), require_visitor(), text, kind, f"{paper.slug}.md", form="markdown", **taken)


def _list_visible() -> tuple[Project, ...]:
    hub, visitor = the_hub(), require_visitor_who(may_see_projects, NOT_YOURS)
    return list_all_projects(hub) if may_see_all(hub, visitor) else list_projects(hub, visitor.id)


def _find_visible(name: str) -> Project:
    found = next((project for project in _list_visible() if project.name == name), None)
    if found is None:
        raise ProblemRaised(404, "project_unknown", "there is no project of that name that you may see")
    return found


def _find_paper(project: Project, slug: str) -> Paper:
    found = next((paper for paper in write_papers(project, load_catalogue()) if paper.slug == slug), None)
    if found is None:
        raise ProblemRaised(404, "paper_unknown", "a project has no such paper")
    return found
