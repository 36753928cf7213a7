"""Reading a manifest aloud: what a query asks, of whom, and what would leave each authority, in plain English.

What will be done is told from the plan, derived here from the SQL, and not from anything that the asker wrote. What the
asker wrote (purpose, SQL) is quoted behind a bar, so that none of it can pass for a line of this page.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from disclosure_control.noise.rho import DELTA
from federation.manifest import Manifest, Path
from federation.project import Person, Project
from federation.register import Member
from federation.sum_terms import SumTerms
from federation.template import Template
from federation.terminal import WIDTH, plain_text, quote_text
from federation.told_days import tell_day
from query_engine.planning.plan import QueryPlan
from query_engine.wording.description import Paragraph, describe_plan

LEAVES_BY: Mapping[Path, str] = {
    Path.PER_AUTHORITY: (
        "each authority protects its own rows before they leave, and no total across authorities is released"
    ),
    Path.NOISY_SUM: (
        "each authority adds its share of noise to its figures and masks them before they leave; nobody can open one "
        "authority's, and the hub opens nothing but the noised sum over the authorities that answer"
    ),
    Path.EXACT_SUM: (
        "each authority masks its figures before they leave; nobody can open one authority's, and the hub opens "
        "nothing but the exact sum over all of them, which it protects at once and does not store"
    ),
}
"""What leaves an authority on each path, for the page."""

MOST_FORESEEN = 500
"""Characters of what a hub foresees that are shown at most."""

_LABEL_WIDTH = 14


def describe_manifest(manifest: Manifest, digest: str, plan: QueryPlan, asker: Member) -> str:
    """Return the page that an approver reads before signing."""
    return "\n".join(_lines(manifest, digest, plan, asker)) + "\n"


def shorten_digest(digest: str) -> str:
    """Return the head of a digest for two people to compare, in groups of four: 128 bits, which nobody can match."""
    return " ".join(digest[place : place + 4] for place in range(0, 32, 4))


def list_entries(manifest: Manifest, digest: str, plan: QueryPlan, asker: Member) -> Iterator[Paragraph]:
    """Yield what the page tells of a manifest, but for what the asker wrote: a heading with its sentences at a time."""
    yield "Digest", [digest]
    yield "Asked by", [f"{plain_text(asker.title)} ({asker.id}), of {asker.organisation}"]
    yield from describe_project(manifest.project, plan.items)
    yield "Year", [f"academic year {manifest.academic_year}"]
    yield from describe_plan(plan)
    yield "Snapshots", [f"each authority's newest of term {manifest.snapshot_term}"]
    yield "Leaves by", [f"{manifest.path}: {LEAVES_BY[manifest.path]}"]
    if manifest.sum is not None:
        yield from describe_terms(manifest.sum, len(manifest.roster))
    if manifest.template:
        chosen = [f"{each.parameter} = {plain_text(each.value)}" for each in manifest.choices]
        yield "Run of", [f"template {manifest.template}", *chosen]
    yield "Protection", describe_protection(manifest)
    yield "Good until", [f"{tell_day(manifest.expires_at)} {manifest.expires_at:%H:%M} UTC"]
    yield "Asked of", [f"{len(manifest.roster)} nodes: {', '.join(manifest.roster)}"]


def _lines(manifest: Manifest, digest: str, plan: QueryPlan, asker: Member) -> Iterator[str]:
    yield f"Query {manifest.query_id}"
    for heading, words in list_entries(manifest, digest, plan, asker):
        yield from _entry(heading, words)
    yield "What the asker wrote, and nobody has checked: the purpose"
    yield from quote_text(manifest.purpose)
    yield "and the SQL from which the plan above was made"
    yield from quote_text(manifest.sql)


def describe_foreseen(reason: str) -> str:
    """Return what a hub foresees of a query, as words of its own; nothing where it foresees nothing."""
    return "\n".join(["The hub says of it:", *quote_text(reason[:MOST_FORESEEN])]) if reason else ""


def describe_template(
    template: Template, digest: str, plans: Sequence[QueryPlan], asker: Member, signers: Sequence[str]
) -> str:
    """Return the page that an approver of a template reads; the plan that it shows is that of the first question."""
    return "\n".join(_template_lines(template, digest, plans, asker, signers)) + "\n"


def _template_lines(
    template: Template, digest: str, plans: Sequence[QueryPlan], asker: Member, signers: Sequence[str]
) -> Iterator[str]:
    yield f"Template {template.template_id}"
    yield from _entry("Digest", [digest])
    yield from _entry("Asked by", [f"{plain_text(asker.title)} ({asker.id}), of {asker.organisation}"])
    yield from _entry("Signed by", [", ".join(signers)])
    for heading, words in describe_project(template.project, frozenset().union(*(plan.items for plan in plans))):
        yield from _entry(heading, words)
    runs = f"it may be run {template.most_runs} times"
    yield from _entry("Stands for", [f"{len(plans)} questions, each planned here; {runs}"])
    for parameter in template.parameters:
        yield from _entry(f"{{{parameter.name}}}", [", ".join(parameter.values)])
    yield from _entry("Snapshots", [f"each authority's newest of term {' or '.join(template.snapshot_terms)}"])
    yield from _entry("Leaves by", [f"{template.path}: {LEAVES_BY[template.path]}"])
    for heading, words in describe_terms(template.terms, None):
        yield from _entry(heading, words)
    yield from _entry("Protection", describe_protection(template))
    yield from _entry("Good until", [f"{tell_day(template.expires_at)} {template.expires_at:%H:%M} UTC"])
    yield from _entry("Asked of", [f"standing roster {template.roster}"])
    yield "The first question that it stands for"
    for heading, words in describe_plan(plans[0]):
        yield from _entry(heading, words)
    yield "What the asker wrote, and nobody has checked: the purpose"
    yield from quote_text(template.purpose)
    yield "and the SQL from which the plans were made"
    yield from quote_text(template.sql)


def describe_project(project: Project, asked: Set[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield what a project was agreed to, a heading with its sentences at a time.

    Every word of it is the project's own, and covered by the signature. Of its data items those that are `asked` about
    are told, by table and column.
    """
    agreed = project.agreement
    digest = f", SHA-256 {agreed.digest}" if agreed.digest else ""
    yield "Project", [f"{project.name}: {plain_text(project.title)}"]
    yield "For", [plain_text(project.purpose), plain_text(project.public_benefit)]
    yield "Lawful by", [plain_text(project.legal_gateway), *map(plain_text, project.lawful_basis)]
    yield "Agreed in", [f"{plain_text(agreed.reference)}{digest}"]
    yield "May ask", [f"{person.member}, {describe_accreditation(person)}" for person in project.people]
    yield (
        "Organisations",
        [f"{plain_text(each.title)}, {each.part.replace('_', ' ')}" for each in project.organisations],
    )
    agreed_to = sum(len(item.columns) for item in project.data_items)
    named = ", ".join(f"{table}.{column}" for table, column in sorted(asked)) or "none but which rows there are"
    yield "Data items", [f"{named} (of {agreed_to} that were agreed to)"]
    yield "Runs", [f"from {tell_day(project.starts)} to {tell_day(project.ends)}"]


def describe_accreditation(person: Person) -> str:
    """Return by whom somebody was accredited, and until when."""
    return f"accredited by {plain_text(person.accredited_by)} until {tell_day(person.accredited_until)}"


def describe_protection(asked: Manifest | Template) -> list[str]:
    """Return which preset protects the figures, and how cell keys change them if they do."""
    words = [f"{asked.preset}, version {asked.preset_version}, whose rules have the digest {asked.preset_digest}"]
    if (terms := asked.cell_key) is not None:
        changed = "by the hub once they are added up" if asked.path is Path.EXACT_SUM else "at each authority"
        words.append(
            f"counts are changed by cell keys {changed}: by {terms.most} at most, always in the same way for the same "
            f"children (table {terms.table}, {terms.keys} keys)"
        )
        words.append(
            f"changes cancel out over many answers, so an authority gives {terms.answers} about one table and academic "
            "year in this way, and no more"
        )
    return words


def describe_terms(terms: SumTerms, nodes: int | None) -> Iterator[tuple[str, list[str]]]:
    """Yield what the terms of a sum over so many nodes mean, a heading with its sentences at a time.

    Without a number they are a template's, whose threshold is the least that a run may have.
    """
    if nodes is None:
        least = f", and never fewer than {terms.threshold}" if terms.threshold > 1 else ""
        yield "Opened by", [f"at least two thirds of the nodes{least}, which agree to one set of answers"]
    else:
        yield "Opened by", [f"at least {terms.threshold} of the {nodes} nodes, which agree to one set of answers"]
    if not terms.epsilon:
        yield "Missing", ["decided once for a snapshot: who is missing then stays out, and later sums fail without all"]
        return
    yield (
        "Noise",
        [
            f"epsilon {terms.epsilon}: with or without one child, no release is more likely than e to the power of "
            f"{terms.epsilon} times what it would be otherwise",
            *_describe_mechanism(terms),
        ],
    )
    yield (
        "Tolerance",
        [
            f"the noise is enough while at most {terms.dropouts} nodes are missing and {terms.colluders} more have "
            "pooled what they know; with more missing, nothing is opened"
        ],
    )


def _describe_mechanism(terms: SumTerms) -> list[str]:
    """Return what is to be known of noise that keeps its promise but for a small chance; nothing of the other kind."""
    if terms.mechanism == "polya":
        return []
    return [
        f"it is made of Skellam shares, so that holds but for a chance of {float(DELTA):.0e}: they are less noise "
        "where one child is in many sums, as in a model"
    ]


def _entry(label: str, words: Iterable[str]) -> Iterator[str]:
    """Yield a label with its words beside it, wrapped under one another."""
    mark = f"  {label:<{_LABEL_WIDTH}}"
    for word in words:
        for line in textwrap.wrap(word, WIDTH - len(mark)) or [""]:
            yield mark + line
            mark = " " * len(mark)
