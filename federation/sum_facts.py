"""From a manifest to what the protocol of secure sums has to know of it, the same at the hub and at every node."""

from federation.manifest import Manifest, Path
from federation.register import MemberKind, Register
from federation.secure_sum.facts import ManifestFacts, SumPath
from federation.standing_rosters import region_of
from query_engine.planning.capped_counts import figures_carried
from query_engine.planning.plan import QueryPlan


def state_facts(manifest: Manifest, digest: str, plan: QueryPlan, register: Register) -> ManifestFacts:
    """Return the facts of a manifest on a path of sums, whose plan has been derived from its SQL."""
    assert manifest.sum is not None  # read_manifest holds the path to it
    return ManifestFacts(
        digest=digest,
        query_id=manifest.query_id,
        path=SumPath(manifest.path.value),
        members=manifest.roster,
        threshold=manifest.sum.threshold,
        dropouts=manifest.sum.dropouts,
        cells=figures_carried(plan),
        gather_seconds=manifest.sum.gather_seconds,
        expires_at=manifest.expires_at,
        snapshot_term=manifest.snapshot_term,
        regions=name_regions(register) if manifest.path is Path.EXACT_SUM else {},
    )


def name_regions(register: Register) -> dict[str, str]:
    """Return the region of every node of the register; a node that is in none, or in several, has no entry."""
    nodes = ((member.id, region_of(member)) for member in register.members if member.kind is MemberKind.NODE)
    return {node: region for node, region in nodes if region}
