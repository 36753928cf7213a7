"""`circe query check`: what a question plans, what to mind, and how much of its table would be withheld.

It needs nothing but this installation: no node, and a hub only where it is to say what is left of a budget. It stands
here, and not with the language that it explains, because what would be withheld is disclosure control's to say.
"""

import json
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Literal

import click

from federation.commands.check_noise import NoiseAsked, noise_json, read_noise_asked, tell_noise
from query_engine.commands import REFUSED, read_sql, show_refusal

if TYPE_CHECKING:
    from disclosure_control.presets.shipped import Preset
    from query_engine.planning.plan import QueryPlan
    from query_engine.question import Question
    from query_engine.refusal import QueryRefused
    from query_engine.wording.description import Paragraph

WIDTH = 100
MARGIN = 12


@click.command("check")
@click.argument("sql")
@click.option(
    "--preset",
    default="opensafely",
    show_default=True,
    help="Foresee what this preset would withhold: by name, or an added one by its file.",
)
@click.option("--epsilon", default="1", show_default=True, help="Price it as a noised sum at this privacy loss.")
@click.option("--noise", "mechanism", type=click.Choice(["polya", "skellam"]), default="polya", show_default=True)
@click.option("--nodes", type=click.IntRange(5, 400), default=153, show_default=True, help="Over so many nodes.")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), help="Ask the hub what is left, as yourself."
)
@click.option("--project", default="", help="For this project.")
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
def check(
    sql: str,
    preset: str,
    epsilon: str,
    mechanism: Literal["polya", "skellam"],
    nodes: int,
    state: Path | None,
    project: str,
    style: str,
) -> None:
    """Say how a query would be answered, or why it is refused, without running it.

    SQL is the query's text, @FILE to read it from a file, or - to read it from standard input.
    """
    from query_engine.planning.record_keys import with_record_keys
    from query_engine.question import read_question
    from query_engine.refusal import QueryRefused
    from query_engine.wording.explaining import explain_as_json

    rules, text = _load(preset), read_sql(sql)
    noise = read_noise_asked(epsilon, nodes, state, project, mechanism)
    try:
        question = read_question(text)
        if rules.record_keys is not None:
            with_record_keys(question.plan, rules.record_keys)
    except QueryRefused as refusal:
        click.echo(json.dumps(_refusal_json(refusal)) if style == "json" else show_refusal(refusal, text))
        click.get_current_context().exit(REFUSED)
    if style == "json":
        click.echo(
            json.dumps(
                explain_as_json(question) | _foreseen_json(question.plan, rules) | noise_json(question.plan, noise)
            )
        )
    else:
        click.echo(_show(question, rules, noise))


def _load(preset: str) -> "Preset":
    from disclosure_control.presets.preset import PresetInvalid
    from disclosure_control.presets.shelf import find_preset

    try:
        return find_preset(preset)
    except PresetInvalid as error:
        raise click.BadParameter(f"{error}.", param_hint="--preset") from None


def _refusal_json(refusal: "QueryRefused") -> dict[str, object]:
    return {"plan_id": None, "cells": None, "statistics": [], "warnings": [], "refused": refusal.to_json()}


def _foreseen_json(plan: "QueryPlan", preset: "Preset") -> dict[str, object]:
    from disclosure_control.foreseen.certain import foresee_certain
    from disclosure_control.foreseen.expectation import foresee
    from disclosure_control.foreseen.rewrites import propose_rewrites

    expected = foresee(plan, preset)
    rewrites = propose_rewrites(plan, preset)
    return {
        "expected": {"preset": preset.name, "withheld": round(expected.withheld, 4)} if expected else None,
        "certain": list(foresee_certain(plan, preset)),
        "rewrites": [{"text": each.text, "withheld": round(each.expectation.withheld, 4)} for each in rewrites],
    }


def _show(question: "Question", preset: "Preset", noise: NoiseAsked) -> str:
    """The explanation for a terminal: headings in a margin, their lines beside them."""
    from query_engine.wording.explaining import explain_question

    paragraphs = [*explain_question(question), *_foreseen(question.plan, preset), *tell_noise(question.plan, noise)]
    if question.cautions:
        paragraphs.append(("Warnings", [f"{each.source}: {each.whole_text}" for each in question.cautions]))
    paragraphs.append(("Plan", [question.plan.plan_id]))
    lines: list[str] = []
    for heading, texts in paragraphs:
        body = [line for text in texts for line in wrap(text, WIDTH, subsequent_indent="  ")]
        lines += [f"{heading:<{MARGIN}}{body[0]}", *(" " * MARGIN + line for line in body[1:])]
    return "\n".join(lines)


def _foreseen(plan: "QueryPlan", preset: "Preset") -> "list[Paragraph]":
    """What the preset is expected to withhold, and in any case, and nearby questions where it is most."""
    from disclosure_control.foreseen.certain import foresee_certain
    from disclosure_control.foreseen.expectation import foresee
    from disclosure_control.foreseen.rewrites import propose_rewrites

    expected = foresee(plan, preset)
    if plan.model is not None:
        return [("Expected", ["a model is released whole or not at all (docs/models.md)"])]
    if expected is None:
        why = "of tables that are joined" if len(plan.tables) > 1 else "with a filter so tangled"
        words = f"what would be withheld cannot be foreseen {why}"
        return [("Expected", [words, *foresee_certain(plan, preset)])]
    words = f"{expected.in_words} of the figures withheld in the middling authority, under {preset.name}"
    rewrites = propose_rewrites(plan, preset)
    found: list[Paragraph] = [("Expected", [words, *foresee_certain(plan, preset)])]
    return found + ([("Rather", [each.in_words for each in rewrites])] if rewrites else [])
