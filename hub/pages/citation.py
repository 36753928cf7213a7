"""The page of a release by its id, which is what is cited: it stays at its address, whatever becomes of the release.

It is for whoever has the id, which cannot be guessed: the asker, who passes it on, and their readers. It says what the
release is of, how it came about, whether it still stands, and how to prove it. Its figures are for members who have
signed in and may have safe aggregates, and for whoever its asker hands the document to.
"""

from dataclasses import dataclass

from flask import Blueprint, render_template

from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from federation.exchange import ReleaseDocument
from federation.log_proofs import digest_release
from federation.problems import ProblemRaised
from federation.release_files.provenance import cite_release
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.pages.visitor import find_visitor, the_hub
from hub.queries import find_for_release
from hub.standing import find_ending

citation = Blueprint("citation", __name__)


@dataclass(frozen=True)
class Standing:
    """How a release came about, for a reader who has no figures of it."""

    answered: int
    asked: int
    preset: str
    noise: str
    method: tuple[str, ...]


@citation.get("/releases/<release_id>")
def show_citation(release_id: str) -> str:
    """Show what a release is, to whoever has its id."""
    document = find_by_id(release_id)
    return render_template(
        "citation.html",
        document=document,
        cited=cite_release(document),
        address=f"{the_hub().party.profile.hub}/releases/{document.release_id}",
        digest=digest_release(document),
        standing=describe_standing(document),
        notice=find_ending(the_hub(), document.query_id),
        may_read=_may_read(document.query_id),
    )


def find_by_id(release_id: str) -> ReleaseDocument:
    """The release document of that id. Raises a 404 problem."""
    row = (
        the_hub()
        .database.connection.execute("SELECT document FROM releases WHERE release_id = ?", (release_id,))
        .fetchone()
    )
    if row is None:
        raise ProblemRaised(404, "release_unknown", "there is no release of that id here: check it letter by letter")
    return decode_document(bytes(row["document"]), ReleaseDocument, limit=MAX_BATCH_BYTES)


def describe_standing(document: ReleaseDocument) -> Standing:
    """How many answered, and how the figures are protected."""
    released = read_release(document.table)
    noise = "" if released.noise is None else released.noise.epsilon
    method = released.notes if isinstance(released, ReleasedModel) else (released.method,)
    asked = len(released.answered) + len(released.absent)
    return Standing(
        len(released.answered), asked, f"{released.preset}, version {released.preset_version}", noise, method
    )


def _may_read(query_id: str) -> bool:
    """Whether the visitor may see the figures."""
    visitor = find_visitor()
    if visitor is None:
        return False
    try:
        find_for_release(the_hub(), query_id, visitor)
    except ProblemRaised:
        return False
    return True
