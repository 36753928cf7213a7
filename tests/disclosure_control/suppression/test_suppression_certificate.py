"""The certificate: one for all truths that are printed alike, and of no use to who would forge one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.analyst_table import ProtectedFile, attack_table, protect_table
from disclosure_control.suppression.certificate import CLAIM, CertificateInvalid
from disclosure_control.suppression.table_file import read_table

PRESET = load_preset("dfe_cla")
TABLE = """a,b,n
Total,Total,{t}
x,Total,{x}
y,Total,40
Total,p,{p}
Total,q,{q}
x,p,{xp}
x,q,{xq}
y,p,{yp}
y,q,{yq}
"""
SECRET = bytes(32)


def protect(xp: int, xq: int, yp: int, yq: int) -> ProtectedFile:
    text = TABLE.format(xp=xp, xq=xq, yp=yp, yq=yq, x=xp + xq, p=xp + yp, q=xq + yq, t=xp + xq + yp + yq)
    return protect_table(read_table(text), PRESET, "n", ["a", "b"], {}, secret=SECRET)


def attack(published: str, certificate: bytes) -> None:
    list(attack_table(read_table(published), PRESET, "n", ["a", "b"], {}, certificate))


def test_two_truths_that_are_printed_alike_have_one_certificate() -> None:
    """Three children here and seventeen there, or two and eighteen: nobody is to see which."""
    one, two = protect(3, 17, 22, 18), protect(2, 18, 23, 17)
    assert one.to_csv() == two.to_csv()
    assert one.certificate == two.certificate


def test_the_certificate_says_what_it_claims_and_that_it_claims_no_more() -> None:
    document = json.loads(protect(3, 17, 22, 18).certificate)
    assert document["claim"] == CLAIM
    assert "linear inference alone" in CLAIM
    assert document["columns"][0]["withheld"] == 4


def test_a_certificate_holds_of_what_it_was_made_for() -> None:
    made = protect(3, 17, 22, 18)
    attack(made.to_csv(), made.certificate)


def lie_about(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(protect(3, 17, 22, 18).certificate)
    change(document["columns"][0])
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode() + b"\n"


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no witness": (lambda column: column["witnesses"].clear(), "no witness"),
    "one witness alone": (lambda column: column["witnesses"].__delitem__(slice(1, None)), "do not leave"),
    "a witness that does not add up": (lambda column: column["witnesses"][0].__setitem__(0, 7), "add up"),
    "a number under what the rule hides": (lambda column: column["witnesses"][0].__setitem__(0, 0), "can be"),
    "half a number": (lambda column: column["witnesses"][0].__setitem__(0, 1.5), "whole numbers"),
    "a number short": (lambda column: column["witnesses"][0].pop(), "whole numbers"),
    "another rule": (lambda column: column["rule"].update(least=2), "another rule"),
    "another table": (lambda column: column.update(table="0" * 64), "another table"),
    "fewer withheld": (lambda column: column.update(withheld=3), "another withheld"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_certificate_does_not_hold(name: str) -> None:
    change, what = FORGERIES[name]
    with pytest.raises(CertificateInvalid, match=what):
        attack(protect(3, 17, 22, 18).to_csv(), lie_about(change))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"columns":[]}', b"\xff", b'{"columns":[1]}'])
def test_what_is_no_certificate_does_not_hold(content: bytes) -> None:
    with pytest.raises(CertificateInvalid):
        attack(protect(3, 17, 22, 18).to_csv(), content)


def test_a_certificate_is_no_good_for_a_table_of_which_a_figure_was_changed() -> None:
    made = protect(3, 17, 22, 18)
    with pytest.raises(CertificateInvalid, match="another table"):
        attack(made.to_csv().replace("y,Total,40", "y,Total,41"), made.certificate)
