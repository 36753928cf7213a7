"""Releases at the hub of a played federation: a model, and what becomes of one, for tests of what pages make of it."""

from disclosure_control.models.release import name_roster, release_linear
from disclosure_control.presets.shipped import load_preset
from hub.endings import give_notice
from hub.queries import find_query
from hub.release import describe_release, find_authorities, keep_release
from tests.disclosure_control.models.test_model_release import COUNTS, LINEAR, SUMS
from tests.hub.played_federation import PlayedFederation


def keep_model(federation: PlayedFederation) -> str:
    """Have the hub keep a model over all authorities of the roster but 302; returns the query's id."""
    hub, query_id = federation.hub, federation.start()
    query = find_query(hub, query_id, federation.member("ana"))
    model = release_linear(LINEAR, SUMS, COUNTS, 0, load_preset("opensafely"))
    answered = tuple(sorted(find_authorities(hub, query).values()))
    here = tuple(each for each in answered if each != "302")
    named = name_roster(
        model, "plan-1", here, {"302": "late"}, f"A total over {len(here)} of {len(answered)} authorities."
    )
    with hub.database.transaction() as connection:
        keep_release(hub, connection, query, describe_release(hub, query, named, ()))
    return query_id


def find_release_id(federation: PlayedFederation, query_id: str) -> str:
    """The id by which a query's release is cited."""
    row = federation.hub.database.connection.execute(
        "SELECT release_id FROM releases WHERE query_id = ?", (query_id,)
    ).fetchone()
    return str(row[0])


def withdraw(federation: PlayedFederation, query_id: str) -> None:
    """Have an output checker withdraw a query's release."""
    give_notice(federation.hub, query_id, "one authority had loaded last year's files", federation.member("gus"))
