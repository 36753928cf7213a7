"""The released table in a document, for a client who has neither plan nor data."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast, get_args

from disclosure_control.noise.terms import NoiseRefused, NoiseTerms, read_terms
from disclosure_control.release.released import ReleasedTable, seal_released
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.symbols import Symbol, Value
from query_engine.planning.plan import Path

__all__ = ["ReleaseMalformed", "read_answered", "read_preset", "read_released", "read_texts"]

DOCUMENT_KEYS = frozenset({"plan_id", "path", "preset", "columns", "decimals", "rows", "symbols"})
DOCUMENT_KEYS |= {"answered", "absent", "noise", "method"}

MOST_DECIMALS = 9
LARGEST_SUM = 2**63
LARGEST_DECIMAL = 1e12
"""Below this, a figure with a few decimal places passes through a JSON number unchanged."""


class ReleaseMalformed(Exception):
    """What came in is not a released table; the text says where."""


def read_released(document: object) -> ReleasedTable:
    """The released table in a JSON value, for a client; the plan is not needed. Raises `ReleaseMalformed`.

    Checks the form, and that the legend, the absences and the rows agree. Whether the table is the one that the hub
    released is for the signature around it to show.
    """
    if not isinstance(document, dict) or document.keys() - {"sums"} != DOCUMENT_KEYS:
        raise ReleaseMalformed(f"a released table is an object with the keys {', '.join(sorted(DOCUMENT_KEYS))}")
    preset = read_preset(document["preset"])
    texts = read_texts("document", {key: document[key] for key in ("plan_id", "path", "method")})
    path = _read_path(texts["path"])
    columns = _read_columns(document["columns"], path)
    decimals = _read_decimals(document["decimals"], columns, path)
    absent = read_texts("absent", document["absent"])
    answered = read_answered(document["answered"], absent)
    if not isinstance(document["rows"], list):
        raise ReleaseMalformed("rows: not a list")
    noise = _read_noise(document["noise"], path)
    form = _Form(path, columns, decimals, frozenset(answered), frozenset(absent))
    table = seal_released(
        texts["plan_id"],
        path,
        preset["name"],
        preset["version"],
        columns,
        decimals,
        tuple(form.read_row(f"row {number}", row) for number, row in enumerate(document["rows"], start=1)),
        answered,
        absent,
        noise,
        texts["method"],
        _read_sums(document["sums"], len(document["rows"]), noise) if "sums" in document else {},
    )
    if document["symbols"] != table.to_json()["symbols"]:
        raise ReleaseMalformed("symbols: not the legend of the symbols in the rows")
    return table


def read_texts(where: str, entries: object) -> dict[str, str]:
    """An object of which every value is a text. Raises `ReleaseMalformed`."""
    if not isinstance(entries, dict) or not all(isinstance(each, str) for each in (*entries, *entries.values())):
        raise ReleaseMalformed(f"{where}: every entry must be a text")
    return entries


def read_preset(entries: object) -> dict[str, str]:
    """The name and the version of a preset. Raises `ReleaseMalformed`."""
    preset = read_texts("preset", entries)
    if preset.keys() != {"name", "version"}:
        raise ReleaseMalformed("preset: must have a name and a version")
    return preset


def _read_path(text: str) -> Path:
    if text not in get_args(Path):
        raise ReleaseMalformed(f"path: must be one of {', '.join(get_args(Path))}")
    return cast("Path", text)


def _read_columns(entries: object, path: Path) -> tuple[str, ...]:
    if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
        raise ReleaseMalformed("columns: not a list of texts")
    least = 2 if path == "per_authority" else 1
    if len(entries) < least or len(set(entries)) != len(entries):
        raise ReleaseMalformed(f"columns: fewer than {least}, or one given twice")
    return tuple(entries)


def _read_decimals(entries: object, columns: tuple[str, ...], path: Path) -> dict[str, int]:
    named = set(columns[1:] if path == "per_authority" else columns)
    if not isinstance(entries, dict) or not entries.keys() <= named:
        raise ReleaseMalformed("decimals: names no column, or the authority's")
    if not all(type(places) is int and 0 <= places <= MOST_DECIMALS for places in entries.values()):
        raise ReleaseMalformed(f"decimals: not whole numbers from 0 to {MOST_DECIMALS}")
    return entries


def read_answered(entries: object, absent: Mapping[str, str]) -> tuple[str, ...]:
    """The authorities in a release, in order, none of which is absent. Raises `ReleaseMalformed`."""
    if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
        raise ReleaseMalformed("answered: not a list of texts")
    if entries != sorted(set(entries)) or set(entries) & absent.keys():
        raise ReleaseMalformed("answered: not in order, or one given twice or absent")
    return tuple(entries)


def _read_noise(document: object, path: Path) -> NoiseTerms | None:
    if (document is None) is (path == "noisy_sum"):
        raise ReleaseMalformed("noise: belongs to noisy_sum, and to no other path")
    try:
        return None if document is None else read_terms(document)
    except NoiseRefused as refused:
        raise ReleaseMalformed(f"noise: {refused}") from None


def _read_sums(entries: object, rows: int, noise: NoiseTerms | None) -> dict[str, tuple[int, ...]]:
    """Noised sums, a whole number for each row; no others are ever released."""
    if (
        noise is None
        or not isinstance(entries, dict)
        or not entries
        or not all(isinstance(each, str) for each in entries)
    ):
        raise ReleaseMalformed("sums: belong to a noised total, by name")
    for column in entries.values():
        if not isinstance(column, list) or len(column) != rows or not all(type(each) is int for each in column):
            raise ReleaseMalformed(f"sums: not {rows} whole numbers each")
        if any(abs(each) > LARGEST_SUM for each in column):
            raise ReleaseMalformed("sums: more than 64 bits hold")
    return {name: tuple(column) for name, column in entries.items()}


@dataclass(frozen=True, slots=True)
class _Form:
    """What a row of the table must be like."""

    path: Path
    columns: tuple[str, ...]
    decimals: Mapping[str, int]
    answered: frozenset[str]
    absent: frozenset[str]

    def read_row(self, where: str, row: object) -> Row:
        """One row: its categories, and figures that can stand in it."""
        if not isinstance(row, list) or len(row) != len(self.columns):
            raise ReleaseMalformed(f"{where}: not a list of {len(self.columns)} entries")
        is_absent = self.path == "per_authority" and self._is_absent(where, row[0])
        entries: list[Entry] = []
        for column, entry in zip(self.columns, row, strict=True):
            place = f"{where}, {column}"
            if column not in self.decimals:
                entries.append(_read_category(place, entry))
                continue
            figure = _read_figure(place, entry, self.decimals[column])
            if (figure == Symbol.UNAVAILABLE) != is_absent:
                raise ReleaseMalformed(f"{place}: x belongs to absent authorities, and nothing else does")
            if figure == Symbol.UNRELIABLE and self.path != "noisy_sum":
                raise ReleaseMalformed(f"{place}: u belongs to figures with noise, and to no others")
            entries.append(figure)
        return tuple(entries)

    def _is_absent(self, where: str, authority: object) -> bool:
        """Whether the authority that leads a row did not answer."""
        if not isinstance(authority, str) or authority not in self.answered | self.absent:
            raise ReleaseMalformed(f"{where}: begins with no authority that answered or is absent")
        return authority in self.absent


def _read_category(where: str, entry: object) -> str | int | bool | None:
    if entry is None or isinstance(entry, str | int):
        return entry
    raise ReleaseMalformed(f"{where}: not a category")


def _read_figure(where: str, entry: object, places: int) -> Value:
    """A symbol, or a number with no more than its column's decimal places."""
    if isinstance(entry, str) and entry in list(Symbol):
        return Symbol(entry)
    if places == 0 and type(entry) is int:
        return entry
    if places > 0 and isinstance(entry, float) and abs(entry) < LARGEST_DECIMAL:
        number = Decimal(repr(entry)).quantize(Decimal(1).scaleb(-places))
        if float(number) == entry:
            return number
    raise ReleaseMalformed(f"{where}: neither a symbol nor a number with {places} decimal places")
