"""A project's impact assessment, in the seven steps of the ICO's template (UK GDPR article 35).

What follows from how the federation works is written out, with the measure against each risk. How likely and how grave
a risk is that stays, a controller judges; nothing here judges it for them.
"""

from federation.papers.paper import TO_FILL_IN, Grid, Paper, Section
from federation.papers.sharing_agreement import ROUTE
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

RISKS = (
    (
        "A child is recognised in a small cell, or by putting releases together",
        "Cells under the rule are withheld with others beside them. Each release is attacked together with the earlier "
        "ones before it is released, and goes to a human checker where that tells too much. Noised sums draw on a "
        "budget.",
    ),
    (
        "The hub, or whoever breaks into it, asks what nobody approved",
        "Every node verifies signatures of asker and two organisations over the exact bytes, and plans it anew.",
    ),
    (
        "The hub reads one authority's figures",
        "Sums are masked: nothing opens but the total over the authorities that answered.",
    ),
    (
        "An authority's node is broken into",
        "It holds its own children's records alone, which it held before; the federation gives no way to other nodes.",
    ),
    (
        "A researcher goes beyond the project",
        "Every node holds each question to people, dates, data items, presets and budget of this document.",
    ),
    (
        "A child is confused with another",
        "Records are matched by exact identifiers, at one host alone. Whom nobody matched is listed for the virtual "
        "school.",
    ),
    (
        "Figures mislead, and harm children in care as a group",
        "Releases state method, margins and who is missing; authorities are not ranked.",
    ),
    (
        "Somebody misuses their own access",
        "Logs that nobody can rewrite, unusual patterns shown to the officer, notices of access out of the ordinary.",
    ),
)
"""What could go wrong for children, and what stands against it."""

RISK_HEADINGS = ("Risk", "Measure", "Likelihood", "Severity")

DECIDED_BY = ("Measures approved by", "Advice of the data protection officer", "Risks accepted by")


def write_assessment(project: Project, catalogue: Catalogue) -> Paper:
    """Return the assessment, with what the controllers have to judge left open."""
    risks = tuple((risk, measure, TO_FILL_IN, TO_FILL_IN) for risk, measure in RISKS)
    return Paper(
        "impact-assessment",
        f"Data protection impact assessment: {project.title}",
        (
            Section(
                "1. Why one is needed",
                (
                    "The processing is about children, uses special categories of data, matches records and covers "
                    "many authorities (UK GDPR article 35, and the ICO's list).",
                    project.purpose,
                ),
            ),
            Section(
                "2. The processing",
                (
                    *ROUTE,
                    describe_organisations(project),
                    describe_people(project),
                    describe_subjects(project, catalogue),
                    describe_items(project, catalogue),
                ),
            ),
            Section("3. Whom we asked", (f"Children and care leavers, carers, virtual schools: {TO_FILL_IN}.",)),
            Section(
                "4. Necessity and proportionality",
                (
                    project.public_benefit,
                    project.legal_gateway,
                    project.lawful_basis,
                    "Whether each data item is needed for the purpose, and whether published statistics would do: "
                    f"{TO_FILL_IN}.",
                    f"Best interests of the child (UN Convention, article 3; ICO Children's code): {TO_FILL_IN}.",
                    project.retention,
                    f"Rights: {project.rights_contact}",
                ),
            ),
            Section(
                "5 and 6. Risks, and measures against them",
                (Grid(RISK_HEADINGS, risks),),
            ),
            Section("How releases are protected", (describe_presets(project),)),
            Section(
                "7. Outcome",
                (
                    Grid(
                        ("Who", "Decision and reasons", "Date"),
                        tuple((who, TO_FILL_IN, TO_FILL_IN) for who in DECIDED_BY),
                    ),
                    describe_dates(project),
                ),
            ),
        ),
    )
