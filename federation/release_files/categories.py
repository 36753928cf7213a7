"""Categories in the words of the Department's open data, for filters: what a reader sees is no code of a return.

Where the Department has harmonised a variable, its own words are used: sex and ethnicity as "Open data standards" has
them ("Common harmonised variables"), special educational needs and social care groups as in the data dictionary of the
data screener (dfe-published-data-qa). All others are the catalogue's, as reports write them. No two categories of one
column are written alike.
"""

from collections.abc import Iterator, Mapping

from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.shown_entry import show_category
from disclosure_control.rows.protected_table import Entry
from federation.reports.figures import name_category
from query_engine.geography import load_authorities
from query_engine.planning.plan import TOTAL, QueryPlan

__all__ = ["APART", "label_category", "tell_codes"]

MISSING = "Not recorded"

AUTHORITIES = frozenset({"home_authority", "host_authority"})
"""Columns of authorities' codes, where they are no place of the file."""

HARMONISED: Mapping[str, Mapping[str, str]] = {
    "sex": {"M": "Male", "F": "Female", "U": "Unknown"},
    "ethnicity_major": {
        "white": "White",
        "mixed": "Mixed / Multiple ethnic groups",
        "asian": "Asian / Asian British",
        "black": "Black / African / Caribbean / Black British",
        "chinese": "Chinese",
        "other": "Other ethnic group",
        "unknown": "Unknown",
    },
    "sen_provision": {
        "none": "No SEN provision",
        "sen_support": "SEN support / SEN without an EHC plan",
        "ehc_plan": "Education, health and care plan",
    },
    "sen_primary_need": {
        "SPLD": "Specific learning difficulty",
        "MLD": "Moderate learning difficulty",
        "SLD": "Severe learning difficulty",
        "PMLD": "Profound and multiple learning difficulty",
        "SEMH": "Social, emotional and mental health",
        "SLCN": "Speech, language and communication needs",
        "HI": "Hearing impairment",
        "VI": "Vision impairment",
        "MSI": "Multi-sensory impairment",
        "PD": "Physical disability",
        "ASD": "Autistic spectrum disorder",
        "OTH": "Other difficulty or disability",
        "DS": "Down syndrome",
        "NSA": "SEN support but no specialist assessment of type of need",
    },
    "need": {
        "N1": "Abuse or neglect",
        "N2": "Child's disability",
        "N3": "Parent's illness or disability",
        "N4": "Family in acute stress",
        "N5": "Family dysfunction",
        "N6": "Socially unacceptable behaviour",
        "N7": "Low income",
        "N8": "Absent parenting",
    },
    "social_care_group": {
        "cla_12_months_at_31_march": "CLA 12 months at 31 March",
        "cla_less_than_12_months_at_31_march": "CLA less than 12 months at 31 March",
        "cla_at_any_point": "CLA at any point",
        "plaa_adoption": "PLAA - Adoption",
        "plaa_sgo": "PLAA - SGO",
        "plaa_cao": "PLAA - CAO",
        "not_known": "Not known",
    },
    "assessment": {
        "eyfsp": "Early years foundation stage profile",
        "phonics": "Phonics screening check",
        "ks1": "Key stage 1",
        "ks2": "Key stage 2",
        "ks4": "Key stage 4",
    },
    "destination_16": {"neet": "Not in education, employment or training"},
    "destination_18": {"neet": "Not in education, employment or training"},
    "activity_19_21": {"neet": "Not in education, employment or training"},
}
"""The words of a column's categories, where they are others than what reports write."""

APART: Mapping[str, tuple[str, str]] = {
    "ethnicity_major": (
        "chinese",
        "Chinese stands apart from Asian / Asian British, to which the harmonised standard counts it.",
    ),
}
"""Categories that the harmonised standard counts to another: of a column which, and what is said of it."""


def label_category(column: str, category: Entry) -> Entry:
    """Return a category of a column of the catalogue in words; whole numbers, such as ages, are as they are."""
    if category is None:
        return MISSING
    if category == TOTAL or (isinstance(category, int) and not isinstance(category, bool)):
        return category
    code = str(category)
    if column in AUTHORITIES and code in load_authorities():
        return f"{load_authorities()[code].name} ({code})"
    return HARMONISED.get(column, {}).get(code) or name_category(category)


def tell_codes(table: ReleasedTable, plan: QueryPlan) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Yield those of a table's columns that have codes which do not say what they mean: each code and its words.

    By the plan that it answers; nothing where that is of another catalogue or version of Circe.
    """
    if plan.plan_id != table.plan_id:
        return
    first = len(table.columns) - len(plan.outputs)
    for place, output in enumerate(plan.outputs, start=first):
        if output.dimension is not None:
            released = dict.fromkeys(row[place] for row in table.rows if row[place] is not None)
            told = ((show_category(each), str(label_category(output.dimension, each))) for each in released)
            if codes := tuple((code, words) for code, words in told if not _says_itself(code, words)):
                yield table.columns[place], codes


def _says_itself(code: str, words: str) -> bool:
    return _letters(words) == _letters(code)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
