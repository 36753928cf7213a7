"""Because of whom a sum fails, for the audit log: every name, whole, in as many details as that takes."""

from collections.abc import Sequence

from audit.event import MAX_DETAIL_TEXT

MOST_DETAILS = 20
"""Enough for four hundred nodes named as ours are; an entry has room for more, and its other details need some."""


def list_names(detail: str, names: Sequence[str]) -> dict[str, str]:
    """Return names as the details `because_of`, `because_of_2` and so on, and the number of those past all room.

    No name is cut, and a search for one finds it.
    """
    lines = [""]
    for place, name in enumerate(names):
        longer = f"{lines[-1]} {name}".strip()
        if len(longer) <= MAX_DETAIL_TEXT:
            lines[-1] = longer
        elif len(lines) < MOST_DETAILS:
            lines.append(name)
        else:
            return {**_number(detail, lines), f"{detail}_more": str(len(names) - place)}
    return _number(detail, lines)


def _number(detail: str, lines: Sequence[str]) -> dict[str, str]:
    return {detail if number == 1 else f"{detail}_{number}": line for number, line in enumerate(lines, start=1)}
