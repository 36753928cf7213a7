"""One of a node's people of any role, entered with whatever the role takes: a school, several, or a last day."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from node.people import BY_SCHOOLS, FOR_A_TIME
from node.setting_up import enter_person
from policies.names import Role


def enter_one(directory: Path, role: str, school: int, person: str = "") -> None:
    """Enter somebody of a role, under its name unless another is given."""
    of_school = role == Role.DESIGNATED_TEACHER
    enter_person(
        directory,
        person or role.replace("_", "-"),
        role,
        "Somebody",
        school if of_school else None,
        (school,) if role in BY_SCHOOLS else (),
        last_day() if role in FOR_A_TIME else None,
    )


def last_day() -> date:
    """A day to come, as of the machine's clock and of every test's that moves some weeks from it."""
    return datetime.now(UTC).date() + timedelta(days=400)
