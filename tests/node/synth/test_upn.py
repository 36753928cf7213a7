"""The check letter finds every mistyped character, and refuses what is no UPN without repeating it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.upn import LETTERS, is_upn, upn_check_letter

BODIES = st.builds(str.__add__, st.from_regex(r"\A[0-9]{11}\Z"), st.sampled_from("0123456789" + LETTERS))


def test_the_published_example() -> None:
    """801200005001 sums to 93; 93 modulo 23 is 1, the letter B."""
    assert upn_check_letter("801200005001") == "B"
    assert is_upn("B801200005001")


def test_recent_authorities_are_no_different() -> None:
    """Numbers of authorities formed after 2011 are numbers."""
    for authority in ("838", "839", "940", "943"):
        body = f"{authority}200019001"
        assert is_upn(upn_check_letter(body) + body)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("A801200005001", id="wrong check letter"),
        pytest.param("I801200005001", id="letter that is never used"),
        pytest.param("b801200005001", id="small letter"),
        pytest.param("B80120000500", id="short"),
        pytest.param("B8012000050011", id="long"),
        pytest.param("B801200005001\n", id="line feed"),
        pytest.param("B80120000500O", id="temporary with a letter never used"),
        pytest.param("B٨01200005001", id="digit of another script"),
        pytest.param("UN1", id="unknown"),
    ],
)
def test_what_is_no_upn(text: str) -> None:
    assert not is_upn(text)


@pytest.mark.parametrize("body", ["", "80120000500", "80120000500I", "80120000500b", "٨01200005001"])
def test_a_body_that_is_none_is_refused_without_being_repeated(body: str) -> None:
    with pytest.raises(ValueError, match="body of a UPN") as refused:
        upn_check_letter(body)
    assert not body or body not in str(refused.value)


@given(body=BODIES, at=st.integers(0, 10), digit=st.sampled_from("0123456789"))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_one_mistyped_digit_is_always_found(body: str, at: int, digit: str) -> None:
    """23 is prime and above every weight, so no single digit can change without the letter."""
    right = upn_check_letter(body) + body
    mistyped = right[: at + 1] + digit + right[at + 2 :]
    assert is_upn(right)
    assert is_upn(mistyped) == (mistyped == right)
