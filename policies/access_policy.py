"""The one door to Casbin: loads a linted policy, and raises unless a rule allows the request.

`AccessPolicy` is used at the hub and at every node. It must never answer with a boolean, never ask Casbin about a
value outside the closed vocabularies, and never take an allow for granted that no rule stands behind.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from policies.linter import Finding, PolicyInvalid, lint_model, lint_policy
from policies.names import CHILD_RECORD, Action, FieldGroup, Relation, Role, list_words
from policies.row_filter import RowFilter
from policies.rules import ANY, Effect, Rule

__all__ = ["AccessDenied", "AccessPolicy", "AccessRequest", "DenialCode", "name_version"]

MODEL = Path(__file__).with_name("model.conf")
MATRIX = Path(__file__).with_name("matrix.csv")


ENFORCING = threading.Lock()
"""Held while Casbin decides: it parses its matcher with `ast`, in which two threads of CPython 3.11 may fail."""


class DenialCode(StrEnum):
    """Why a request was denied: fit for the log, the wire and the screen."""

    EMPTY_VALUE = "empty_value"
    UNKNOWN_VALUE = "unknown_value"
    NOT_PERMITTED = "not_permitted"
    POLICY_FAILED = "policy_failed"


class AccessDenied(Exception):
    """The policy does not allow a request. `text` names known words only, never what was sent."""

    def __init__(self, code: DenialCode, text: str) -> None:
        super().__init__(f"{code.value}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True)
class AccessRequest:
    """Who wants to do what to whose what. Plain strings are fine: `AccessPolicy.check` trusts none of them."""

    role: str
    relation: str
    action: str
    field_group: str


VOCABULARY: tuple[tuple[str, type[StrEnum]], ...] = (
    ("role", Role),
    ("relation", Relation),
    ("action", Action),
    ("field_group", FieldGroup),
)


class AccessPolicy:
    """One loaded policy: its linted `rules`, and decisions by them.

    `version` names its exact bytes, so that a log entry can say which policy decided.
    """

    def __init__(self, enforcers: Mapping[str, Any], rules: tuple[Rule, ...], version: str) -> None:
        self._enforcers = enforcers
        self._permitted: dict[tuple[Role, Relation, Action], frozenset[FieldGroup]] = {}
        self._decided: dict[tuple[str, ...], bool] = {}
        self.rules, self.version = rules, version

    @classmethod
    def load(cls, path: Path | None = None) -> "AccessPolicy":
        """The policy in `path`, or the packaged matrix; the model is always the packaged one.

        The bytes that are linted are the bytes that are loaded, and that `version` names.

        Raises `PolicyInvalid` where the file cannot be read or the linter finds anything.
        """
        return cls.parse(_read(path or MATRIX), str(path or MATRIX))

    @classmethod
    def parse(cls, policy: bytes, file: str) -> "AccessPolicy":
        """The policy whose text these bytes are; findings say that they are in `file`. Raises `PolicyInvalid`."""
        model = _read(MODEL)
        lint_model(_decode(model, str(MODEL)), str(MODEL))
        rules = lint_policy(_decode(policy, file), file)
        enforcers: dict[str, Any] = {role: _make_enforcer(model.decode(), role, rules) for role in Role}
        return cls(enforcers, rules, _name_bytes(model, policy))

    def check(self, request: AccessRequest) -> None:
        """Return where a rule allows the request and none denies it.

        Raises `AccessDenied` in every other case, an error inside Casbin included.
        """
        values = tuple(_known(getattr(request, name), name, words) for name, words in VOCABULARY)
        if values not in self._decided:  # A loaded policy does not change. An error decides nothing: it is asked again.
            self._decided[values] = self._decide(values)
        _require(self._decided[values], values)

    def permits(self, request: AccessRequest) -> bool:
        """Whether a rule allows the request and none denies it."""
        try:
            self.check(request)
        except AccessDenied:
            return False
        return True

    def ask_casbin(self, values: tuple[str, ...]) -> None:
        """Have Casbin decide about known words, whatever was decided before. Raises `AccessDenied` as `check` does."""
        _require(self._decide(values), values)

    def _decide(self, values: tuple[str, ...]) -> bool:
        """Whether Casbin allows this, and names the rule that does. Raises `AccessDenied` where it cannot say."""
        try:
            with ENFORCING:
                allowed, rule = self._enforcers[values[0]].enforce_ex(*values)
        except Exception as error:
            raise AccessDenied(DenialCode.POLICY_FAILED, "the policy could not be asked; nothing was done") from error
        return allowed is True and bool(rule) and rule[-1] == Effect.ALLOW

    def row_filter(
        self,
        role: str,
        action: str,
        authority: str,
        school_urn: int | None = None,
        named_children: frozenset[str] = frozenset(),
    ) -> RowFilter:
        """What `role`, at `authority` (and at one school, and with children named to it), may do to which rows.

        Raises `AccessDenied` where that is nothing at all.
        """
        asker = Role(_known(role, "role", Role))
        wanted = Action(_known(action, "action", Action))
        if not authority:
            raise AccessDenied(DenialCode.EMPTY_VALUE, "the authority is empty; send the asker's authority code")
        clauses = {
            relation: groups
            for relation in RowFilter.testable_relations(school_urn, named_children)
            if (groups := self.permitted_groups(asker, relation, wanted))
        }
        if not clauses:
            raise AccessDenied(DenialCode.NOT_PERMITTED, f"the role {asker} may not {wanted} any child's record")
        return RowFilter(asker, wanted, authority, school_urn, named_children, clauses)

    def permitted_groups(self, role: Role, relation: Relation, action: Action) -> frozenset[FieldGroup]:
        """The groups of a child's record that a role may do this to, by one relation; asked of Casbin once."""
        asked = (role, relation, action)
        if asked not in self._permitted:
            groups = (group for group in CHILD_RECORD if self.permits(AccessRequest(*asked, group)))
            self._permitted[asked] = frozenset(groups)
        return self._permitted[asked]


def name_version(policy: bytes) -> str:
    """The version of a policy of these bytes, as `AccessPolicy.version` has it and every log entry names it."""
    return _name_bytes(_read(MODEL), policy)


def _name_bytes(model: bytes, policy: bytes) -> str:
    """The SHA-256 of the model's bytes, one zero byte, and the policy's bytes, in hex."""
    return hashlib.sha256(model + b"\0" + policy).hexdigest()


def _require(allowed: bool, values: tuple[str, ...]) -> None:
    """Raise `AccessDenied` where known words were not allowed."""
    if allowed is not True:
        role, relation, action, group = values
        raise AccessDenied(
            DenialCode.NOT_PERMITTED, f"the role {role} may not {action} {group} by the relation {relation}"
        )


def _known(value: object, name: str, words: type[StrEnum]) -> str:
    """The value as a plain string where it is a known word; raises `AccessDenied` without repeating it."""
    if value == "":
        raise AccessDenied(DenialCode.EMPTY_VALUE, f"the {name} is empty; send one of: {', '.join(words)}")
    if not isinstance(value, str) or value not in list_words(words):
        raise AccessDenied(DenialCode.UNKNOWN_VALUE, f"the {name} is not known; send one of: {', '.join(words)}")
    return str(value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        finding = Finding(str(path), 0, f"cannot be read ({error.strerror})", "check the path and its permissions")
        raise PolicyInvalid((finding,)) from error


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyInvalid((Finding(file, line, "is not UTF-8", "save the file as UTF-8"),)) from error


def _make_enforcer(model: str, role: Role, rules: tuple[Rule, ...]) -> Any:
    """A Casbin enforcer over the linted rules that can match one role.

    Casbin evaluates its matcher against every rule it holds, so one enforcer per role decides twenty times faster
    than one for all. It reads no policy file of its own.
    """
    import casbin

    definition = casbin.Enforcer.new_model(text=model)
    for rule in rules:
        if rule.role in (role, ANY):
            definition.add_policy("p", "p", list(rule.values))
    return casbin.Enforcer(definition)
