"""The access matrix over HTTP at a running node: every role at every page about children, forged roles included.

The rights are those of the table that `test_access_matrix` holds the policy to, written independently of its file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.hub_line import HubUnreachable
from federation.web.description import ADDRESS
from node.app import create_app
from node.lookups.own_children import FIELDS
from node.pages import through_hub
from node.people import BY_SCHOOLS
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import MATRIX
from policies.names import BY_AREA, CHILD_RECORD, Role
from tests.every_role import enter_one
from tests.node.pages.visiting import Visitor, serve_pages, sign_in_entered
from tests.own_policies import put_policy
from tests.policies.test_access_matrix import ALLOWED
from tests.small_federation import SmallFederation

SCHOOL = 100_001
WHY = {"purpose": "Termly review"}

Right = tuple[str, str, str]

OUR_RECORDS: Right = ("home", "read", "identity")
COPIES: Right = ("home", "export", "identity")
DISCLOSURES: Right = ("home", "audit", "audit_log")
THE_LOG: Right = ("own_organisation", "audit", "audit_log")
PLANS: tuple[tuple[Right, ...], ...] = ((("home", "read", "plan_pep"),), (("school", "read", "plan_pep"),))
SETTING_DOWN: tuple[tuple[Right, ...], ...] = ((OUR_RECORDS, ("home", "update", "plan_pep")),)
AGGREGATES: tuple[tuple[Right, ...], ...] = (
    (("home", "aggregate", "aggregates"),),
    (("school", "aggregate", "school_aggregates"),),
)

Rights = tuple[tuple[Right, ...], ...]
"""What lets a person in: any one of these, each of which is all of its rights together."""

DOORS: dict[str, Rights] = {
    "/children": ((OUR_RECORDS,),),
    "/placed-here": ((("host", "read", "identity"),),),
    "/child": ((("home", "search", "identity"),), (("host", "search", "identity"),)),
    "/class-list": ((("school", "list", "identity"),),),
    "/emergency": ((("emergency", "read", "identity"),),),
    "/named": ((("named_child", "read", "identity"),),),
    "/tracking": PLANS,
    "/figures": AGGREGATES,
    "/reports": AGGREGATES,
    "/delegations": ((COPIES,),),
    "/handovers": ((COPIES,),),
    "/held": ((THE_LOG,), (COPIES,)),
    "/leaving": ((("federation", "list", "manifest"), ("federation", "read", "manifest")),),
    "/notices": ((THE_LOG,),),
    "/audit": ((THE_LOG,),),
    "/breach": ((THE_LOG,),),
    "/subject": ((DISCLOSURES,),),
}
"""The pages, and the rights that let a person in."""

SWITCHABLE: dict[str, Rights] = {
    "/area": tuple(((relation, "list", "identity"), (relation, "read", "identity")) for relation in BY_AREA),
}
"""About children who are not in care: as packaged no role has a right to the page (`test_area_over_http.py`)."""

FORMS: dict[str, Rights] = {
    **{path: rights for path, rights in DOORS.items() if path not in ("/handovers", "/leaving")},
    "/placed-here/on-our-rolls": ((("host", "list", "identity"), ("host", "read", "identity")),),
    **{f"/delegations/{act}": DOORS["/delegations"] for act in ("sign", "revoke", "tell")},
    "/emergency/send": DOORS["/emergency"],
    "/policy/who": DOORS["/children"],
    "/figures/releases": AGGREGATES,
    **{
        f"/handovers/{act}": DOORS["/handovers"]
        for act in ("form", "write", "sign", "send", "withdraw", "open", "accept", "decline")
    },
    **{f"/tracking/{act}": PLANS for act in ("changes", "schools", "cohort", "child", "plain", "form", "update")},
    **{f"/tracking/newcomer{act}": SETTING_DOWN for act in ("", "/enter", "/off")},
    **{f"/tracking/{act}": SETTING_DOWN for act in ("files", "import", "import/take")},
    "/tracking/export": ((COPIES,),),
    "/audit/verify": ((THE_LOG,),),
    **{f"/subject/{act}": ((DISCLOSURES,),) for act in ("send", "record", "mark", "given", "copy")},
    **{f"/audit/{act}": ((THE_LOG, ("own_organisation", "export", "audit_log")),) for act in ("found", "whole")},
}
"""The forms, which need the rights of their pages and, where they change or take away something, one for that too."""

ANYBODYS = {"/", "/sign-in", "/sign-in/passkey", "/sign-out", "/policy", "/passkeys", "/passkeys/remove"}
"""Pages and forms about oneself, or that tell of nobody: whoever has signed in has them, or whoever comes."""

BY_QUERY = {f"/leaving/<query_id>{act}" for act in ("", "/approve", "/refuse", "/decide")}
"""About one query; their tests are in test_leaving_pages.py."""

TAKEN_AWAY = {"/tracking/export", "/audit/found", "/audit/whole"}
"""The forms that give a file: a copy, for which the right to export is asked."""

ELSEWHERE: dict[str, set[Right]] = {
    "tests/hub": {
        *(("federation", action, "manifest") for action in ("submit", "sign", "approve")),
        *(("own_organisation", action, "manifest") for action in ("list", "read")),
        ("federation", "approve", "aggregates"),
        ("federation", "administer", "register"),
        ("own_organisation", "administer", "register"),
        ("own_organisation", "administer", "service"),
        ("federation", "read", "register"),
    },
    "tests/node/test_dishonest_hub.py": {("federation", "answer", "manifest")},
    "tests/node/lookups/test_matrix_at_the_asked_node.py": {
        *(("host", action, "identity") for action in ("list", "search")),
        *(("school", "search", "identity"),),
        *(
            (relation, "read", group)
            for relation in ("host", "school", "named_child", "emergency")
            for group in CHILD_RECORD
        ),
    },
    "tests/node/pages/test_matrix_of_actions.py": {
        *(("home", action, group) for action in ("read", "update", "export") for group in CHILD_RECORD),
        ("home", "list", "identity"),
        ("home", "aggregate", "school_aggregates"),
        ("federation", "aggregate", "aggregates"),
    },
    "tests/node/host_facts/test_claims_at_the_host.py": {("home", "read", "education")},
    "tests/policies/test_access_matrix.py": {
        # Figures of these children are released by the hub; no node's page has any.
        *(
            (relation, "aggregate", "aggregates")
            for relation in ("host", "previously_here", "in_need_here", "kinship_here")
        ),
        *((relation, "aggregate", "aggregates") for relation in ("school",)),
        ("host", "aggregate", "school_aggregates"),
    },
}
"""Where rights are held that no page of a node asks for as such."""


@pytest.fixture
def port(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A running node that reaches no hub: questions to other nodes end where they would be sent."""
    monkeypatch.setattr(through_hub, "connect_party", _no_hub)
    with serve_pages(node) as port:
        yield port


def _no_hub(*_: object, **__: object) -> object:
    raise HubUnreachable("there is no hub here")


def sign_in(node: Node, port: int, role: str) -> Visitor:
    """Enter a person of this role, for one school if it is a teacher's, and sign them in."""
    enter_one(node.party.directory, role, SCHOOL)
    return sign_in_entered(node, port, role)


def is_let_in(role: str, rights: Rights) -> bool:
    """Whether a role has one of these sets of rights; whoever is entered for no school stands to none."""
    has_school = role in {Role.DESIGNATED_TEACHER, *BY_SCHOOLS}
    return any(
        all((role, *right) in ALLOWED and (has_school or right[0] != "school") for right in together)
        for together in rights
    )


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_and_sends_what_its_rights_let_it_and_nothing_else(node: Node, port: int, role: Role) -> None:
    """Pages and forged forms alike: 403 for whoever has no right, and never for whoever has."""
    visitor = sign_in(node, port, role)
    opened = {path for path in (*DOORS, *SWITCHABLE) if visitor.get(path) == 200}
    assert opened == {path for path, rights in DOORS.items() if is_let_in(role, rights)}
    visitor.get("/")
    forged = {"where": "here", "upn": "A823456789012", "child": "nobody", "role": "virtual_school_head", **WHY}
    forms = FORMS | SWITCHABLE
    refused = {path for path in forms if visitor.send(path, forged) == 403}
    assert refused == {path for path, rights in forms.items() if not is_let_in(role, rights)}
    taken = {path for path in FORMS if visitor.send(path, {**forged, "form": "csv"}) == 200 and visitor.took_a_file}
    assert taken == {path for path in TAKEN_AWAY if is_let_in(role, FORMS[path])}


def test_every_page_and_form_is_in_the_matrix(node: Node) -> None:
    """A page that is in no table is one whose rights nobody has said."""
    rules = [(str(rule), rule.methods or set()) for rule in create_app(node).url_map.iter_rules()]
    free = (
        {rule for rule, _ in rules if rule.startswith(("/assets/", "/sign-in/with/"))}
        | ANYBODYS
        | BY_QUERY
        | {ADDRESS, "/health"}
    )
    assert {rule for rule, methods in rules if "GET" in methods} - free == {*DOORS, *SWITCHABLE}
    assert {rule for rule, methods in rules if "POST" in methods} - free == {*FORMS, *SWITCHABLE}


def test_no_right_of_the_matrix_is_without_a_test() -> None:
    """Every right of every role lets somebody through a door here, or is held where `ELSEWHERE` says."""
    here = {right for rights in (*DOORS.values(), *FORMS.values()) for together in rights for right in together}
    elsewhere = set[Right]().union(*ELSEWHERE.values())
    missing = {right for _, *right in ALLOWED if tuple(right) not in here | elsewhere}
    assert missing == set()
    assert here <= {tuple(right) for _, *right in ALLOWED}
    assert all((Path(__file__).parents[3] / place).exists() for place in ELSEWHERE)


@pytest.mark.parametrize("role", sorted(role for role, *right in ALLOWED if right == ["home", "read", "identity"]))
def test_a_role_is_shown_the_groups_of_fields_that_it_may_read_and_no_others(node: Node, port: int, role: str) -> None:
    """For each group in turn: denied in the authority's own file, none of its fields is on the page any more."""
    visitor = sign_in(node, port, role)
    everything = shown_fields(visitor)
    assert everything == {name for name in FIELDS if (role, "home", "read", FIELDS[name][0]) in ALLOWED} & everything
    assert {FIELDS[name][0] for name in everything} >= {"identity", "care", "education", "health"}
    for group in set(CHILD_RECORD) - {"identity"}:
        put_policy(node.party.directory, MATRIX.read_text() + f"p, {role}, *, read, {group}, deny\n")
        assert shown_fields(visitor) == {name for name in everything if FIELDS[name][0] != group}
    put_policy(node.party.directory, MATRIX.read_text() + f"p, {role}, *, read, identity, deny\n")
    visitor.get("/")
    assert visitor.send("/children", WHY) == 403


def shown_fields(visitor: Visitor) -> set[str]:
    """The fields of our own list that its page shows for somebody."""
    assert visitor.get("/children") == 200
    assert visitor.send("/children", WHY) == 200
    head = visitor.texts[-1].split("</thead>")[0]
    said = {"Child": "la_child_id", "PEP on time": "pep_on_time"}
    headings = re.findall(r'scope="col">([^<]+)<', head)
    return {said.get(heading) or heading.lower().replace(" ", "_") for heading in headings}


def test_nobody_who_has_not_signed_in_opens_or_sends_anything(node: Node, port: int) -> None:
    visitor = Visitor(port)
    assert {visitor.get(path) for path in (*DOORS, *SWITCHABLE)} == {403}
    visitor.get("/sign-in")
    assert {visitor.send(path, WHY) for path in (*FORMS, *SWITCHABLE)} == {403}


def test_a_role_taken_away_between_page_and_form_is_gone(node: Node, port: int) -> None:
    """A session keeps who it is, and never what they may do."""
    visitor = sign_in(node, port, "virtual_school_head")
    assert visitor.get("/children") == 200
    enter_person(node.party.directory, "virtual-school-head", "node_administrator", "Moved on")
    assert visitor.send("/children", WHY) == 403


def test_an_attempt_at_a_list_is_refused_before_anything_is_read(
    federation: SmallFederation, node: Node, port: int
) -> None:
    """Nothing of our children is logged as shown to whoever was turned away at the door."""
    for role in ("social_worker", "ig_officer", "node_administrator"):
        visitor = sign_in(node, port, role)
        visitor.send("/children", WHY)
        visitor.send("/child", {"where": "here", "upn": "A823456789012", **WHY})
    shown = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    assert [event for event in shown if event.outcome is Outcome.DONE] == []


# --- Ids that are guessed, or another's ------------------------------------------------------------------------------

IDS = {
    "/held": ("held_id", {"decision": "answer", "reason": "Known to us"}),
    "/notices": ("notice_id", {"outcome": "justified", "remark": "Fine"}),
    "/delegations/revoke": ("delegation_id", {}),
    "/delegations/sign": ("delegation_id", dict.fromkeys(("credential", "client_data", "authenticator_data"), "AAAA")),
    "/emergency/send": ("draft_id", dict.fromkeys(("credential", "client_data", "authenticator_data"), "AAAA")),
    **{f"/handovers/{act}": ("handover", {}) for act in ("send", "withdraw", "open", "accept", "decline")},
    "/handovers/form": ("child", WHY),
    "/tracking/newcomer/off": ("child", WHY),
    "/tracking/child": ("child", WHY),
    "/tracking/plain": ("child", WHY),
    "/tracking/form": ("child", WHY),
    "/tracking/update": ("child", WHY),
    "/policy/who": ("child", WHY),
}
"""Every form that names something by an id: the field, and what else it needs."""

GUESSES = ("", "1", "H-0000000000000000", "N-0000000000000000", "D-" + "0" * 32, "0" * 32, "' OR 1=1 --", "../vsh", "é")


def test_no_address_has_an_id_in_it_but_a_querys(node: Node) -> None:
    """What is meant is named in forms, which are the sender's own; an address can be guessed, shared and logged.

    A query's id is the whole federation's, and names no child.
    """
    rules = [str(rule) for rule in create_app(node).url_map.iter_rules()]
    named = {rule for rule in rules if "<" in rule and not rule.startswith(("/assets/", "/sign-in/"))}
    assert named == BY_QUERY


@pytest.mark.parametrize("role", ["virtual_school_head", "node_administrator", "designated_teacher", "ig_officer"])
def test_a_query_that_is_guessed_is_nobodys(node: Node, port: int, role: str) -> None:
    """One that is not there and one that is not one's own to see are refused alike."""
    visitor = sign_in(node, port, role)
    for act in ("approve", "refuse", "decide"):
        guesses = ("Q-0000000000000000", "Q-1", "1", "%C3%A9")
        answers = {visitor.send(f"/leaving/{guess}/{act}", {"reason": "Not ours"}) for guess in guesses}
        assert len(answers) == 1
        assert answers <= {403, 404}


@pytest.mark.parametrize("role", ["virtual_school_head", "ig_officer", "designated_teacher", "social_worker"])
def test_an_id_that_is_guessed_does_nothing_for_anybody(node: Node, port: int, role: str) -> None:
    """Refused as one that is not there, or for want of the right: never done, and never a sign that it is another's."""
    visitor = sign_in(node, port, role)
    before = sum(1 for _ in read_entries(node.database.connection, action=Action.DELEGATION_REVOKED))
    for path, (name, more) in IDS.items():
        answers = {visitor.send(path, {name: guess, **more}) for guess in GUESSES}
        assert answers <= {400, 403, 404}, path
        assert len(answers) == 1, path
    assert sum(1 for _ in read_entries(node.database.connection, action=Action.DELEGATION_REVOKED)) == before == 0
