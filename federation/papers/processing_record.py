"""A project's entry in the record of processing activities: UK GDPR article 30(1), letter by letter."""

from federation.papers.paper import Paper, Section
from federation.papers.sharing_agreement import SECURITY
from federation.papers.words import describe_dates, describe_items, describe_organisations
from federation.project import Project
from query_engine.catalogue import Catalogue


def write_record(project: Project, catalogue: Catalogue) -> Paper:
    """Return the entry."""
    recipients = tuple(each.title for each in project.organisations if each.part == "recipient")
    return Paper(
        "article-30-record",
        f"Record of processing (UK GDPR article 30): {project.title}",
        (
            Section("(a) Controllers, and whom to write to", (describe_organisations(project),)),
            Section("(b) Purposes", (project.purpose, project.legal_gateway, project.lawful_basis)),
            Section(
                "(c) Data subjects and categories of personal data",
                ("Children who are or were looked after, and pupils.", describe_items(project, catalogue)),
            ),
            Section(
                "(d) Recipients",
                (
                    "Of records of children: nobody outside the authority that holds them.",
                    recipients or ("Of releases: whoever reads them, since they are safe to publish.",),
                ),
            ),
            Section("(e) Transfers to other countries", ("None.",)),
            Section("(f) Time limits for erasure", (project.retention, describe_dates(project))),
            Section("(g) Security measures", (SECURITY,)),
        ),
    )
