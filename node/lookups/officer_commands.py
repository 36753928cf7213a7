"""`circe node held` and `circe node notices`: what waits for an authority's own officers."""

from pathlib import Path

import click

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PERSON = click.option("--as", "person_id", required=True, help="Who acts: one of the node's people.")
FORM = click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)


@click.group()
def held() -> None:
    """Requests of other authorities that our rules leave to one of our own officers."""


@held.command("list")
@STATE
@PERSON
@FORM
def list_requests(state: Path, person_id: str, form: str) -> None:
    """List what waits and what was decided lately. Whom a request seeks the page shows, to whoever may see."""
    from node.claim_commands import format_rows
    from node.lookups.holding import list_held
    from node.lookups.officers import admit_decider
    from node.service import open_node

    node = open_node(state)
    admit_decider(node, person_id)
    rows = [
        (
            each.held_id,
            each.held_at,
            each.request.authority,
            each.request.person,
            each.request.role,
            each.request.kind.value,
            each.request.purpose,
            "" if not each.decided_at else "let through" if each.answered else "refused",
        )
        for each in list_held(node)
    ]
    click.echo(format_rows(("number", "since", "authority", "who", "role", "kind", "purpose", "decided"), rows, form))


@held.command()
@STATE
@PERSON
@FORM
def queries(state: Path, person_id: str, form: str) -> None:
    """List the queries that wait for an officer, and what was decided about others that have not expired."""
    from node.claim_commands import format_rows
    from node.leaving.holding import check_query_officer, list_held
    from node.service import open_node

    node = open_node(state)
    check_query_officer(node.policy(), node.find_person(person_id).role)
    rows = [
        (
            each.query_id,
            each.path,
            each.held_at,
            each.expires_at,
            "" if not each.decided_at else "let through" if each.let_through else "refused",
            each.decided_by,
            each.reason,
        )
        for each in list_held(node)
    ]
    click.echo(format_rows(("query", "leaves_by", "since", "until", "decided", "by", "reason"), rows, form), nl=False)


@held.command()
@STATE
@PERSON
@click.argument("held_id")
@click.option("--reason", required=True, help="For the log.")
@click.option("--withhold", "withheld", multiple=True, help="A group of fields that is not told; may be repeated.")
def answer(state: Path, person_id: str, held_id: str, reason: str, withheld: tuple[str, ...]) -> None:
    """Let a held request through when it is asked again, within a week; or a held query (Q-...), which is run then."""
    _decide(state, person_id, held_id, reason, withheld, answers=True)


@held.command()
@STATE
@PERSON
@click.argument("held_id")
@click.option("--reason", required=True, help="For the log, and told to whoever asked.")
def refuse(state: Path, person_id: str, held_id: str, reason: str) -> None:
    """Refuse a held request, or a held query (Q-...)."""
    _decide(state, person_id, held_id, reason, (), answers=False)


def _decide(
    state: Path, person_id: str, held_id: str, reason: str, withheld: tuple[str, ...], *, answers: bool
) -> None:
    from node.leaving.holding import decide_by_id
    from node.lookups.holding import decide
    from node.lookups.officers import admit_decider
    from node.service import open_node

    node = open_node(state)
    if held_id.startswith("Q-"):
        decide_by_id(node, node.find_person(person_id), held_id, let_through=answers, reason=reason)
        return
    decide(node, admit_decider(node, person_id), held_id, answer=answers, reason=reason, withheld=withheld)


@click.group()
def notices() -> None:
    """Lookups out of the ordinary, for our information governance officer to review."""


@notices.command("list")
@STATE
@PERSON
@FORM
def list_them(state: Path, person_id: str, form: str) -> None:
    """List the notices, the open ones first."""
    from node.claim_commands import format_rows
    from node.lookups.notices import list_notices
    from node.lookups.officers import admit_officer
    from node.service import open_node

    node = open_node(state)
    admit_officer(node, person_id)
    rows = [
        (each.notice_id, each.at, each.kind.value, each.authority, each.text, each.reference, each.outcome)
        for each in list_notices(node)
    ]
    headings = ("number", "at", "kind", "authority", "what", "lookup", "outcome")
    click.echo(format_rows(headings, rows, form), nl=False)


@notices.command()
@STATE
@PERSON
@click.argument("notice_id")
@click.option("--outcome", required=True, type=click.Choice(["justified", "not_justified", "taken_further"]))
@click.option("--remark", default="", help="In a few words, for the log.")
def review(state: Path, person_id: str, notice_id: str, outcome: str, remark: str) -> None:
    """Say what was found about a notice."""
    from node.lookups.notices import review_notice
    from node.lookups.officers import admit_officer
    from node.service import open_node

    node = open_node(state)
    review_notice(node, admit_officer(node, person_id), notice_id, outcome, remark)
