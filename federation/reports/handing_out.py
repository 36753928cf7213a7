"""A report at a terminal: as aligned text or CSV on standard output, or as a file."""

from collections.abc import Iterator
from pathlib import Path

import click

from disclosure_control.layout import write_text
from federation.reports.written import WrittenReport
from federation.state import write_file

__all__ = ["hand_out", "say_report"]


def hand_out(written: WrittenReport, form: str, output: Path | None) -> None:
    """Print a report, or write it to a file. Raises `UsageError` for a PDF without a file to write it to."""
    if form == "pdf" and output is None:
        raise click.UsageError("a PDF is written to a file: say which with --output")
    data = _write(written, form)
    if output is None:
        click.echo(data.decode(), nl=False)
    else:
        write_file(output, data)


def _write(written: WrittenReport, form: str) -> bytes:
    match form:
        case "pdf":
            from federation.reports.paper import write_paper

            return write_paper(written)
        case "csv":
            from federation.reports.tidy import write_tidy

            return write_tidy(written).encode()
        case _:
            return say_report(written).encode()


def say_report(written: WrittenReport) -> str:
    """Return a report as text."""
    return "\n".join(_list_parts(written)) + "\n"


def _list_parts(written: WrittenReport) -> Iterator[str]:
    yield written.heading
    yield f"{written.about} For: {written.audience}."
    for section in written.sections:
        yield f"\n{section.title}"
        yield from section.words
        for table in section.tables:
            yield "\n" + write_text(table.columns, (), table.rows, ()).rstrip()
        yield from (f"- {words}" for words in section.missing)
    yield "\nHow to read this"
    yield from written.reading
    yield "\nWhere the figures come from"
    yield from written.sources or ("Nothing has been released yet.",)
