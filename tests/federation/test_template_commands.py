"""`circe query template`: from a file that its asker makes to a run that is signed, and nothing signed beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path as FilePath
from typing import cast

import msgspec
import pytest
from click.testing import CliRunner

import federation.client
from disclosure_control.presets.shipped import list_presets
from federation.cli import run
from federation.client import FederationClient
from federation.commands.query import query
from federation.envelope import Signature, write_envelope
from federation.exchange import ForeseenCheck, QueryState, QueryStatus, RunDraft
from federation.hub_line import HubRefused, HubUnreachable
from federation.keys import save_keys
from federation.manifest import Manifest
from federation.problems import Problem
from federation.project import Project
from federation.register import public_text
from federation.state import Party, make_profile, write_file
from federation.template import read_template
from federation.template_making import load_template
from federation.transport import HubConnection
from tests.federation.cast import (
    NOW,
    PEOPLE,
    ROOT,
    make_keys,
    make_register,
    sign_manifest,
    write_register,
)
from tests.federation.template_cast import TEMPLATE_SQL, make_run
from tests.projects import make_project

SEX, YEAR = "sex='F'", "year=202425"
MAKE = ("--project", "attendance-2025", "--purpose", "Children in care by key stage", "--term", "202425-summer")
RUN = ("run", "--term", "202425-summer", "--choose", SEX, "--choose", YEAR)
LISTS = ("--parameter", SEX, "--parameter", "sex='M'", "--parameter", YEAR)


class StandIn:
    """Stands where a member's connection does: it hands out the register, and a run with whatever is spoilt in it."""

    def __init__(self) -> None:
        self.spoil: Callable[[Manifest], Manifest] = lambda manifest: manifest
        self.signatures: list[Signature] = []
        self.foreseen: Callable[[], str] = lambda: ""
        self.drafted: Manifest | None = None

    def fetch_register(self) -> bytes:
        return write_register(make_register())

    def fetch_project(self, name: str) -> Project:
        return make_project(name, ["ana@ucl"], list_presets())

    def draft_run(self, draft: RunDraft) -> QueryStatus:
        run = make_run(read_template(draft.template), draft.choices, draft.template)
        issued = NOW
        run = msgspec.structs.replace(
            run,
            issued_at=issued,
            expires_at=issued + timedelta(hours=draft.valid_hours),
            snapshot_term=draft.snapshot_term,
        )
        self.drafted = self.spoil(run)
        return self._status(self.drafted.query_id)

    def fetch_manifest(self, _: str) -> bytes:
        assert self.drafted is not None
        return write_envelope(sign_manifest(self.drafted))

    def fetch_foreseen_check(self, _: str) -> ForeseenCheck:
        return ForeseenCheck(reason=self.foreseen())

    def send_signature(self, query_id: str, signature: Signature) -> QueryStatus:
        self.signatures.append(signature)
        return self._status(query_id)

    def close(self) -> None:
        """Nothing is open."""

    def _status(self, query_id: str) -> QueryStatus:
        return QueryStatus(
            query_id=query_id,
            state=QueryState.RUNNING,
            project="",
            asker="",
            purpose="",
            sql="",
            manifest_digest="",
            plan_id="",
            cells=1,
            signers=(),
            expires_at=NOW,
            nodes=(),
        )


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The hub that every member's command talks to."""
    stand_in = StandIn()

    @contextmanager
    def connect(state: FilePath) -> Iterator[FederationClient]:
        party = Party(state, make_profile(**profile_of(state.name)))
        yield FederationClient(party, cast(HubConnection, stand_in), lambda: NOW)

    monkeypatch.setattr(federation.client, "connect", connect)
    return stand_in


def profile_of(member: str) -> dict[str, object]:
    kind, organisation, organisation_kind = PEOPLE[member]
    return {
        "member_id": member,
        "kind": kind,
        "title": member,
        "organisation": organisation,
        "organisation_kind": organisation_kind,
        "operator": organisation,
        "authorities": (),
        "hub": "https://hub.example",
    }


@pytest.fixture
def people(tmp_path: FilePath) -> FilePath:
    """A directory with each member's own, the root pinned in it."""
    for member in PEOPLE:
        state = tmp_path / member
        state.mkdir(mode=0o700)
        save_keys(make_keys(member), state)
        write_file(state / "root.pub", public_text(ROOT.public_key).encode())
    return tmp_path


def circe(people: FilePath, member: str, *words: str) -> int:
    """Run a command of `circe query template` as a member; `make` and `run` need nobody to say yes."""
    verb, *more = words
    return run(["query", "template", verb, "--state", str(people / member), *more])


def make(people: FilePath, *more: str) -> FilePath:
    path = people / "template.json"
    assert circe(people, "ana@ucl", "make", *MAKE, *LISTS, "--out", str(path), *more, TEMPLATE_SQL) == 0
    return path


def make_approved(people: FilePath) -> FilePath:
    path = make(people)
    for officer in ("officer@la-203", "officer@dfe"):
        assert circe(people, officer, "approve", "--yes", str(path)) == 0
    return path


def test_a_template_goes_from_its_asker_by_its_approvers_to_a_run(
    hub: StandIn, people: FilePath, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(people)
    assert load_template(path).signers == ("ana@ucl",)
    assert capfd.readouterr().out.startswith("T-")
    for officer in ("officer@la-203", "officer@dfe"):
        assert circe(people, officer, "approve", "--yes", str(path)) == 0
        assert "2 questions, each planned here" in capfd.readouterr().err
    assert circe(people, "lou@dfe", "show", str(path)) == 0
    shown = capfd.readouterr().out
    assert "ana@ucl, officer@la-203, officer@dfe" in shown
    assert "{sex}" in shown
    assert circe(people, "ana@ucl", "run", "--term", "202425-summer", "--choose", SEX, "--choose", YEAR, str(path)) == 0
    assert [signature.keyid for signature in hub.signatures] == ["ana@ucl"]


def answer_as_before() -> str:
    raise HubRefused(Problem(status=404, title="", detail="There is no page at this address", code="not_found"))


def vanish() -> str:
    raise HubUnreachable("the hub does not answer")


ITS_WORDS = "The hub says of it:\n"

FORESEEN: dict[str, tuple[Callable[[], str], str]] = {
    "nothing": (lambda: "", ""),
    "it will wait": (lambda: "its total will wait", f"{ITS_WORDS}| its total will wait\n"),
    "words that would pass for ours": (lambda: "\x1b[2Jnothing\nDigest 0f", f"{ITS_WORDS}| ?[2Jnothing\n| Digest 0f\n"),
    "a hub of the version before": (answer_as_before, ""),
    "no answer": (vanish, ""),
}


@pytest.mark.parametrize(("foreseen", "said"), FORESEEN.values(), ids=FORESEEN)
def test_whoever_runs_it_is_told_what_it_will_wait_for(
    hub: StandIn, people: FilePath, capfd: pytest.CaptureFixture[str], foreseen: Callable[[], str], said: str
) -> None:
    """Beside its id, which is printed whether the hub foresees anything or not."""
    path = make_approved(people)
    capfd.readouterr()
    hub.foreseen = foreseen
    assert circe(people, "ana@ucl", *RUN, str(path)) == 0
    told = capfd.readouterr()
    assert (told.out[:2], told.err) == ("Q-", said)


@pytest.mark.parametrize(("foreseen", "said"), FORESEEN.values(), ids=FORESEEN)
def test_whoever_signs_a_draft_is_told_before_they_do(
    hub: StandIn, people: FilePath, foreseen: Callable[[], str], said: str
) -> None:
    """Between what they sign, as their own software reads it, and the question whether they do."""
    assert circe(people, "ana@ucl", *RUN, str(make_approved(people))) == 0
    assert hub.drafted is not None
    hub.signatures.clear()
    hub.foreseen = foreseen
    words = ["sign", "--state", str(people / "ana@ucl"), hub.drafted.query_id]
    done = CliRunner().invoke(query, words, input="y\n", catch_exceptions=False)
    assert done.exit_code == 0
    assert f"{said}Submit it? [y/N]" in done.stderr
    assert done.stderr.count(ITS_WORDS) == bool(said)
    assert [signature.keyid for signature in hub.signatures] == ["ana@ucl"]


def test_an_unapproved_template_is_not_run(hub: StandIn, people: FilePath) -> None:
    path = make(people)
    assert circe(people, "officer@dfe", "approve", "--yes", str(path)) == 0
    words = ("run", "--term", "202425-summer", "--choose", SEX, "--choose", YEAR, str(path))
    assert circe(people, "ana@ucl", *words) == 4
    assert hub.signatures == []


SPOILT: dict[str, dict[str, object]] = {
    "another question": {"sql": "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425"},
    "another term": {"snapshot_term": "202425-autumn"},
    "for longer": {"expires_at": NOW + timedelta(hours=25)},
    "another plan": {"plan_id": "plan-" + "0" * 32},
    "another choice": {"choices": ()},
}


@pytest.mark.parametrize("changes", SPOILT.values(), ids=SPOILT)
def test_no_run_is_signed_but_the_one_that_was_asked_for(
    hub: StandIn, people: FilePath, changes: dict[str, object]
) -> None:
    path = make(people)
    for officer in ("officer@la-203", "officer@dfe"):
        assert circe(people, officer, "approve", "--yes", str(path)) == 0
    hub.spoil = lambda manifest: msgspec.structs.replace(manifest, **changes)
    words = ("run", "--term", "202425-summer", "--choose", SEX, "--choose", YEAR, str(path))
    assert circe(people, "ana@ucl", *words) == 4
    assert hub.signatures == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--parameter", "sex"), 2),
        (("--preset", "no_such_preset"), 2),
        (("--preset", "ukllc"), 4),
        (("--roster", "the-north"), 4),
        (("--path", "noisy_sum"), 4),
        (("--noise", "skellam"), 4),
        (("--parameter", "year=wages"), 4),
        (("--parameter", "sex='F' OR 1 = 1"), 4),
    ],
    ids=str,
)
def test_what_is_no_template_is_not_written(hub: StandIn, people: FilePath, more: tuple[str, ...], code: int) -> None:
    path = people / "template.json"
    words = (*MAKE, *LISTS, *more, "--out", str(path), TEMPLATE_SQL)
    assert circe(people, "ana@ucl", "make", *words) == code
    assert not path.exists()
    assert hub.signatures == []


def test_a_template_of_noisy_sums_says_what_its_noise_is_made_of(
    hub: StandIn, people: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(people, "--path", "noisy_sum", "--epsilon", "0.5", "--noise", "skellam", "--colluders", "1")
    template = read_template(load_template(path))
    assert (template.terms.epsilon, template.terms.mechanism) == ("0.5", "skellam")
    capsys.readouterr()
    assert circe(people, "officer@dfe", "show", str(path)) == 0
    read = " ".join(capsys.readouterr().out.split())
    assert "it is made of Skellam shares, so that holds but for a chance of 1e-09" in read


def test_a_template_is_signed_only_with_the_digest_that_was_read_out(hub: StandIn, people: FilePath) -> None:
    path = make(people)
    before = path.read_bytes()
    assert circe(people, "officer@dfe", "approve", "--yes", "--digest", "0" * 64, str(path)) == 4
    assert path.read_bytes() == before
    assert hub.signatures == []
