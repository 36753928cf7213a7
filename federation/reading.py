"""Reading a manifest aloud: what a query asks, of whom, and what would leave each authority, in plain English."""

from collections.abc import Iterator, Sequence

from federation.manifest import Manifest
from federation.register import Member
from query_engine.plan import QueryPlan

SHOWN_ROSTER = 12
"""How many nodes of a roster are named before the rest are counted."""


def describe_manifest(manifest: Manifest, digest: str, plan: QueryPlan, asker: Member) -> str:
    """Return the page that an approver reads before signing."""
    return "\n".join(_lines(manifest, digest, plan, asker)) + "\n"


def _lines(manifest: Manifest, digest: str, plan: QueryPlan, asker: Member) -> Iterator[str]:
    dimensions = [f"{dimension.name} ({len(dimension.categories)})" for dimension in plan.dimensions]
    yield f"Query {manifest.query_id}"
    yield f"  digest       {digest}"
    yield f"  asked by     {asker.title} ({asker.id}), {asker.organisation}"
    yield f"  project      {manifest.project}"
    yield f"  purpose      {manifest.purpose}"
    yield f"  of           {describe_roster(manifest.roster)}"
    yield f"  about        {plan.table}, academic year {manifest.academic_year}"
    yield f"  shows        {', '.join(output.label for output in plan.outputs if output.kind != 'dimension')}"
    yield f"  by           {', '.join(['each authority', *dimensions])}: {plan.cells} cells an authority"
    yield f"  leaves by    {manifest.path}: each authority protects its own rows before they leave, and no"
    yield "               total across authorities is released"
    yield f"  protection   {manifest.preset}, version {manifest.preset_version}"
    yield f"  good until   {manifest.expires_at:%d %B %Y %H:%M} UTC"
    yield "  SQL          " + manifest.sql.replace("\n", "\n               ")


def describe_roster(roster: Sequence[str]) -> str:
    """Return the nodes of a roster in words, short ones in full."""
    named = ", ".join(roster[:SHOWN_ROSTER])
    more = len(roster) - SHOWN_ROSTER
    return f"{len(roster)} nodes: {named}" + (f" and {more} more" if more > 0 else "")
