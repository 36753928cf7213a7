"""The SQL that turns what a file says into the values of an input table's columns."""

from collections.abc import Sequence

from node.ingest.formats import InputColumn, InputTable


def raw_columns(table: InputTable, header: Sequence[str]) -> str:
    """The table's columns as written, out of a relation whose columns are c0, c1, ... in the header's order."""
    places = {name.lower(): place for place, name in enumerate(header)}
    return ", ".join(
        f'as_text(c{places[column.field]}) AS "{column.raw}"' for column in table.columns if column.field in places
    )


def value_columns(table: InputTable, header: Sequence[str]) -> str:
    """The table's columns as values, out of the raw ones. Those the header lacks are left out."""
    names = {name.lower() for name in header}
    present = [column for column in table.columns if column.field in names]
    kept = [f'"{column.raw}"' for column in present if column.raw != column.field]
    return ", ".join(kept + [f'{_value(column)} AS "{column.field}"' for column in present])


def _value(column: InputColumn) -> str:
    raw = f'"{column.raw}"'
    if column.type == "code":
        return _code(raw, column)
    value = f"as_{column.type}({raw})"
    if column.bounds is not None:
        low, high = column.bounds
        # greatest and least pass over NULL, which must stay NULL.
        value = f"CASE WHEN {value} IS NOT NULL THEN greatest({low}, least({high}, {value})) END"
    return value


def _code(raw: str, column: InputColumn) -> str:
    known = ", ".join(_quoted(code) for code in column.codes)
    recoded = "".join(f" WHEN {_quoted(old)} THEN {_quoted(new)}" for old, new in column.recodes)
    kept = f"CASE WHEN upper({raw}) IN ({known}) THEN upper({raw})"
    return f"{kept} ELSE CASE upper({raw}){recoded} END END" if recoded else f"{kept} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
