"""`circe approve`: read a query on your own machine, from the exact bytes that are signed, and sign them.

This is software of the approver's own organisation. What the hub shows on a page plays no part in it.
"""

from pathlib import Path

import click


@click.command()
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own directory.")
@click.option("--digest", help="Sign only if the manifest has this digest (as another approver read it to you).")
@click.option("--yes", is_flag=True, help="Sign without asking, for scripts that have read it already.")
@click.option("--refuse", "reason", default="", metavar="REASON", help="Refuse it instead; its asker reads why.")
@click.argument("query_id")
def approve(state: Path, digest: str | None, yes: bool, reason: str, query_id: str) -> None:
    """Show what QUERY_ID asks and what would leave each authority; sign it if you agree, or refuse it."""
    from federation.client import ManifestMismatch, connect
    from federation.manifest import ApprovalError
    from federation.reading import describe_manifest

    with connect(state) as client:
        review = client.review(query_id)
        if review.manifest.asker == client.member_id:
            own = f"{query_id} is your own, and others approve it: take it back with circe query withdraw"
            raise ApprovalError("approved_by_own", own)
        click.echo(describe_manifest(review.manifest, review.digest, review.plan, review.asker), err=True)
        if digest and digest != review.digest:
            raise ManifestMismatch(f"this manifest's digest is {review.digest}, not the one given: nothing was signed")
        if not yes:
            click.confirm("Refuse it?" if reason else "Approve it?", abort=True, err=True)
        status = client.refuse(query_id, reason) if reason else client.sign(review)
    click.echo(f"{status.query_id} is {status.state}; signed by {', '.join(status.signers)}")
