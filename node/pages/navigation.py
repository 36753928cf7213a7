"""Where a visitor may go: sections of a few pages each, so that whoever may do much is not shown all of it at once.

The main navigation leads to the first page of each section that somebody may open, and that page to its neighbours.
"""

from collections.abc import Callable, Iterator

from federation.web.site import Section, make_section, navigation_entry
from node.pages.staff import (
    find_owner,
    find_visitor,
    may_ask_in_emergency,
    may_decide_held,
    may_delegate,
    may_gather,
    may_read_area,
    may_read_class,
    may_read_leaving,
    may_read_log,
    may_read_named,
    may_read_ours,
    may_read_placed_here,
    may_read_tracking,
    may_search,
    may_see_figures,
)
from node.people import Person
from policies.linter import PolicyInvalid

Place = tuple[str, str, Callable[[Person], bool]]
"""A page: its address, what it is called, and who may open it."""

PLACES: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "Children",
        (
            ("/children", "My children", may_read_ours),
            ("/tracking", "Tracking", may_read_tracking),
            ("/placed-here", "Placed here", may_read_placed_here),
            ("/area", "Not in care", may_read_area),
            ("/child", "Find one child", may_search),
            ("/class-list", "Class list", may_read_class),
            ("/named", "Named to me", may_read_named),
            ("/emergency", "Emergency access", may_ask_in_emergency),
        ),
    ),
    ("Figures", (("/figures", "Figures", may_see_figures), ("/reports", "Reports", may_see_figures))),
    (
        "Sharing",
        (
            ("/delegations", "Delegations", may_delegate),
            ("/handovers", "Hand-overs", may_delegate),
            ("/held", "Held requests", may_decide_held),
            ("/leaving", "What leaves", may_read_leaving),
        ),
    ),
    ("Policy", (("/policy", "Who may see what", lambda _: True),)),
    (
        "Oversight",
        (
            ("/notices", "Notices", may_read_log),
            ("/audit", "Audit log", may_read_log),
            ("/subject", "Disclosures", may_gather),
            ("/breach", "Breach drill", may_read_log),
        ),
    ),
)
"""The sections and their pages, in the order in which they are read."""


def list_sections(visitor: Person) -> Iterator[Section]:
    """Yield the sections with the pages that a visitor may open, those with none left out."""
    for title, places in PLACES:
        pages = [navigation_entry(address, text) for address, text, may_open in places if may_open(visitor)]
        if pages:
            yield make_section(title, pages)


def describe_visitor() -> dict[str, object]:
    """What the frame of every page shows of whoever visits it."""
    visitor = find_visitor()
    start = make_section("Home", [navigation_entry("/", "Home")])
    try:
        sections = tuple(list_sections(visitor)) if visitor else ()
    except PolicyInvalid:  # The page that says so has a frame, too; it leads nowhere but home.
        sections = ()
    return {"visitor": visitor or find_owner(), "account": "/passkeys", "navigation": (start, *sections)}
