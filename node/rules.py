"""An authority's own rules: what it lets out, to whom and how often. They can be stricter than the federation, never
looser, and no message can change them."""

import tomllib
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from shutil import copyfile
from typing import Annotated

import msgspec

from disclosure_control.noise.terms import Mechanism
from federation.lookups import ChildFile, ChildRecord, LookupKind
from federation.manifest import Manifest
from federation.manifest import Path as LeavingPath
from federation.register_reader import identify_file
from federation.secure_sum.rosters import Floors
from federation.state import StateError
from federation.wire import Digest, convert_value
from policies.names import Role

RULES_FILE = "rules.toml"
PACKAGED = Path(__file__).with_name(RULES_FILE)


class Decision(StrEnum):
    """What becomes of a lookup before the access policy is asked about it."""

    ANSWER = "answer"
    HOLD = "hold"
    """It waits until one of this authority's own officers has decided."""
    REFUSE = "refuse"


class LookupRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What other authorities may look up here: per kind or per kind and role, what becomes of a request.

    Whatever is answered, the access policy decides which fields of whom, less the `withheld` ones.
    """

    placed_here: bool
    contact: str
    decide: dict[str, Decision] = {}
    withheld: frozenset[str] = frozenset()
    most_searches_a_day: Annotated[int, msgspec.Meta(ge=0)] = 50
    handovers: bool = True
    emergencies: bool = True
    most_emergencies_a_day: Annotated[int, msgspec.Meta(ge=0)] = 3

    def __post_init__(self) -> None:
        known = set(LookupKind) | {f"{kind}.{role}" for kind in LookupKind for role in Role}
        if unknown := sorted(set(self.decide) - known):
            raise ValueError(f'[lookups.decide] does not know {unknown[0]!a}: it is a kind, or "kind.role"')
        if unknown := sorted(self.withheld - _TOLD):
            raise ValueError(f"withheld does not know the field {unknown[0]!a}")

    def decision(self, kind: LookupKind, role: str) -> Decision:
        """What becomes of a request; the line for a role goes before that of the kind, and no line is an answer."""
        if kind is LookupKind.PLACED_HERE and not self.placed_here:
            return Decision.REFUSE
        return self.decide.get(f"{kind}.{role}", self.decide.get(kind, Decision.ANSWER))


_TOLD = frozenset({*ChildRecord.__struct_fields__, *ChildFile.__struct_fields__})
"""Every field that a lookup can tell of."""


class HoldRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which approved queries wait for one of our own officers before anything is run for them."""

    all: bool = False
    paths: frozenset[LeavingPath] = frozenset()
    projects: frozenset[str] = frozenset()
    templates: frozenset[Digest] = frozenset()

    def holds(self, manifest: Manifest) -> bool:
        """Whether a query waits: by what was approved of it, and never by data."""
        named = manifest.path in self.paths or manifest.project.name in self.projects
        return self.all or named or manifest.template in self.templates


class ClaimRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What home authorities may claim here, and how often."""

    answer: bool
    most_children_per_authority: Annotated[int, msgspec.Meta(ge=0)]
    most_claims_a_day: Annotated[int, msgspec.Meta(ge=0)]


EngineAddress = Annotated[str, msgspec.Meta(pattern=r"^(duckdb|postgres(ql)?://\S+|spark://\S+|spark:local\[\d+\])\Z")]
LoaderAddress = Annotated[str, msgspec.Meta(pattern=r"^(postgres(ql)?://\S+)?\Z")]


class EngineRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where plans are run, and for a PostgreSQL server as whom its copies of snapshots are made."""

    url: EngineAddress = "duckdb"
    loader: LoaderAddress = ""

    def __post_init__(self) -> None:
        if self.on_postgres != bool(self.loader):
            raise ValueError("an engine on a PostgreSQL server has a loader, and no other has one")

    def __repr__(self) -> str:
        # An address can hold a password.
        return f"EngineRules({self.url.partition(':')[0]})"

    @property
    def on_postgres(self) -> bool:
        """Whether plans are run on a PostgreSQL server."""
        return self.url.startswith("postgres")


Decimals = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?\Z")]
Part = Annotated[str, msgspec.Meta(pattern=r"^(0|1|[1-9][0-9]{0,2}/[1-9][0-9]{0,2})\Z")]


class SumRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On what terms this authority takes part in sums over many nodes."""

    presets: frozenset[str]
    smallest_roster: int
    least_threshold: Part
    fewest_reaching: int
    most_dropouts: Part
    least_colluders: Part
    most_epsilon: Decimals
    most_epsilon_per_year: Decimals
    most_epsilon_per_project: Decimals = "5"
    noise: tuple[Mechanism, ...] = ("polya",)

    def __post_init__(self) -> None:
        self.floors  # noqa: B018 - raises where the floors are none

    @property
    def floors(self) -> Floors:
        """The floors of rosters and thresholds. Raises `ValueError` for ones under the federation's own."""
        if self.fewest_reaching < LEAST_REACHING:
            raise ValueError(f"fewest_reaching is at least {LEAST_REACHING}")
        return Floors(self.smallest_roster, Fraction(self.least_threshold))


LEAST_REACHING = 5
"""Operators that must be able to reach each cell of an exact sum, whatever the rules say."""


class CellKeyRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds for presets that change counts by cell keys."""

    floor: str = "ons_cell_key"
    answers_per_year: Annotated[int, msgspec.Meta(ge=0)] = 4


class CodesSignIn(StrEnum):
    """What a one-time code is good for besides enrolling a passkey."""

    NEVER = "never"
    UNTIL_PASSKEY = "until_passkey"
    ALWAYS = "always"


PagesAddress = Annotated[
    str,
    msgspec.Meta(pattern=r"^(https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?)\Z"),
]
"""Passkeys belong to a domain: they work at no number, and without TLS on this machine alone."""


class PagesRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How this authority's people sign in at its pages, and how much they may look up."""

    address: PagesAddress = "http://localhost:8401"
    codes_sign_in: CodesSignIn = CodesSignIn.UNTIL_PASSKEY
    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 30
    longest_minutes: Annotated[int, msgspec.Meta(ge=1, le=480)] = 480
    code_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 30
    most_lookups_an_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200

    @property
    def domain(self) -> str:
        """The domain that passkeys are for."""
        return self.address.partition("://")[2].partition(":")[0]


class TrackingRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the tracking record holds targets to."""

    acceleration: Decimals = "0.5"


class FigureRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether our own people see figures of our children at the node's pages, and under which preset."""

    shown: bool = True
    preset: str = "opensafely"
    seconds: Annotated[int, msgspec.Meta(ge=1, le=120)] = 20
    exact_sum_years: frozenset[int] = frozenset()


class SubjectRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a record of disclosures says to the parent or young person it is given to."""

    tell_held_back: bool = False


class NodeRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules of one node; `node/rules.toml` says what each means."""

    paths: frozenset[str]
    presets: frozenset[str]
    floor: str
    tables: frozenset[str]
    barred_columns: frozenset[str]
    smallest_roster: int
    questions_per_year: int
    snapshots_per_term: Annotated[int, msgspec.Meta(ge=1)] = 1
    terms_per_year: Annotated[int, msgspec.Meta(ge=1)] = 3
    lookups: LookupRules
    claims: ClaimRules
    sums: SumRules
    hold: HoldRules = HoldRules()
    engine: EngineRules = EngineRules()
    cell_keys: CellKeyRules = CellKeyRules()
    pages: PagesRules = PagesRules()
    tracking: TrackingRules = TrackingRules()
    figures: FigureRules = FigureRules()
    subjects: SubjectRules = SubjectRules()


def write_default_rules(directory: Path) -> None:
    """Put the packaged rules into a new node's directory, for its officers to edit."""
    copyfile(PACKAGED, directory / RULES_FILE)


@lru_cache(maxsize=1024)
def _read_rules(path: Path, _identity: tuple[int, ...]) -> NodeRules:
    # Each version of a file is read once. It is identified before it is read: exchanged in between, it is read again.
    return convert_value(tomllib.loads(path.read_text()), NodeRules)


def load_rules(directory: Path) -> NodeRules:
    """Return a node's rules as its file has them now.

    Raises `StateError` for a missing file, an unknown rule or a value of the wrong type.
    """
    path = directory / RULES_FILE
    try:
        return _read_rules(path, identify_file(path))
    except OSError:
        raise StateError(f"{path} is missing: copy the packaged rules and edit them") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise StateError(f"{path} cannot be used, so nothing is answered: {error}") from None
