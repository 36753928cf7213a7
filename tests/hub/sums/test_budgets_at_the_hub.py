"""Budgets at the hub: a price is held against what every node stated before anything is sent out, and counted once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path as FilePath

import pytest

from audit.event import Action
from disclosure_control.budget.account import Caps
from federation.budgets import sign_statement, state_budget
from federation.envelope import write_envelope
from federation.exchange import QueryBudget, QueryDraft, QueryState
from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.wire import whole_seconds
from hub import budgets, dispatch, drafting, endings, queries, standing
from tests.hub.played_federation import PROJECT, PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import SQL
from tests.projects import make_project

SHIPPED = Caps(question=Fraction(1), year=Fraction(10), project=Fraction(5))
YEAR = 202425
NODE = "node-301"


@dataclass
class Asking:
    """A federation of seven nodes that have stated their budgets; what they answer plays no part."""

    federation: PlayedFederation
    sql: str = SQL

    def draft(self) -> str:
        """Have a noisy sum over all nodes drafted; returns the query's id."""
        draft = QueryDraft(
            project=PROJECT,
            purpose="How many children there are in each key stage",
            sql=self.sql,
            academic_year=str(YEAR),
            preset="ons_10_5",
            roster=tuple(f"node-{code}" for code in AUTHORITIES),
            valid_hours=24,
            path=Path.NOISY_SUM,
        )
        return drafting.draft_query(self.federation.hub, draft, self.federation.member("ana"))

    def ask(self) -> str:
        """Have one drafted and approved; returns the query's id."""
        return self.federation.sign(self.draft(), "ana", "cho", "dev")

    def find(self, query_id: str) -> queries.StoredQuery:
        """The query as the hub keeps it."""
        return queries.find_query(self.federation.hub, query_id, self.federation.member("ana"))

    def end(self, query_id: str) -> None:
        """End a query, whatever came of it."""
        query = self.find(query_id)
        endings.close_query(self.federation.hub, query, QueryState.UNFINISHED, Action.QUERY_UNFINISHED)


@pytest.fixture
def ready(tmp_path: FilePath) -> Iterator[Asking]:
    """Nodes that have stated the shipped caps, with nothing taken."""
    federation = found_federation(tmp_path, authorities=AUTHORITIES)
    federation.state_budgets(caps=SHIPPED)
    yield Asking(federation)
    federation.hub.close()


def budget_of(asking: Asking, query_id: str) -> QueryBudget:
    found = standing.describe_query(asking.federation.hub, asking.find(query_id)).budget
    assert found is not None
    return found


def refusal(asking: Asking) -> str:
    with pytest.raises(ProblemRaised) as raised:
        asking.ask()
    assert (raised.value.problem.status, raised.value.problem.code) == (409, "budget_short")
    return raised.value.problem.detail


def test_the_price_is_shown_before_and_what_is_left_after(ready: Asking) -> None:
    query_id = ready.ask()
    shown = budget_of(ready, query_id)
    assert (shown.epsilon, shown.rho, shown.left, shown.left_after, shown.short) == ("1", "0.5", "4", "4", "")
    (listed,) = standing.list_queries(ready.federation.hub, ready.federation.member("ana"))
    assert listed.budget is None


def test_a_draft_says_what_would_be_left(ready: Asking) -> None:
    """At the authority that has the least, which is one of seven."""
    ready.federation.state_budgets(NODE, caps=SHIPPED, taken={(YEAR, PROJECT): "2.5"})
    shown = budget_of(ready, ready.draft())
    assert (shown.left, shown.left_after, shown.short) == ("2.5", "1.5", "")


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ({(YEAR, PROJECT): "4.5"}, "questions of project attendance about 202425 have cost epsilon 4.5 of 5"),
        ({(YEAR, "other"): "9.5"}, "questions about 202425 have cost epsilon 9.5 of 10"),
    ],
    ids=["project", "year"],
)
def test_one_authority_that_is_short_is_named_and_nothing_is_drafted(
    ready: Asking, taken: dict[tuple[int, str], str], words: str
) -> None:
    ready.federation.state_budgets(NODE, caps=SHIPPED, taken=taken)
    assert refusal(ready).startswith(f"{words}, and this one costs 1, at authority 301:")
    assert standing.list_queries(ready.federation.hub, ready.federation.member("ana")) == ()


def test_another_year_and_another_project_stand_in_nobodys_way(ready: Asking) -> None:
    ready.federation.state_budgets(caps=SHIPPED, taken={(202324, PROJECT): "5", (YEAR, "other"): "5"})
    ready.ask()


def test_a_node_that_has_stated_nothing_is_sent_nothing(ready: Asking) -> None:
    with ready.federation.hub.database.transaction() as connection:
        connection.execute("DELETE FROM budget_statements WHERE node = ?", (NODE,))
    assert refusal(ready).startswith("no budget has been stated, at authority 301:")


def test_a_stricter_authority_ends_it_for_all_that_ask_it(ready: Asking) -> None:
    strict = Caps(question=Fraction(1, 2), year=Fraction(10), project=Fraction(5))
    ready.federation.state_budgets(NODE, caps=strict)
    assert refusal(ready).startswith("epsilon is 1, and one question may cost 0.5, at authority 301:")


def test_it_is_checked_again_when_the_last_approver_signs(ready: Asking) -> None:
    """Drafted while there was enough, and approved when there is not: it goes to nobody, and waits."""
    federation = ready.federation
    query_id = ready.draft()
    federation.sign(query_id, "ana", "cho")
    federation.state_budgets(NODE, caps=SHIPPED, taken={(YEAR, PROJECT): "5"})
    with pytest.raises(ProblemRaised, match="cost epsilon 5 of 5"):
        federation.sign(query_id, "dev")
    query = ready.find(query_id)
    assert (query.state, len(query.envelope.signatures)) == (QueryState.SUBMITTED, 2)
    assert not dispatch.has_deliveries(federation.hub, federation.member(NODE), federation.clock())
    assert "authority 301" in budget_of(ready, query_id).short


def test_what_was_sent_out_counts_before_any_node_has_stated_it(ready: Asking) -> None:
    """Five questions at epsilon 1 are what one project may ask; statements are older than all of them."""
    for _ in range(5):
        ready.ask()
    assert "have cost epsilon 5 of 5" in refusal(ready)


def test_what_a_node_has_stated_is_not_counted_twice(ready: Asking) -> None:
    federation = ready.federation
    query_id = ready.ask()
    digest = ready.find(query_id).digest
    federation.clock.advance(timedelta(minutes=2))
    federation.state_budgets(caps=SHIPPED, taken={(YEAR, PROJECT): "1"}, counted=[digest])
    assert budget_of(ready, query_id).left == "4"


def test_what_a_node_never_debited_is_not_held_against_it(ready: Asking) -> None:
    """The question is over, and a node that was away states that it has spent nothing."""
    federation, query_id = ready.federation, ready.ask()
    ready.end(query_id)
    federation.clock.advance(timedelta(minutes=10))
    federation.state_budgets(NODE, caps=SHIPPED)
    accounts = budgets.read_accounts(federation.hub, (NODE, "node-302"))
    assert [account and account.spent(YEAR).epsilon for account in accounts.values()] == [0, 1]


def test_what_is_running_counts_though_a_node_has_not_seen_it(ready: Asking) -> None:
    """A node that was away states its budget before it takes out of its inbox what waits there."""
    federation, query_id = ready.federation, ready.ask()
    federation.clock.advance(timedelta(minutes=10))
    federation.state_budgets(NODE, caps=SHIPPED)
    assert budget_of(ready, query_id).left == "4"


def test_a_member_is_told_what_the_project_has_left(ready: Asking) -> None:
    """At the node that has the least; nobody else is told, nor of a year that there is not."""
    federation = ready.federation
    federation.state_budgets(NODE, caps=SHIPPED, taken={(YEAR, PROJECT): "3.5"})
    left = budgets.find_budget(federation.hub, PROJECT, str(YEAR), federation.member("ana"))
    assert (left.left, left.most_per_question, left.unstated) == ("1.5", "1", ())
    for member, project, year in (("bea", PROJECT, "202425"), ("ana", "other", "202425"), ("ana", PROJECT, "190001")):
        with pytest.raises(ProblemRaised) as raised:
            budgets.find_budget(federation.hub, project, year, federation.member(member))
        assert raised.value.problem.status == 404


def test_a_statement_takes_the_place_of_the_one_before(ready: Asking) -> None:
    federation = ready.federation
    federation.state_budgets(NODE, caps=SHIPPED, taken={(YEAR, PROJECT): "3"})
    left = budgets.find_left(federation.hub, make_project(PROJECT), str(YEAR), (NODE, "node-302"))
    assert (left.left, left.most_per_question, left.unstated) == ("2", "1", ())


@pytest.mark.parametrize("signer", ["node-302", "ana"])
def test_nobody_states_the_budget_of_another(ready: Asking, signer: str) -> None:
    federation = ready.federation
    account = budgets.read_accounts(federation.hub, (NODE,))[NODE]
    assert account is not None
    statement = state_budget(NODE, account, (), whole_seconds(federation.clock()))
    forged = write_envelope(sign_statement(statement, federation.parties[signer].keys))
    for sender in (NODE, "node-302"):
        with pytest.raises(ProblemRaised, match="budget"):
            budgets.keep_statement(federation.hub, federation.member(sender), forged)


def test_a_statement_from_the_future_is_not_kept(ready: Asking) -> None:
    federation = ready.federation
    account = budgets.read_accounts(federation.hub, (NODE,))[NODE]
    assert account is not None
    statement = state_budget(NODE, account, (), whole_seconds(federation.clock()) + timedelta(hours=1))
    signed = write_envelope(sign_statement(statement, federation.parties[NODE].keys))
    with pytest.raises(ProblemRaised, match="future"):
        budgets.keep_statement(federation.hub, federation.member(NODE), signed)


def test_it_is_the_same_wherever_the_hub_keeps_its_state(tmp_path: FilePath, storage: str) -> None:
    """In a file, and on a server that several workers share."""
    federation = found_federation(tmp_path, authorities=AUTHORITIES, database=storage)
    for taken in ({}, {(YEAR, PROJECT): "3"}):
        federation.state_budgets(caps=SHIPPED, taken=taken)
    asking = Asking(federation)
    assert [budget_of(asking, asking.ask()).left for _ in range(2)] == ["1", "0"]
    assert "have cost epsilon 5 of 5" in refusal(asking)
    federation.hub.close()
