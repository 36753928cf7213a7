"""The SQL that turns what a file says into the values of an input table's columns."""

from node.ingest.formats import READ_AS_WRITTEN, InputColumn
from node.ingest.layout import Layout


def raw_columns(layout: Layout) -> str:
    """The table's columns as written, out of a relation whose columns are c0, c1, ... in the header's order.

    Text and unique pupil numbers are values already. A column that the file lacks is NULL.
    """
    return ", ".join(f'{_raw(layout, column)} AS "{column.raw}"' for column in layout.table.columns)


def value_columns(layout: Layout) -> str:
    """The rest of the table's columns as values, out of those as written."""
    read = [column for column in layout.table.columns if column.raw != column.field]
    return "".join(f', {_value(column, column in layout.columns)} AS "{column.field}"' for column in read)


def _raw(layout: Layout, column: InputColumn) -> str:
    constant, place = layout.constant(column), layout.place(column)
    if constant is None and place is None:
        return "NULL::VARCHAR"
    text = quoted(constant) if constant is not None else f"c{place}"
    if constant is None and _is_taken_apart(layout, column):
        text = f"as_text({text})"
    for word in layout.table.blank:
        text = f"nullif({text}, {quoted(word)})"
    if layout.mapping is not None:
        text = _mapped(text, layout, column)
    return f"upper({text})" if column.type == "upn" else text


def _is_taken_apart(layout: Layout, column: InputColumn) -> bool:
    """Whether blanks around a value have to be off before anything else looks at it."""
    return column.type not in READ_AS_WRITTEN or bool(layout.table.blank) or layout.mapping is not None


def _mapped(text: str, layout: Layout, column: InputColumn) -> str:
    """A field as our words and dates, where the mapping has others."""
    assert layout.mapping is not None
    if words := layout.mapping.codes.get(column.field):
        cases = "".join(f" WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in words.items())
        return f"CASE lower({text}){cases} ELSE {text} END"
    if layout.mapping.date_format and column.type == "date":
        # What has not the form that the mapping states is no date, though another mapping might read it as one.
        moment = f"try_strptime({text}, {quoted(layout.mapping.date_format)})"
        return f"CASE WHEN {text} IS NOT NULL THEN coalesce(strftime({moment}, '%Y-%m-%d'), '?') END"
    return text


def _value(column: InputColumn, is_there: bool) -> str:
    if not is_there:
        return f"NULL::{column.reading_type}"
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
    """A list of codes is written in capitals or in small letters; the file may write them as it likes.

    Most files write them as the list does, and those are taken as they are.
    """
    fold = "lower" if any(code.islower() for code in column.codes) else "upper"
    code = f"{fold}({column.written})"
    if column.recodes:
        recoded = "".join(f" WHEN {fold}({quoted(old)}) THEN {quoted(new)}" for old, new in column.recodes)
        code = f"CASE {code}{recoded} ELSE {code} END"
    return f"coalesce(TRY_CAST({raw} AS {column.reading_type}), TRY_CAST({code} AS {column.reading_type}))"


def quoted(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
