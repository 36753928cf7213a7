"""The ledger of claims that this authority has made: for each child and term one host, and what came of it."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from federation.database import stamp
from federation.explained import Explained
from node.ingest.periods import Period


class Reason(Explained):
    """Why a child is incomplete, and what that means in plain English."""

    NO_UPN = "no_upn", "our return has no valid unique pupil number for the child"
    NO_DATE_OF_BIRTH = "no_date_of_birth", "our return has no date of birth for the child"
    NOT_ON_OWN_ROLL = "not_on_own_roll", "school or placement is in our own area, and no roll we collect has the child"
    HOST_UNKNOWN = "host_unknown", "neither a school nor a placement's postcode says which authority to ask"
    NOT_JOINED = "not_joined", "this node has joined no federation yet, so no host can be asked"
    HOST_HAS_NO_NODE = "host_has_no_node", "the authority of the school or placement has no node in the federation"
    NOT_CLAIMED = "not_claimed", "the host has not been asked in this term: run circe node claim"
    HOST_NOT_ANSWERED = "host_not_answered", "the host has been asked and has not answered: claim again"
    HOST_REFUSED = "host_refused", "the host refused, for the reason given as the code"
    HOST_ANSWER_REJECTED = "host_answer_rejected", "what the host answered could not be accepted"
    NOT_FOUND_AT_HOST = "not_found_at_host", "no roll of the host has the pupil number with that date of birth"


_REASONS = {reason.value: reason for reason in Reason}


@dataclass(frozen=True)
class Made:
    """How the claim of a child stands in a term: the host addressed, why nothing was told, and the host's code.

    `outcome` is None for a child who was found.
    """

    host: str
    outcome: Reason | None
    code: str


def read_made(connection: sqlite3.Connection, term: Period) -> Mapping[str, Made]:
    """How the claims made in a term stand, by the row token of the child."""
    rows = connection.execute("SELECT * FROM claims_made WHERE term = ?", (str(term),))
    return {row["child"]: Made(row["host"], _REASONS.get(row["outcome"]), row["code"]) for row in rows}


def reserve_claim(
    connection: sqlite3.Connection, child: str, term: Period, host: str, lookup_id: str, now: datetime
) -> bool:
    """Enter a claim as sent and not answered; False where the child was claimed from another host in that term.

    Host by host comparison is part of the statement, so two claims under way at once cannot address two hosts.
    """
    entered = connection.execute(
        "INSERT INTO claims_made VALUES (?, ?, ?, ?, ?, ?, '') ON CONFLICT DO UPDATE SET "
        "lookup_id = excluded.lookup_id, sent_at = excluded.sent_at, outcome = excluded.outcome, code = '' "
        "WHERE host = excluded.host",
        (child, str(term), host, lookup_id, stamp(now), Reason.HOST_NOT_ANSWERED.value),
    )
    return entered.rowcount == 1


def settle_claims(
    connection: sqlite3.Connection, children: Iterable[str], term: Period, outcome: Reason | None, code: str = ""
) -> None:
    """Enter what came of the claims of some children, by row token."""
    connection.executemany(
        "UPDATE claims_made SET outcome = ?, code = ? WHERE child = ? AND term = ?",
        [(outcome.value if outcome else "", code, child, str(term)) for child in children],
    )


def latest_term(connection: sqlite3.Connection) -> Period | None:
    """The term claimed last; None before any claim."""
    row = connection.execute("SELECT term FROM claims_made ORDER BY sent_at DESC, term DESC LIMIT 1").fetchone()
    return Period.parse(row["term"]) if row is not None else None
