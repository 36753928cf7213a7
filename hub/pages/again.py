"""Asking again: a question that was asked before, as a new form; by itself, or about the snapshot that comes next."""

import re
from dataclasses import replace

from federation.manifest import Manifest, Path
from hub.pages.draft_form import DEFAULT_EPSILON, PATHS, TERMS, DraftForm, list_years
from query_engine.catalogue import load_catalogue

__all__ = ["ask_about_next", "ask_again"]


def ask_again(manifest: Manifest) -> DraftForm:
    """The form of a question as it was asked. A run of a template comes back as the noised total that it may be."""
    terms = manifest.sum
    noisy = manifest.path is Path.NOISY_SUM and terms is not None
    return DraftForm(
        project=manifest.project.name,
        purpose=manifest.purpose,
        academic_year=manifest.academic_year,
        term=manifest.snapshot_term.rpartition("-")[2],
        preset=manifest.preset,
        path=manifest.path if manifest.path in PATHS else Path.NOISY_SUM,
        epsilon=terms.epsilon if noisy and terms is not None else DEFAULT_EPSILON,
        mechanism=terms.mechanism if noisy and terms is not None else "polya",
        sql=manifest.sql,
    )


def ask_about_next(manifest: Manifest) -> DraftForm:
    """The same question about the snapshot of the following term; after the summer, of the year that follows.

    The year is changed wherever the SQL names it. Where the catalogue does not know the next year yet, the form stays
    at the last term that it knows.
    """
    form = ask_again(manifest)
    year, term = _follow(form.academic_year, form.term)
    if year not in {known for known, _ in list_years(load_catalogue())}:
        return form
    sql = re.sub(rf"\b{form.academic_year}\b", year, form.sql) if year != form.academic_year else form.sql
    return replace(form, academic_year=year, term=term, sql=sql)


def _follow(year: str, term: str) -> tuple[str, str]:
    names = tuple(TERMS)
    place = names.index(term) + 1
    if place < len(names):
        return year, names[place]
    first = int(year[:4]) + 1
    return f"{first}{(first + 1) % 100:02}", names[0]
