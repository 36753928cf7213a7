"""All papers of a project, and the folder that they are written to."""

from pathlib import Path

from federation.papers.impact_assessment import write_assessment
from federation.papers.paper import Paper, write_markdown
from federation.papers.processing_record import write_record
from federation.papers.sharing_agreement import write_agreement
from federation.project import Project
from query_engine.catalogue import Catalogue


def write_papers(project: Project, catalogue: Catalogue) -> tuple[Paper, ...]:
    """Return the papers: agreement, impact assessment, record of processing."""
    return tuple(write(project, catalogue) for write in (write_agreement, write_assessment, write_record))


def save_papers(project: Project, catalogue: Catalogue, directory: Path) -> tuple[Path, ...]:
    """Write each paper as a Markdown file into a directory, and return where. An older one of that name is replaced."""
    from federation.state import write_file

    directory.mkdir(parents=True, exist_ok=True)
    saved = []
    for paper in write_papers(project, catalogue):
        path = directory / f"{paper.slug}.md"
        write_file(path, write_markdown(paper).encode())
        saved.append(path)
    return tuple(saved)
