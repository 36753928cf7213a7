"""Project files: a project as people write it, in TOML, and a file to begin with.

`circe project new` prints one with every field, what it is for, and every data item of a table, to be struck out.
"""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from federation.project import Project, ProjectInvalid, check_consistent
from federation.wire import convert_value, decode_document, encode_document
from query_engine.catalogue import Catalogue

if TYPE_CHECKING:
    from disclosure_control.presets.shelf import PresetShelf

MOST_BYTES = 256 * 1024

PLACEHOLDERS = (
    "title",
    "purpose",
    "public_benefit",
    "legal_gateway",
    "retention",
    "rights_contact",
    "incident_contact",
)
"""Fields of which a new file says what belongs there."""


def read_project(path: Path) -> Project:
    """Read a project's file. Raises `ProjectInvalid`, which says where it is wrong and quotes nothing."""
    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise ProjectInvalid(f"a project's file has at most {MOST_BYTES // 1024} KiB")
        project = convert_value(tomllib.loads(data.decode()), Project)
        # Read again as members will read it, so that what can be written down here can be understood there.
        project = decode_document(encode_document(project), Project)
    except tomllib.TOMLDecodeError as error:
        raise ProjectInvalid(f"not TOML: {error}") from None
    except UnicodeDecodeError:
        raise ProjectInvalid("not UTF-8 text") from None
    except OSError as error:
        raise ProjectInvalid(error.strerror or "it cannot be read") from None
    except msgspec.ValidationError as error:
        raise ProjectInvalid(str(error)) from None
    check_consistent(project)
    return project


def check_known(project: Project, catalogue: Catalogue, presets: "PresetShelf") -> None:
    """Check that a project is filled in, and that what it names is there to be had.

    Raises `ProjectInvalid`, which says what is not.
    """
    from disclosure_control.presets.preset import PresetInvalid

    _check_filled_in(project)
    for item in project.data_items:
        if item.table not in catalogue.tables:
            raise ProjectInvalid(f"the catalogue has no table {item.table}")
        if unknown := [name for name in item.columns if name not in catalogue.table(item.table).columns]:
            raise ProjectInvalid(f"the table {item.table} has no column {unknown[0]}")
    for preset in project.presets:
        try:
            presets.load(preset)
        except PresetInvalid as error:
            raise ProjectInvalid(str(error)) from None


@dataclass(frozen=True)
class Beginning:
    """What a new file says; where nothing is told, what belongs there."""

    name: str
    members: Sequence[str]
    presets: Sequence[str] = ("ons_10_5",)
    tables: Sequence[str] = ("child_year",)
    title: str = "What the project is called"
    purpose: str = "What it wants to find out, and for whom"
    public_benefit: str = "What children in care, or those who serve them, have of it"
    legal_gateway: str = "The power or duty that allows it, for example Children Act 1989, section 22(3A)"
    retention: str = "How long releases and working papers are kept, and how they are destroyed"
    accredited_by: str = "Who accredited them, and for what"
    rights_contact: str = "Whom a child, parent or carer writes to about their rights"
    incident_contact: str = "Whom to tell at once when something has gone wrong"
    most_epsilon_per_year: str = "3"
    agreement: str = "Where the signed agreement is filed"


def _check_filled_in(project: Project) -> None:
    """Check that no field still says what belongs there, as a new file does. Raises `ProjectInvalid`."""
    asked = {each.name: each.default for each in fields(Beginning)}
    told = {name: getattr(project, name) for name in PLACEHOLDERS}
    told["agreement"] = project.agreement.reference
    left = [name for name, text in told.items() if text == asked[name]]
    if any(person.accredited_by == asked["accredited_by"] for person in project.people):
        left.append("accredited_by")
    if left:
        raise ProjectInvalid(f"still to be filled in, as the file that it began with says: {', '.join(left)}")


def write_beginning(beginning: Beginning, catalogue: Catalogue, today: date) -> str:
    """Return a project's file that can be read, for a year from today."""
    in_a_year = today.replace(year=today.year + 1, day=min(today.day, 28))
    people = "\n".join(_write_person(each, beginning.accredited_by, in_a_year) for each in beginning.members)
    items = "\n".join(_write_item(catalogue, table) for table in beginning.tables)
    return f"""\
# A project of the federation. `circe project check FILE` says what is wrong with it; `circe project papers FILE` writes
# the data-sharing agreement, the impact assessment and the record of processing that go with it. Approvers read all of
# this with every question, and sign it.

name = {_quote(beginning.name)}
title = {_quote(beginning.title)}
purpose = {_quote(beginning.purpose)}
public_benefit = {_quote(beginning.public_benefit)}
legal_gateway = {_quote(beginning.legal_gateway)}
lawful_basis = [
    "UK GDPR article 6(1)(e): a task in the public interest",
    "UK GDPR article 9(2)(g), with Data Protection Act 2018, schedule 1, paragraphs 6 and 18",
]
presets = [{", ".join(map(_quote, beginning.presets))}]

# How much epsilon noised sums about one academic year may cost all together; "" where there are to be none.
most_epsilon_per_year = {_quote(beginning.most_epsilon_per_year)}

starts = {today}
ends = {in_a_year}
review = {in_a_year}
retention = {_quote(beginning.retention)}
rights_contact = {_quote(beginning.rights_contact)}
incident_contact = {_quote(beginning.incident_contact)}

# The digest is the SHA-256 of the signed agreement, if it is a file: sha256sum FILE
[agreement]
reference = {_quote(beginning.agreement)}
digest = ""

{people}
# part: controller, joint_controller, processor or recipient
[[organisations]]
title = "Each authority that answers"
part = "joint_controller"
contact = "its data protection officer"

# Strike out what the purpose does not need: questions about anything else are refused by every node.
{items}"""


def _write_person(member: str, accredited_by: str, until: date) -> str:
    who = f"member = {_quote(member)}\naccredited_by = {_quote(accredited_by)}"
    return f"[[people]]\n{who}\naccredited_until = {until}\n"


def _write_item(catalogue: Catalogue, table: str) -> str:
    columns = "".join(f"    {_quote(name)},\n" for name in catalogue.table(table).columns)
    return f"[[data_items]]\ntable = {_quote(table)}\ncolumns = [\n{columns}]\n"


def _quote(text: str) -> str:
    """A text as TOML writes it, which for what may stand in a project is as JSON writes it."""
    return json.dumps(text, ensure_ascii=False)
