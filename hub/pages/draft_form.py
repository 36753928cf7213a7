"""The form of a question: read from what a browser sent, checked field by field. Nothing is stored here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from disclosure_control.noise.terms import NoiseRefused, read_epsilon
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from federation.exchange import QueryDraft
from federation.manifest import Path
from federation.project import Project
from federation.sum_terms import MOST_NODES
from query_engine.catalogue import Catalogue, load_catalogue
from query_engine.refusal import QueryRefused

VALID_HOURS = 168
"""How long a question drafted on the page waits for approvals and answers: a week."""

DEFAULT_EPSILON = "1"

PATHS = {
    Path.NOISY_SUM: (
        "A total with noise, and no authority's own",
        "Each adds noise to its figures and masks them; only the noised sum over all can be opened.",
    ),
    Path.PER_AUTHORITY: (
        "Rows of each authority",
        "Each authority protects its own rows before they leave, and no total is released.",
    ),
}
"""The paths that a question can be drafted for here, each with what it means. Exact sums are runs of a template."""

LONGEST_PURPOSE = 1000
LONGEST_SQL = 10_000

_COUNT = re.compile(r"[0-9]{1,3}", re.ASCII)

LINE_SHOWN = 100
"""Characters of a refused line that are shown."""

EXAMPLE = """\
SELECT key_stage, COUNT(DISTINCT child) AS children, AVG(attendance_rate) AS attendance
FROM child_year
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after'
GROUP BY key_stage"""
"""A question that the page offers to start from."""

TERMS: Mapping[str, str] = MappingProxyType({"autumn": "Autumn", "spring": "Spring", "summer": "Summer"})
"""The terms of an academic year in their order, each with a snapshot of its own."""

LAST_TERM = "summer"

Errors = dict[str, str]
"""What is wrong with each field, by its name; in the order of the form."""


MECHANISMS: Mapping[str, str] = MappingProxyType(
    {
        "polya": "Polya shares: epsilon holds, whatever happens",
        "skellam": "Skellam shares: less noise in a model, and epsilon holds but for a chance of 1 in 1,000,000,000",
    }
)
"""The kinds of noise that may be asked for, in the words of the form."""


@dataclass(frozen=True)
class DraftForm:
    """The fields of the form, as texts."""

    project: str = ""
    purpose: str = ""
    academic_year: str = ""
    term: str = LAST_TERM
    preset: str = ""
    path: str = Path.NOISY_SUM
    epsilon: str = DEFAULT_EPSILON
    dropouts: str = ""
    colluders: str = ""
    mechanism: str = "polya"
    sql: str = ""

    def to_draft(self) -> QueryDraft:
        """Return the draft that the hub checks again and writes down; it asks every active node."""
        noisy = self.path == Path.NOISY_SUM
        return QueryDraft(
            project=self.project,
            purpose=self.purpose,
            sql=self.sql,
            academic_year=self.academic_year,
            preset=self.preset,
            roster=None,
            valid_hours=VALID_HOURS,
            path=Path(self.path),
            snapshot_term=f"{self.academic_year}-{self.term}",
            epsilon=self.epsilon if noisy else DEFAULT_EPSILON,
            dropouts=int(self.dropouts) if noisy and self.dropouts else None,
            colluders=int(self.colluders) if noisy and self.colluders else None,
            mechanism="skellam" if noisy and self.mechanism == "skellam" else "polya",
        )


@dataclass(frozen=True)
class Refusal:
    """Why SQL is refused, with the line it stands in and a caret beneath the place; `line` is 0 where there is none."""

    code: str
    text: str
    line: int = 0
    column: int = 0
    shown: str = ""
    caret: str = ""


def read_form(sent: Mapping[str, str]) -> DraftForm:
    """Return the form that was sent, with white space as it is signed: one line of purpose, plain line ends in SQL."""
    return DraftForm(
        project=sent.get("project", ""),
        purpose=" ".join(sent.get("purpose", "").split()),
        academic_year=sent.get("academic_year", ""),
        term=sent.get("term", LAST_TERM),
        preset=sent.get("preset", ""),
        path=sent.get("path", Path.NOISY_SUM),
        epsilon=sent.get("epsilon", DEFAULT_EPSILON).strip(),
        dropouts=sent.get("dropouts", "").strip(),
        colluders=sent.get("colluders", "").strip(),
        mechanism=sent.get("mechanism", "polya"),
        sql=sent.get("sql", "").replace("\r\n", "\n").strip(),
    )


def start_form(projects: tuple[Project, ...], shelf: PresetShelf = SHIPPED) -> DraftForm:
    """Return the empty form, with what leaves no choice chosen."""
    choices = list_presets(projects, shelf)
    return DraftForm(
        project=projects[0].name if len(projects) == 1 else "", preset=choices[0] if len(choices) == 1 else ""
    )


def list_presets(projects: Iterable[Project], shelf: PresetShelf = SHIPPED) -> tuple[str, ...]:
    """Return the presets that any of the projects may use, by name; one that does not exist is no choice."""
    allowed = {preset for project in projects for preset in project.presets}
    return tuple(preset.name for preset in shelf.good() if preset.name in allowed)


def list_years(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """Return the academic years of the catalogue, newest first: six figures, and as people write them."""
    columns = [table.columns["academic_year"] for table in catalogue.tables.values()]
    years = {str(year) for column in columns for year in column.domain or ()}
    return tuple((year, f"{year[:4]}/{year[4:]}") for year in sorted(years, reverse=True))


def check_fields(form: DraftForm, projects: Iterable[Project]) -> Errors:
    """Return what is wrong with the fields, SQL's meaning apart."""
    project = next((project for project in projects if project.name == form.project), None)
    years = {year for year, _ in list_years(load_catalogue())}
    wrong = {
        "project": "Choose a project" if project is None else "",
        "purpose": _check_length(form.purpose, LONGEST_PURPOSE, "Say what the question is for, in a sentence"),
        "academic_year": "" if form.academic_year in years else "Choose an academic year",
        "term": "" if form.term in TERMS else "Choose a term",
        "preset": _check_preset(form.preset, project),
        "path": "" if form.path in PATHS else "Choose how the figures leave the authorities",
        "epsilon": _check_epsilon(form),
        "dropouts": _check_tolerated(form, form.dropouts),
        "colluders": _check_tolerated(form, form.colluders),
        "mechanism": "" if form.mechanism in MECHANISMS else "Choose a kind of noise",
        "sql": _check_length(form.sql, LONGEST_SQL, "Write the question in SQL"),
    }
    return {name: text for name, text in wrong.items() if text}


def _check_length(text: str, most: int, missing: str) -> str:
    if not text:
        return missing
    return f"Shorten this to {most:,} characters; it has {len(text):,}" if len(text) > most else ""


def _check_epsilon(form: DraftForm) -> str:
    if form.path != Path.NOISY_SUM:
        return ""
    try:
        read_epsilon(form.epsilon)
    except NoiseRefused as refused:
        text = str(refused)
        return text[0].upper() + text[1:]
    return ""


def _check_tolerated(form: DraftForm, text: str) -> str:
    """Check a number of nodes; how many the roster of now has room for is said when it is drafted."""
    if form.path != Path.NOISY_SUM or not text or (_COUNT.fullmatch(text) and int(text) <= MOST_NODES):
        return ""
    return f"Give a whole number up to {MOST_NODES}, or leave it empty for a tenth of the nodes"


def _check_preset(preset: str, project: Project | None) -> str:
    if not preset:
        return "Choose how the table is protected"
    if project is not None and preset not in project.presets:
        return f"Releases of this project are protected by {' or '.join(sorted(project.presets))}"
    return ""


def describe_refusal(sql: str, refused: QueryRefused) -> Refusal:
    """Return a refusal with the line that it is about, or the part of a long line around the place."""
    return describe_place(sql, refused.code, refused.text, refused.at)


def describe_place(sql: str, code: str, text: str, at: tuple[int, int] | None) -> Refusal:
    """The same, of a refusal in its parts."""
    if at is None:
        return Refusal(code, text)
    line, column = at
    lines = sql.split("\n")
    whole = lines[line - 1] if line <= len(lines) else ""
    start = max(0, column - 1 - LINE_SHOWN // 2)
    caret = " " * (column - 1 - start) + "^"
    return Refusal(code, text, line, column, whole[start : start + LINE_SHOWN], caret)
