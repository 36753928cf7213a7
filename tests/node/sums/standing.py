"""Standing questions of these tests: a template as its asker and two organisations signed it, and signed runs of it."""

import secrets
from datetime import timedelta

import msgspec

from disclosure_control.presets.shipped import list_presets
from federation.envelope import Envelope, seal_envelope, write_envelope
from federation.manifest import MANIFEST_TYPE, Choice, Manifest, Path, write_manifest
from federation.plans import derive_plan
from federation.sum_terms import make_exact_terms
from federation.template import TEMPLATE_TYPE, Template, bind_run, template_digest, write_question
from federation.template_making import make_template
from federation.wire import encode_document
from query_engine.refusal import QueryRefused
from tests.projects import make_project
from tests.small_federation import SmallFederation

SQL = (
    "SELECT key_stage, COUNT(DISTINCT child) AS children FROM child_year "
    "WHERE academic_year = 202425 AND sex = {sex} AND counted_here GROUP BY key_stage"
)
GIRLS, BOYS = ((Choice(parameter="sex", value=value),) for value in ("'F'", "'M'"))


class Standing:
    """A template of a wide federation, and its runs."""

    def __init__(self, federation: SmallFederation, **changes: object) -> None:
        self.federation = federation
        template = make_template(
            project=make_project(askers=["ana@ucl", "rae@la-316"], presets=list_presets()),
            asker="ana@ucl",
            purpose="A standing question of the tests",
            sql=SQL,
            parameters={"sex": ("'F'", "'M'")},
            snapshot_terms=("202425-summer",),
            path=Path.EXACT_SUM,
            roster="england",
            preset="ons_10_5",
            most_runs=5,
            days=100,
            register_version=1,
            now=federation.clock() - timedelta(minutes=1),
        )
        self.template: Template = msgspec.structs.replace(template, **changes)
        self.envelope = self.sign_template()

    def sign_template(self, *signers: str) -> Envelope:
        """The template as approved, or as those named signed it."""
        named = signers or ("ana@ucl", "officer@la-203", "officer@dfe")
        keys = [self.federation.party(signer).keys for signer in named]
        return seal_envelope(encode_document(self.template), TEMPLATE_TYPE, *keys)

    def run(self, choices: tuple[Choice, ...] = GIRLS, roster: tuple[str, ...] = (), **changes: object) -> Manifest:
        """A run as an honest hub would write it, with whatever the test wants different."""
        members = roster or self.federation.roster
        base = self.federation.manifest()
        try:
            plan_id = derive_plan(write_question(self.template, choices), self.template.path).plan_id
        except QueryRefused:
            plan_id = base.plan_id  # a question that no node plans: the test says how it is refused
        free = msgspec.structs.replace(
            base,
            nonce=secrets.token_hex(32),
            plan_id=plan_id,
            choices=choices,
            roster=members,
            sum=make_exact_terms(len(members)),
        )
        bound = bind_run(self.template, template_digest(self.envelope), free)
        return msgspec.structs.replace(bound, **changes)

    def sign(self, run: Manifest, signer: str = "ana@ucl") -> bytes:
        """A run, signed by its asker alone."""
        return write_envelope(seal_envelope(write_manifest(run), MANIFEST_TYPE, self.federation.party(signer).keys))
