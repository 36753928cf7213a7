"""Facts of every kind, as hypothesis draws them from their declarations."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from node.tracking.facts import Fact, FactInvalid
from node.tracking.kinds import KINDS, Kind, read_fact
from node.tracking.values import Reading

YEARS = st.integers(15, 40).map(lambda year: f"20{year}{year + 1}")
_TEXTS = {
    "day": st.dates(date(2015, 1, 1), date(2030, 12, 31)).map(date.isoformat),
    "term": st.builds(
        lambda year, term: f"20{year}{year + 1}-{term}",
        st.integers(15, 40),
        st.sampled_from(["autumn", "spring", "summer"]),
    ),
    "academic year": st.integers(15, 40).map(lambda year: f"20{year}{year + 1}"),
    "text": st.text(st.characters(categories=["L", "Nd", "P", "Zs"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool),
    "whole number": st.integers(0, 400).map(str),
    "days": st.integers(0, 40).map(lambda halves: str(Decimal(halves) / 2)),
    "pounds": st.integers(0, 9999999).map(lambda pence: str(Decimal(pence).scaleb(-2))),
    "school": st.integers(100000, 999999).map(str),
}


def texts_of(reading: Reading) -> st.SearchStrategy[str]:
    """Texts that a reading takes."""
    return st.sampled_from([word for word, _ in reading.options]) if reading.options else _TEXTS[reading.name]


def _try(kind: Kind, texts: dict[str, str]) -> Fact | None:
    try:
        return read_fact(kind, texts)
    except FactInvalid:  # Of values that cannot be together.
        return None


def facts_of(kind: Kind) -> st.SearchStrategy[Fact]:
    """Facts of one kind, with and without what may be left open."""
    required = {field.name: texts_of(field.reading) for field in kind.fields if field.required}
    optional = {field.name: texts_of(field.reading) for field in kind.fields if not field.required}
    drawn = st.fixed_dictionaries(required, optional=optional).map(lambda texts: _try(kind, texts))
    return drawn.filter(lambda fact: fact is not None).map(lambda fact: fact)  # type: ignore[arg-type,return-value]


FACTS = st.sampled_from(list(KINDS.values())).flatmap(facts_of)
