"""`circe bench cell-key`: the averaging attack on cell keys, and how often it finds the size of a group of children."""

from collections.abc import Iterator

import click

from federation.commands.bench import Row, print_rows

ANSWERS_ASKED = (1, 2, 4, 6, 8, 10, 20, 40, 50)
"""Numbers of answers: 4 is what a node gives about a table and year under `ons_cell_key`, and 50 questions are what it
answers under other presets unless its officers say otherwise."""


@click.command("cell-key")
@click.option("--group", default=12, show_default=True, help="Children in the group whose number is to be found.")
@click.option("--trials", default=1_000, show_default=True, help="Attacks on each table, by each way.")
@click.option("--seed", default=1, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def cell_key(group: int, trials: int, seed: int, form: str) -> None:
    """Attack counts that cell keys changed by averaging, within so many answers."""
    print_rows("cell-key", list(_measure(group, trials, seed)), form)


def _measure(group: int, trials: int, seed: int) -> Iterator[Row]:
    from disclosure_control.cell_key.averaging import ANSWERS, Attack, measure_averaging
    from disclosure_control.cell_key.entropy import Shape, make_table
    from disclosure_control.cell_key.tables import find_table
    from disclosure_control.presets.shipped import load_preset

    preset = load_preset("ons_cell_key")
    assert preset.cell_key is not None
    weaker = [make_table(f"D{each.most}V{each.variance:g}", each, 256) for each in (Shape(2, 1.0), Shape(8, 8.0))]
    for table in (find_table(preset.cell_key), *weaker):
        for way, cost in ANSWERS.items():
            for threshold in (0, preset.smallest_count_shown) if way == "parts" else (preset.smallest_count_shown,):
                for answers in ANSWERS_ASKED:
                    if questions := answers // cost:
                        attack = Attack(way, group, threshold)
                        yield {
                            "table": table.name,
                            "way": way,
                            "threshold": threshold,
                            "answers": answers,
                            "questions": questions,
                            "exact": round(measure_averaging(table, attack, questions, trials, seed), 3),
                            "cap": "yes" if table not in weaker and answers == preset.cell_key.answers else "",
                        }
