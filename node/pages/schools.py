"""Schools on a node's pages: each by name and number, wherever a page tells of one."""

from collections.abc import Mapping

from flask import g

from node.pages.staff import the_node
from node.pages.words import tell_value
from node.schools import name_school, read_school_names
from node.tracking.summary import Line

LABEL = "School"
"""What stands over a school in lists and files of children."""


def name_known_school(urn: object) -> str:
    """A school by the register that is loaded here."""
    if "school_names" not in g:
        g.school_names = read_school_names(the_node().store.current())
    names: Mapping[int, str] = g.school_names
    return name_school(names, urn)


def tell_history(line: Line) -> str:
    """A line of a record's history in words, a school by its name."""
    return line.tell(name_known_school)


def tell_or_name(value: object, label: str) -> str:
    """A value as people read it, under a label of a page; a school by its name."""
    return name_known_school(value) if label == LABEL else tell_value(value, label)
