"""A budget account: what it lets pass, what it refuses and in which words, and that nothing is ever given back."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure_control.budget.account import BudgetAccount, BudgetShort, Caps
from disclosure_control.budget.price import Price, PrivacyLoss

CAPS = Caps(question=Fraction(1), year=Fraction(3), project=Fraction(2))
YEAR, NEXT = 202425, 202526


def price(epsilon: str, *years: int) -> Price:
    return Price(years or (YEAR,), PrivacyLoss(Fraction(epsilon), Fraction(epsilon) ** 2 / 2))


def pay(*payments: tuple[str, str] | tuple[str, str, int], caps: Caps = CAPS) -> BudgetAccount:
    """An account after payments of (project, epsilon) or (project, epsilon, year)."""
    account = BudgetAccount(caps)
    for project, epsilon, *years in payments:
        account = account.debit(price(epsilon, *years), project)
    return account


@pytest.mark.parametrize(
    ("paid", "asked", "words"),
    [
        ([], "1", None),
        ([], "1.000001", "epsilon is 1.000001, and one question may cost 1"),
        ([("a", "1"), ("a", "0.5")], "0.5", None),
        ([("a", "1"), ("a", "1")], "0.000001", "project a about 202425 have cost epsilon 2 of 2"),
        ([("b", "1"), ("b", "1"), ("c", "0.5")], "0.5", None),
        ([("b", "1"), ("b", "1"), ("c", "0.5")], "0.6", "questions about 202425 have cost epsilon 2.5 of 3"),
        ([("a", "1", NEXT), ("a", "1", NEXT)], "1", None),
    ],
    ids=["first", "one question", "to the last", "project", "others", "year", "another year"],
)
def test_what_passes(paid: list[tuple[str, str]], asked: str, words: str | None) -> None:
    account = pay(*paid)
    if words is None:
        account.check_room(price(asked), "a")
        return
    with pytest.raises(BudgetShort, match=words):
        account.check_room(price(asked), "a")


def test_each_academic_year_touched_is_debited() -> None:
    account = BudgetAccount(CAPS).debit(price("1", YEAR, NEXT), "a")
    assert account.academic_years == (YEAR, NEXT)
    assert [account.spent(year).epsilon for year in (202324, YEAR, NEXT)] == [0, 1, 1]


def test_one_year_that_is_short_is_enough_to_refuse() -> None:
    with pytest.raises(BudgetShort, match=str(NEXT)):
        pay(("a", "1", NEXT), ("b", "1", NEXT), ("c", "1", NEXT)).check_room(price("1", YEAR, NEXT), "d")


def test_what_is_left_is_the_lesser_of_year_and_project() -> None:
    account = pay(("a", "1"), ("b", "1"), ("b", "0.5"))
    left = [account.left(*entry) for entry in ((YEAR, "a"), (YEAR, "b"), (NEXT, "b"))]
    assert left == [Fraction(1, 2), Fraction(1, 2), Fraction(2)]


def test_caps_that_were_lowered_leave_nothing_and_no_debt() -> None:
    account = pay(("a", "1"), ("a", "1"))
    assert BudgetAccount(Caps(Fraction(1), Fraction(1), Fraction(1)), account.taken).left(YEAR, "a") == 0


def test_an_account_cannot_be_changed_from_outside() -> None:
    taken = {(YEAR, "a"): PrivacyLoss(Fraction(1), Fraction(1, 2))}
    account = BudgetAccount(CAPS, taken)
    taken.clear()
    assert account.spent(YEAR).epsilon == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12), st.sampled_from((YEAR, NEXT)))))
def test_no_order_of_payments_goes_beyond_a_cap_or_gives_back(payments: list[tuple[str, int, int]]) -> None:
    account = BudgetAccount(CAPS)
    for project, tenths, year in payments:
        before = account
        try:
            account = account.debit(price(str(Fraction(tenths, 10)), year), project)
        except BudgetShort:
            assert account is before
        for each in (YEAR, NEXT):
            assert before.spent(each).epsilon <= account.spent(each).epsilon <= CAPS.year
            assert all(account.spent(each, name).epsilon <= CAPS.project for name in "abc")
