"""Epochs: the ISO weeks in which one set of pair keys is good, after which it is erased."""

from datetime import UTC, datetime, timedelta

GRACE = timedelta(days=1)
"""How long keys outlive their week, for sums that are under way when it ends."""

LONGEST_AHEAD = timedelta(days=14)
"""How early the keys of an epoch may be made."""


def name_epoch(now: datetime) -> str:
    """Return the epoch that a moment falls in: 2026-w48."""
    year, week, _ = now.astimezone(UTC).isocalendar()
    return f"{year}-w{week:02}"


def epoch_start(epoch: str) -> datetime:
    """Return the Monday midnight (UTC) on which an epoch begins. Raises `ValueError` for a week that no year has."""
    year, week = epoch.split("-w")
    return datetime.fromisocalendar(int(year), int(week), 1).replace(tzinfo=UTC)


def epoch_end(epoch: str) -> datetime:
    """Return the moment from which an epoch's keys are of no use and must be gone, grace included."""
    return epoch_start(epoch) + timedelta(days=7) + GRACE
