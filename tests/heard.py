"""Looking through a page for what whoever listens to it would miss: what is wrong with a field, or a column's head."""

import re
from collections.abc import Iterator

COLUMN = re.compile(r'<th\b[^>]*scope="col"[^>]*>(.*?)</th>', re.DOTALL)
OPTION = re.compile(r"<option\b[^>]*>(.*?)</option>", re.DOTALL)
FIELD = re.compile(r'<(?:input|select|textarea)\b[^>]*\bid="([^"]*)"')
FORM_IN_TEXT = re.compile(r"<p\b[^>]*>(?:(?!</p>).)*<form\b", re.DOTALL)
SUMMARY = re.compile(r'<div class="govuk-error-summary".*?</ul>', re.DOTALL)
NAMING = re.compile(r'aria-(?:describedby|labelledby)="([^"]*)"')


def find_unheard(page: str) -> Iterator[str]:
    """Yield what is wrong with a page."""
    ids = re.findall(r'\bid="([^"]*)"', page)
    yield from (f"two elements have the id {id}" for id in sorted(set(ids)) if ids.count(id) > 1)
    named = {id for listed in NAMING.findall(page) for id in listed.split()}
    yield from (f"nothing has the id {id}, by which something is said" for id in sorted(named - set(ids)))
    led_to = re.findall(r'href="#([^"]+)"', page)
    yield from (f"a link leads to {id}, which is not there" for id in sorted(set(led_to) - set(ids)))
    for summary in SUMMARY.findall(page):
        wrong = set(re.findall(r'href="#([^"]+)"', summary)) & set(FIELD.findall(page))
        yield from (f"what is wrong with {id} is not said there" for id in sorted(wrong) if f"{id}-error" not in ids)
    if FORM_IN_TEXT.search(page):
        yield "a form stands in a paragraph, which ends there"
    if any(not _has_words(head) for head in COLUMN.findall(page)):
        yield "a column has no heading"
    if any(not _has_words(text) for text in OPTION.findall(page)):
        yield "an option has no words"


def _has_words(inside: str) -> bool:
    return bool(re.sub(r"<[^>]*>", "", inside).strip())
