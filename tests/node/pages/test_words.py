"""What programs carry is said on a node's pages as people write it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import node
from federation.told_days import tell_day
from node.pages.words import begin_with_capital, tell_value
from node.tracking.flags import Flag
from policies.names import Role
from policies.words import call_role, name_actor, name_role

TEMPLATES = sorted((Path(node.__path__[0]) / "templates").rglob("*.html"))


@pytest.mark.parametrize(
    ("label", "value", "said"),
    [
        ("Born", "2015-01-02", "2 January 2015"),
        ("Told by host", date(2026, 11, 9), "9 November 2026"),
        ("Attendance rate", "0.423", "42.3%"),
        ("Attendance rate", "<b>", "<b>"),
        ("Year group", 0, "Reception"),
        ("Year group", 10, "10"),
        ("UPN", "UN1", "none (UN1)"),
        ("UPN", "A801200005001", "A801200005001"),
        ("Host authority", "301", "Barking and Dagenham (301)"),
        ("Home", "ours", "ours"),
        ("Placement type", "foster_other", "foster other"),
        ("SEN provision", "ehc_plan", "EHC plan"),
        ("SEN provision", "sen_support", "SEN support"),
        ("PEP on time", "True", "yes"),
        ("PEP on time", False, "no"),
        ("Suspensions", 0, "0"),
    ],
)
def test_a_value_is_said_as_people_write_it(label: str, value: object, said: str) -> None:
    assert tell_value(value, label) == said


def test_a_day_is_told_of_moments_and_of_nothing_that_is_none() -> None:
    moments = (datetime(2026, 3, 4, 5, tzinfo=UTC), "2026-03-04T05:00:00Z", "2026-03-04")
    assert [tell_day(moment) for moment in moments] == ["4 March 2026"] * 3
    assert [tell_day(text) for text in ("", "soon", "2026-02-30")] == ["", "soon", "2026-02-30"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_page_writes_a_day_as_a_program_does(path: Path) -> None:
    text = path.read_text()
    assert "[:10]" not in text
    assert "%d" not in text.replace("%d/%02d", "")  # An academic year is told so.


def test_acronyms_and_possessives_of_roles_and_flags_are_written_out() -> None:
    roles = " ".join(name_role(role) for role in Role)
    assert not {"ig", "dfe", "ofsted", "childrens"} & set(roles.split())
    assert begin_with_capital(name_role(Role.DFE_ANALYST)) == "DfE analyst"
    assert [name_actor(actor) for actor in ("vsh (virtual_school_head)", "ana")] == ["vsh (virtual school head)", "ana"]
    called = [call_role(role) for role in (Role.IG_OFFICER, Role.DFE_ANALYST, Role.OUTPUT_CHECKER)]
    assert called == ["an information governance officer", "a DfE analyst", "an output checker"]
    assert Flag.PEP_DUE.label == "PEP due"
    assert not {"pep", "sdq"} & {word for flag in Flag for word in flag.label.split()}
