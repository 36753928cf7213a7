"""`circe bench cell-key`: the averaging attack on cell keys, and how often it finds the size of a group of children."""

import click

from federation.commands.bench import Row, print_rows

CAPS = (1, 5, 10, 20, 40, 50)
"""Numbers of questions; 50 is what a node's rules allow about one table and year unless its officers say otherwise."""


@click.command("cell-key")
@click.option("--group", default=12, show_default=True, help="Children in the group whose number is to be found.")
@click.option("--trials", default=1_000, show_default=True, help="Attacks on each table, by each way.")
@click.option("--seed", default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def cell_key(group: int, trials: int, seed: int, form: str) -> None:
    """Attack counts that cell keys changed by averaging, within so many questions."""
    from disclosure_control.cell_key.averaging import Attack, Way, measure_averaging
    from disclosure_control.cell_key.entropy import Shape, make_table

    ways: tuple[tuple[Way, int], ...] = (("parts", 0), ("parts", 10), ("besides", 10))
    found: list[Row] = []
    for shape in (Shape(2, 1.0), Shape(5, 3.0), Shape(8, 8.0)):
        table = make_table(f"D{shape.most}V{shape.variance:g}", shape, 256)
        for way, threshold in ways:
            for questions in CAPS:
                exact = measure_averaging(table, Attack(way, group, threshold), questions, trials, seed)
                found.append(
                    {
                        "table": table.name,
                        "way": way,
                        "threshold": threshold,
                        "questions": questions,
                        "exact": round(exact, 3),
                    }
                )
    print_rows("cell-key", found, form)
