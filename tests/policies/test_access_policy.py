"""The wrapper around Casbin: each of the library's ways of allowing too much, and that it does not pass here."""

import hashlib
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import casbin
import pytest

from policies.access_policy import ENFORCING, MATRIX, MODEL, AccessDenied, AccessPolicy, AccessRequest, DenialCode
from policies.linter import PolicyInvalid, lint_model

PolicyFile = Callable[..., Path]

MODEL_TEXT = MODEL.read_text()
SUBMIT = ("researcher", "federation", "submit", "manifest")
ALLOW = "p, " + ", ".join(SUBMIT) + ", allow"


def bare_casbin(tmp_path: Path, model: str, policy: str) -> casbin.Enforcer:
    """What Casbin alone makes of the same text: the trap that the wrapper is there for."""
    model_path, policy_path = tmp_path / "bare.conf", tmp_path / "bare.csv"
    model_path.write_text(model)
    policy_path.write_text(policy)
    return casbin.Enforcer(str(model_path), str(policy_path))


def test_an_empty_policy_does_not_allow_an_empty_request(tmp_path: Path, policy_file: PolicyFile) -> None:
    """Casbin binds the missing rule to empty strings, which equal an empty request."""
    equals = "r.role == p.role && r.relation == p.relation && r.action == p.action && r.field_group == p.field_group"
    model = MODEL_TEXT[: MODEL_TEXT.index("m = ")] + f"m = {equals}\n"
    assert bare_casbin(tmp_path, model, "").enforce("", "", "", "") is True
    with pytest.raises(PolicyInvalid, match="holds no rule"):
        AccessPolicy.load(policy_file(""))


def test_an_empty_policy_with_a_pattern_matcher_does_not_allow_all(tmp_path: Path) -> None:
    """An empty pattern matches everything, so Casbin with no rules allows everything."""
    model = MODEL_TEXT[: MODEL_TEXT.index("m = ")] + "m = regexMatch(r.field_group, p.field_group)\n"
    assert bare_casbin(tmp_path, model, "").enforce(*SUBMIT) is True
    with pytest.raises(PolicyInvalid, match="more than compare"):
        lint_model(model, "model.conf")


def test_an_empty_policy_with_a_deny_only_effect_does_not_allow_all(tmp_path: Path) -> None:
    """`!some(deny)` alone allows whatever nobody thought of."""
    model = MODEL_TEXT.replace("some(where (p.eft == allow)) && ", "")
    assert bare_casbin(tmp_path, model, "").enforce(*SUBMIT) is True
    with pytest.raises(PolicyInvalid, match="is not what Circe relies on"):
        lint_model(model, "model.conf")


def test_a_pattern_matcher_does_not_take_a_prefix_for_the_word(tmp_path: Path) -> None:
    """Casbin's regexMatch is re.match: a right to `plan` would be a right to `plan_pep`."""
    model = MODEL_TEXT.replace('p.field_group in (r.field_group, "*")', "regexMatch(r.field_group, p.field_group)")
    bare = bare_casbin(tmp_path, model, "p, node, home, read, plan, allow")
    assert bare.enforce("node", "home", "read", "plan_pep") is True
    with pytest.raises(PolicyInvalid, match="more than compare"):
        lint_model(model, "model.conf")


def test_dent_for_deny_is_not_ignored(tmp_path: Path, policy_file: PolicyFile) -> None:
    """Casbin skips an effect it does not know, so the allow beside it stands."""
    policy = f"{ALLOW}\n{ALLOW.replace('allow', 'dent')}\n"
    assert bare_casbin(tmp_path, MODEL_TEXT, policy).enforce(*SUBMIT) is True
    with pytest.raises(PolicyInvalid, match="unknown effect 'dent'"):
        AccessPolicy.load(policy_file(policy))


def test_px_for_p_is_not_ignored(tmp_path: Path, policy_file: PolicyFile) -> None:
    """Casbin skips a rule type it does not know, and with it the denial it holds."""
    policy = f"{ALLOW}\npx{ALLOW.replace('allow', 'deny')[1:]}\n"
    assert bare_casbin(tmp_path, MODEL_TEXT, policy).enforce(*SUBMIT) is True
    with pytest.raises(PolicyInvalid, match="rule type is not 'p'"):
        AccessPolicy.load(policy_file(policy))


def test_a_short_rule_fails_at_load(tmp_path: Path, policy_file: PolicyFile) -> None:
    """Casbin loads it, and fails only when somebody asks."""
    policy = "p, researcher, federation, submit\n"
    bare = bare_casbin(tmp_path, MODEL_TEXT, policy)
    with pytest.raises(RuntimeError, match="invalid policy size"):
        bare.enforce(*SUBMIT)
    with pytest.raises(PolicyInvalid, match="has 3 values where 5 belong"):
        AccessPolicy.load(policy_file(policy))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", DenialCode.EMPTY_VALUE),
        ("*", DenialCode.UNKNOWN_VALUE),
        ("Researcher", DenialCode.UNKNOWN_VALUE),
        (" federation", DenialCode.UNKNOWN_VALUE),
        (None, DenialCode.UNKNOWN_VALUE),
        (["submit"], DenialCode.UNKNOWN_VALUE),
        ("Ann Example 01/02/2010", DenialCode.UNKNOWN_VALUE),
    ],
)
def test_an_empty_or_unknown_value_is_denied_before_casbin_is_asked(
    place: int, value: object, code: DenialCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The denial says which value, lists the known words, and does not repeat what was sent."""
    policy = AccessPolicy.load()
    monkeypatch.setattr(policy, "_enforcers", None)
    values: list[object] = list(SUBMIT)
    values[place] = value
    with pytest.raises(AccessDenied, match="send one of: ") as denial:
        policy.check(AccessRequest(*values))  # type: ignore[arg-type]
    assert denial.value.code is code
    assert "Ann" not in denial.value.text


def test_a_disabled_enforcer_does_not_allow() -> None:
    """Casbin's `enable_enforce(False)` answers yes to everything, but names no rule."""
    policy = AccessPolicy.load()
    policy._enforcers["node"].enable_enforce(False)
    assert policy._enforcers["node"].enforce("node", "home", "read", "identity") is True
    with pytest.raises(AccessDenied):
        policy.check(AccessRequest("node", "home", "read", "identity"))


def test_one_thread_at_a_time_asks_casbin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once now and then end in an error of the parser of CPython 3.11: a denial to somebody who may."""
    seen = []

    def decide(*_: object) -> tuple[bool, list[str]]:
        seen.append(ENFORCING.locked())
        return True, ["allow"]

    monkeypatch.setattr(casbin.Enforcer, "enforce_ex", decide)
    AccessPolicy.load().check(AccessRequest("approver", "federation", "read", "manifest"))
    assert seen == [True]
    assert not ENFORCING.locked()


def test_what_is_decided_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded policy does not change: not what it allows, and not what it denies."""
    policy, seen = AccessPolicy.load(), list[tuple[str, ...]]()
    decide = casbin.Enforcer.enforce_ex

    def note(enforcer: casbin.Enforcer, *values: str) -> object:
        seen.append(values)
        return decide(enforcer, *values)

    monkeypatch.setattr(casbin.Enforcer, "enforce_ex", note)
    denied = ("researcher", "home", "read", "identity")
    for _ in range(2):
        policy.check(AccessRequest(*SUBMIT))
        with pytest.raises(AccessDenied, match="the role researcher may not read identity by the relation home"):
            policy.check(AccessRequest(*denied))
    assert seen == [SUBMIT, denied]


def test_an_error_inside_casbin_is_a_denial(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = AccessPolicy.load()

    def fail(*values: str) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(policy._enforcers["researcher"], "enforce_ex", fail)
    with pytest.raises(AccessDenied) as denial:
        policy.check(AccessRequest(*SUBMIT))
    assert denial.value.code is DenialCode.POLICY_FAILED
    assert "out of order" not in denial.value.text


def test_a_denial_that_came_of_an_error_does_not_last(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = AccessPolicy.load()
    with monkeypatch.context() as patched:
        patched.setattr(policy._enforcers["researcher"], "enforce_ex", lambda *_: 1 / 0)
        with pytest.raises(AccessDenied, match="policy_failed"):
            policy.check(AccessRequest(*SUBMIT))
    policy.check(AccessRequest(*SUBMIT))


@pytest.mark.parametrize("order", [1, -1], ids=["allow first", "deny first"])
def test_a_denial_beats_an_allow_wherever_it_stands(policy_file: PolicyFile, order: int) -> None:
    lines = [ALLOW, "p, *, *, submit, *, deny"][::order]
    policy = AccessPolicy.load(policy_file("\n".join(lines)))
    with pytest.raises(AccessDenied) as denial:
        policy.check(AccessRequest(*SUBMIT))
    assert denial.value.code is DenialCode.NOT_PERMITTED
    assert denial.value.text == "the role researcher may not submit manifest by the relation federation"


def test_the_version_names_the_exact_bytes_of_model_and_policy(policy_file: PolicyFile) -> None:
    """The same files give the same version; one comment more gives another."""
    policy = AccessPolicy.load()
    assert policy.version == hashlib.sha256(MODEL.read_bytes() + b"\0" + MATRIX.read_bytes()).hexdigest()
    assert AccessPolicy.load(policy_file(append="# reviewed")).version != policy.version


def test_decisions_are_not_written_to_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """The audit log records who asked; Casbin's own logger stays silent."""
    with caplog.at_level(logging.DEBUG):
        AccessPolicy.load().check(AccessRequest(*SUBMIT))
    assert not [record for record in caplog.records if record.getMessage().startswith("Request")]


def test_importing_the_room_does_not_import_casbin() -> None:
    """The command line starts fast because Casbin is imported when a policy is loaded, not before."""
    program = "import sys, policies.access_policy; sys.exit('casbin' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
