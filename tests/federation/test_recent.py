"""What was read lately is kept, up to a weight, and the rest is read again."""

import pytest

from federation.recent import Recent


def test_what_is_kept_is_not_read_again() -> None:
    read: list[str] = []
    recent = Recent[str, str](most=2)

    def get(key: str) -> str:
        return recent.get(key, lambda: read.append(key) or key.upper())  # type: ignore[func-returns-value]

    assert [get(key) for key in "aba"] == ["A", "B", "A"]
    assert read == ["a", "b"]
    assert get("c") == "C"
    assert [get(key) for key in "ca"] == ["C", "A"]
    assert read == ["a", "b", "c"]
    assert get("b") == "B"
    assert read == ["a", "b", "c", "b"]


def test_the_heavy_are_forgotten_however_few() -> None:
    recent = Recent[int, bytes](most=10, weigh=len)
    for key in range(100):
        assert recent.get(key, lambda key=key: bytes(key % 12)) == bytes(key % 12)  # type: ignore[misc]
        assert recent.weight <= 10
    assert recent.get(11, lambda: bytes(11)) == bytes(11)
    assert recent.weight <= 10


def test_what_cannot_be_read_is_not_kept() -> None:
    recent = Recent[str, int](most=2)
    with pytest.raises(ZeroDivisionError):
        recent.get("a", lambda: 1 // 0)
    assert recent.get("a", lambda: 1) == 1
