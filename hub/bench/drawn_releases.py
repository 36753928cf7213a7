"""Releases to measure with: questions about the same children, and the documents of what answers them.

Each question groups by two other columns, so that they share their totals and nothing else.
"""

from datetime import UTC, datetime
from itertools import combinations
from random import Random

from disclosure_control.presets.preset import Preset
from disclosure_control.release.gate import release_tables
from disclosure_control.rows.protected_table import ProtectedTable
from federation.envelope import seal_envelope
from federation.exchange import ReleaseDocument
from federation.manifest import REPLY_TYPE, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.wire import encode_document, whole_seconds
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan

__all__ = ["CHILDREN", "draw_plans", "list_authorities", "write_release"]

COLUMNS = (
    *("sex", "ethnicity_major", "sen_provision", "key_stage", "placement_type", "fsm_status"),
    *("need", "legal_status", "age", "school_type", "year_group", "placement_provider"),
)
CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"

QUERY, NO_DIGEST = "Q-" + "0" * 16, "0" * 64
MOMENT = datetime(2025, 10, 1, tzinfo=UTC)


def list_authorities() -> tuple[str, ...]:
    """The codes of all authorities."""
    return tuple(map(str, load_catalogue().table("child_year").columns["home_authority"].domain or ()))


def draw_plans(count: int, path: Path) -> list[QueryPlan]:
    """So many questions."""
    pairs = list(combinations(COLUMNS, 2))
    Random(1).shuffle(pairs)  # noqa: S311 - the same questions each time
    named = (", ".join(pair) for pair in pairs[:count])
    return [derive_plan(f"SELECT {each}, COUNT(*) AS n {CHILDREN} GROUP BY {each}", path) for each in named]


def write_release(name: str, plan: QueryPlan, preset: Preset, tables: dict[str, ProtectedTable]) -> bytes:
    """The document of a release of rows, with all that nodes have said, though nobody has signed it."""
    released = release_tables(tables, {}, plan, preset)
    return encode_document(
        ReleaseDocument(
            release_id=name,
            query_id=QUERY,
            manifest_digest=NO_DIGEST,
            sql="",
            purpose="",
            released_at=whole_seconds(MOMENT),
            table=released.to_json(),
            nodes=(),
            replies=tuple(
                seal_envelope(encode_document(_reply(code, table)), REPLY_TYPE) for code, table in tables.items()
            ),
            opening=None,
            checkpoint="",
        )
    )


def _reply(authority: str, table: ProtectedTable) -> Reply:
    return Reply(
        manifest_digest=NO_DIGEST,
        query_id=QUERY,
        node=f"node-{authority}",
        authority=authority,
        outcome=Outcome.ANSWERED,
        code="",
        text="",
        snapshot="202425-drawn",
        register_version=1,
        answered_at=whole_seconds(MOMENT),
        table=table.to_wire(),
    )
