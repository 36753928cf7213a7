"""Reads a page's HTML as the tests of markup need it: elements in order, with attributes, text and ancestors."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
APART = frozenset({"dd", "dt", "h1", "h2", "li", "p", "span", "td", "th"})
"""Elements whose text does not run on into what follows."""


@dataclass
class Element:
    """One element; `text` is all the text inside it."""

    tag: str
    attributes: dict[str, str]
    inside: tuple["Element", ...]
    text: str = ""


@dataclass
class PageReader(HTMLParser):
    """A page, read. Raises `AssertionError` where an element is closed that was not opened last."""

    elements: list[Element] = field(default_factory=list)
    opened: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.opened))
        self.elements.append(element)
        if tag not in VOID:
            self.opened.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened, f"</{tag}> closes nothing"
        assert self.opened[-1].tag == tag, f"</{tag}> closes <{self.opened[-1].tag}>"
        self.opened.pop()
        if tag in APART and not any(element.tag == "pre" for element in self.opened):
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for element in self.opened:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements of some kinds, in the page's order."""
        return [element for element in self.elements if element.tag in tags]


def read_page(html: str) -> PageReader:
    """Return a page, read to its end."""
    reader = PageReader()
    reader.feed(html)
    reader.close()
    assert not reader.opened, f"<{reader.opened[-1].tag}> is never closed"
    return reader
