"""`circe bench noise-audit`: what each mechanism of noise lets an attacker tell, measured, beside what it claims."""

from typing import TYPE_CHECKING

import click

from federation.commands.bench import Row, print_rows

if TYPE_CHECKING:
    from disclosure_control.noise.audit import Finding
    from disclosure_control.noise.terms import Mechanism


@click.command("noise-audit")
@click.option("--epsilon", default="1", show_default=True, help="What every mechanism claims.")
@click.option("--parties", type=click.IntRange(1, 400), default=16, show_default=True, help="Nodes that are asked.")
@click.option("--dropouts", type=click.IntRange(0, 400), default=3, show_default=True, help="Of them may be missing.")
@click.option("--colluders", type=click.IntRange(0, 400), default=2, show_default=True, help="Of the others may tell.")
@click.option("--noise", "mechanism", type=click.Choice(["polya", "skellam"]), default="polya", show_default=True)
@click.option("--draws", type=click.IntRange(100), default=10_000, show_default=True, help="Draws with each input.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def noise_audit(
    epsilon: str, parties: int, dropouts: int, colluders: int, mechanism: "Mechanism", draws: int, form: str
) -> None:
    """Bound what every mechanism lets out from below, at 99 per cent, at every number of missing nodes.

    Of Polya shares that is epsilon, and of Skellam shares rho.
    """
    from disclosure_control.noise.audit import audit_plan
    from disclosure_control.noise.audited import MECHANISMS, plan_mechanism
    from disclosure_control.noise.bits import SystemBits
    from disclosure_control.noise.one_party import audit_one_party
    from disclosure_control.noise.terms import NoiseRefused, NoiseTerms

    try:
        terms = NoiseTerms(epsilon, parties, dropouts, colluders, mechanism)
    except NoiseRefused as refused:
        raise click.UsageError(f"{refused}.") from None
    found: list[Row] = []
    for name in MECHANISMS:
        for absent in range(dropouts + 1):
            finding = audit_plan(plan_mechanism(name), terms, absent, draws, SystemBits())
            found.append(_row(name, parties, colluders, finding))
    if mechanism == "polya":
        try:
            found.append(_row("table of one party", 1, 0, audit_one_party(epsilon, draws)))
        except NoiseRefused as refused:
            click.echo(f"{refused}; it is not audited", err=True)
    print_rows("noise-audit", found, form)


def _row(name: str, nodes: int, telling: int, finding: "Finding") -> Row:
    return {
        "mechanism": name,
        "nodes": nodes,
        "absent": finding.absent,
        "telling": telling,
        "loss": finding.loss,
        "claimed": finding.claimed,
        "found": round(finding.found, 4),
        "holds": "yes" if finding.found <= finding.claimed else "NO",
    }
