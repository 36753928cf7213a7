"""What requests say of the software that makes them, and that nobody need tell the truth."""

import pytest

from federation.software import Software, own_version, read_products, write_products


def test_what_is_written_is_read() -> None:
    told = read_products(write_products(register=7, snapshot="202425-summer-1f0c"))
    assert told == Software(own_version(), "7", "202425-summer-1f0c")
    assert read_products(write_products()) == Software(own_version())


@pytest.mark.parametrize(
    "text",
    ["", "curl/8", "circe", "circe/", "circe/<script>", "circe/" + "9" * 81, "register/7;DROP", " " * 1000 + "circe/1"],
)
def test_whatever_else_stands_there_tells_nothing(text: str) -> None:
    assert read_products(text) == Software()
