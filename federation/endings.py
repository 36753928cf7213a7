"""How a query ended, in the words that pages, commands and problems share."""

from federation.exchange import Ending
from federation.told_days import tell_day


def describe_ending(ending: Ending, hub: str) -> str:
    """Say by whom a query or its release was withdrawn or refused, when, and why; `hub` is the hub's id."""
    return f"{describe_act(ending, hub)}: {ending.reason}"


def describe_notice(release: str, ending: Ending, hub: str = "") -> str:
    """Say of a release that it has been withdrawn, by whom, when and why."""
    return f"{release} has been withdrawn {describe_ending(ending, hub)}"


def describe_act(ending: Ending, hub: str) -> str:
    """Say by whom and when alone, and nobody where it was the hub.

    The hub refuses nothing itself: it says that the authorities did, of a sum also where some contributed.
    """
    who = "" if ending.by == hub else f"by {ending.by} "
    return f"{who}on {tell_day(ending.at)}"
