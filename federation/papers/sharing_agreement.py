"""The data-sharing agreement of a project: what the ICO's data sharing code, and councils' own forms, ask for."""

from federation.papers.paper import TO_FILL_IN, Grid, Paper, Section
from federation.papers.words import (
    describe_dates,
    describe_items,
    describe_organisations,
    describe_people,
    describe_presets,
    describe_subjects,
)
from federation.project import Project
from query_engine.catalogue import Catalogue

SIGNATORIES = ("Senior information risk owner", "Data protection officer", "Caldicott guardian", "Virtual school head")

ROUTE = (
    "No record of a child leaves an authority. A question is checked, approved by two organisations and carried to "
    "each authority's own node, which answers it from its own snapshot, made once a term.",
    "What leaves is a table that the node has protected itself, or figures under a mask that open only as a sum over "
    "many authorities.",
)

SECURITY = (
    "Each node connects outward only; no authority opens a port. Requests are signed (RFC 9421), and sealed where they "
    "speak of children (RFC 9180).",
    "Each node derives the plan from the question again, and verifies asker, approvals, expiry, project, privacy "
    "budget and its own rules before anything is run. Its rules cannot be loosened by a message.",
    "Every party keeps an append-only log, witnessed by others, that holds no data value.",
)


def write_agreement(project: Project, catalogue: Catalogue) -> Paper:
    """Return the agreement, ready for its signatories."""
    return Paper(
        "data-sharing-agreement",
        f"Data-sharing agreement: {project.title}",
        (
            Section("Parties", (describe_organisations(project),)),
            Section("Purpose and public benefit", (project.purpose, project.public_benefit)),
            Section("Legal gateway and lawful basis", (project.legal_gateway, project.lawful_basis)),
            Section("Data items", (describe_items(project, catalogue),)),
            Section("Whom the data are about", (describe_subjects(project, catalogue),)),
            Section("Route and frequency", ROUTE),
            Section("Who may ask", (describe_people(project), "Nobody else may ask under this agreement.")),
            Section("How releases are protected", (describe_presets(project),)),
            Section(
                "Onward sharing",
                (
                    "Releases are safe to publish, with their symbols and method. Nobody tries to find a child in "
                    "one, or puts releases together with other data in order to.",
                ),
            ),
            Section("Retention and destruction", (project.retention,)),
            Section("Security", (SECURITY,)),
            Section("Rights of children, parents and carers", (project.rights_contact,)),
            Section("When something goes wrong", (project.incident_contact,)),
            Section("Dates", (describe_dates(project), f"Filed as: {project.agreement.reference}")),
            Section(
                "Signed by",
                (
                    Grid(
                        ("Office", "Name", "Organisation", "Signature and date"),
                        tuple((office, TO_FILL_IN, TO_FILL_IN, TO_FILL_IN) for office in SIGNATORIES),
                    ),
                ),
            ),
        ),
    )
