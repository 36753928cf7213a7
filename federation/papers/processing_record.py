"""A project's entry in the record of processing activities: UK GDPR article 30(1), letter by letter.

What a record also has by the ICO's template, and the article does not ask for, stands behind its letters.
"""

from federation.papers.paper import Block, Paper, Section
from federation.papers.sharing_agreement import SECURITY
from federation.papers.words import (
    CONTROLLERS,
    RECIPIENTS,
    describe_dates,
    describe_items,
    describe_organisations,
    describe_subjects,
)
from federation.project import Project
from query_engine.catalogue import Catalogue


def write_record(project: Project, catalogue: Catalogue) -> Paper:
    """Return the entry."""
    return Paper(
        "article-30-record",
        f"Record of processing (UK GDPR article 30): {project.title}",
        (
            Section("(a) Controllers, and whom to write to", (describe_organisations(project, CONTROLLERS),)),
            Section("(b) Purposes", (project.purpose,)),
            Section(
                "(c) Data subjects and categories of personal data",
                (describe_subjects(project, catalogue), describe_items(project, catalogue)),
            ),
            Section("(d) Recipients", _describe_recipients(project)),
            Section("(e) Transfers to other countries", ("None.",)),
            Section("(f) Time limits for erasure", (project.retention, describe_dates(project))),
            Section("(g) Security measures", (SECURITY,)),
            Section("Gateway and lawful basis", (project.legal_gateway, project.lawful_basis)),
        ),
    )


def _describe_recipients(project: Project) -> tuple[Block, ...]:
    """Who is given personal data, processors included; what is released is none."""
    named = describe_organisations(project, RECIPIENTS)
    released = "What is released is no personal data: it is safe to publish, and whoever reads it is no recipient."
    if not named.rows:
        return ("Of records of children: nobody outside the authority that holds them.", released)
    return ("Of records of children: nobody outside the authority that holds them but these.", named, released)
