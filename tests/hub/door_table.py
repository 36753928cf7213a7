"""Every route of the hub's doors for software: whom it is for, who is turned away, and what becomes of nonsense."""

from dataclasses import dataclass

from federation.wire import MAX_BATCH_BYTES, MAX_DOCUMENT_BYTES

QUERY, LOOKUP = f"Q-{'0' * 16}", f"L-{'0' * 32}"


@dataclass(frozen=True)
class Door:
    """One route: whom it is for, who is turned away and how, and what becomes of an unknown id."""

    rule: str
    method: str
    path: str
    caller: str
    wrong_caller: str
    wrong: tuple[int, str]
    unknown: tuple[int, str] | None = None
    garbage: tuple[int, str] | None = None
    limit: int = MAX_DOCUMENT_BYTES

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


KIND, UNSEEN, MALFORMED = (403, "wrong_kind"), (404, "query_unknown"), (400, "malformed")
NO_LOOKUP = (404, "lookup_unknown")
LARGE = MAX_BATCH_BYTES

DOORS = (
    Door("/federation/inbox", "GET", "/federation/inbox", "node-301", "ana", KIND),
    Door("/federation/replies", "POST", "/federation/replies", "node-301", "ana", KIND, None, (400, "reply_malformed")),
    Door(
        "/federation/sealing-key",
        "PUT",
        "/federation/sealing-key",
        "node-301",
        "ana",
        KIND,
        None,
        (400, "sealing_key_malformed"),
    ),
    Door("/federation/budget", "PUT", "/federation/budget", "node-301", "ana", KIND, None, (400, "budget_malformed")),
    Door("/federation/witnessing", "POST", "/federation/witnessing", "node-301", "ana", KIND, None, MALFORMED),
    Door(
        "/api/budget/<project>/<academic_year>",
        "GET",
        "/api/budget/attendance/202425",
        "ana",
        "bea",
        (404, "project_unknown"),
    ),
    Door("/api/projects/<name>", "GET", "/api/projects/attendance", "ana", "bea", (404, "project_unknown")),
    Door("/federation/sealing-keys", "GET", "/federation/sealing-keys", "node-301", "ana", KIND),
    Door(
        "/federation/lookups", "POST", "/federation/lookups", "node-301", "cho", KIND, None, MALFORMED, MAX_BATCH_BYTES
    ),
    Door(
        "/federation/lookups/<lookup_id>/answer",
        "POST",
        f"/federation/lookups/{LOOKUP}/answer",
        "node-301",
        "hub",
        KIND,
        None,
        (400, "page_malformed"),
    ),
    Door("/federation/lookups/<lookup_id>", "GET", f"/federation/lookups/{LOOKUP}", "node-301", "eve", KIND, NO_LOOKUP),
    Door(
        "/federation/lookups/<lookup_id>", "DELETE", f"/federation/lookups/{LOOKUP}", "node-301", "ana", KIND, NO_LOOKUP
    ),
    Door("/federation/prekeys", "POST", "/federation/prekeys", "node-301", "ana", KIND, None, MALFORMED),
    Door("/federation/pairings", "POST", "/federation/pairings", "node-301", "ana", KIND, None, MALFORMED),
    Door(
        "/federation/dealings",
        "POST",
        "/federation/dealings",
        "node-301",
        "ana",
        KIND,
        None,
        MALFORMED,
        MAX_BATCH_BYTES,
    ),
    Door("/federation/complaints", "POST", "/federation/complaints", "node-301", "ana", KIND, None, MALFORMED),
    *(
        Door(
            f"/federation/sums/<digest>/{step}",
            "POST",
            f"/federation/sums/{'0' * 64}/{step}",
            "node-301",
            "hub",
            KIND,
            None,
            MALFORMED,
            MAX_BATCH_BYTES if step == "contribution" else MAX_DOCUMENT_BYTES,
        )
        for step in ("contribution", "survivors", "reveal", "abort")
    ),
    Door("/federation/manifests", "GET", "/federation/manifests", "node-301", "cho", KIND),
    Door("/federation/manifests/<query_id>", "GET", f"/federation/manifests/{QUERY}", "node-301", "cho", KIND, UNSEEN),
    Door(
        "/federation/manifests/<query_id>/approvals",
        "POST",
        f"/federation/manifests/{QUERY}/approvals",
        "node-301",
        "cho",
        KIND,
        None,
        MALFORMED,
    ),
    Door(
        "/federation/manifests/<query_id>/refusals",
        "POST",
        f"/federation/manifests/{QUERY}/refusals",
        "node-301",
        "cho",
        KIND,
        None,
        MALFORMED,
    ),
    *(
        Door(
            f"/api/queries/<query_id>/{act}",
            "POST",
            f"/api/queries/{QUERY}/{act}",
            "cho",
            "node-301",
            MALFORMED,
            None,
            MALFORMED,
        )
        for act in ("withdrawal", "refusal", "notice")
    ),
    Door("/api/runs", "POST", "/api/runs", "ana", "node-301", MALFORMED, None, MALFORMED),
    Door("/api/queries", "POST", "/api/queries", "ana", "node-301", (400, "malformed"), None, MALFORMED),
    Door("/api/dry-runs", "POST", "/api/dry-runs", "ana", "node-301", MALFORMED, None, MALFORMED),
    Door("/api/queries", "GET", "/api/queries", "ana", "", (200, "")),
    Door("/api/query-states", "GET", "/api/query-states", "ana", "", (200, "")),
    Door("/api/queries/<query_id>", "GET", f"/api/queries/{QUERY}", "ana", "node-301", UNSEEN, UNSEEN),
    Door(
        "/api/queries/<query_id>/manifest", "GET", f"/api/queries/{QUERY}/manifest", "ana", "node-301", UNSEEN, UNSEEN
    ),
    Door(
        "/api/queries/<query_id>/signatures",
        "POST",
        f"/api/queries/{QUERY}/signatures",
        "cho",
        "node-301",
        MALFORMED,
        None,
        MALFORMED,
    ),
    Door("/api/checks", "GET", "/api/checks", "gus", "ana", (403, "not_permitted")),
    Door(
        "/api/checks/<query_id>",
        "POST",
        f"/api/checks/{QUERY}",
        "gus",
        "ana",
        MALFORMED,
        None,
        MALFORMED,
    ),
    Door("/api/queries/<query_id>/proof", "GET", f"/api/queries/{QUERY}/proof", "ana", "node-301", UNSEEN, UNSEEN),
    Door("/api/queries/<query_id>/preset", "GET", f"/api/queries/{QUERY}/preset", "ana", "node-301", UNSEEN, UNSEEN),
    Door(
        "/api/releases/<cited>",
        "GET",
        f"/api/releases/R-{'0' * 16}",
        "ana",
        "node-301",
        (404, "release_unknown"),
        (404, "release_unknown"),
    ),
    Door(
        "/api/queries/<query_id>/refusals", "GET", f"/api/queries/{QUERY}/refusals", "ana", "node-301", UNSEEN, UNSEEN
    ),
    Door(
        "/api/queries/<query_id>/foreseen-check",
        "GET",
        f"/api/queries/{QUERY}/foreseen-check",
        "ana",
        "node-301",
        UNSEEN,
        UNSEEN,
    ),
    Door("/api/queries/<query_id>/release", "GET", f"/api/queries/{QUERY}/release", "ana", "node-301", UNSEEN, UNSEEN),
)

OPEN_TO_ALL = "GET /federation/register"
