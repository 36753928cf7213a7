"""Long work says how far it is: not so often that it fills the screen, nor so seldom that it seems to be stuck."""

import sys
import time
from collections.abc import Callable
from typing import ParamSpec

import click

__all__ = ["PROGRESS_SECONDS", "now_and_then", "say_to_a_terminal"]

Told = ParamSpec("Told")

PROGRESS_SECONDS = 5.0
"""How often long work says how far it is."""


def now_and_then(say: Callable[Told, object]) -> Callable[Told, None]:
    """What says it once in some seconds, however often it is called, and first after as many."""
    said = time.monotonic()

    def perhaps(*told: Told.args, **named: Told.kwargs) -> None:
        nonlocal said
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            say(*told, **named)

    return perhaps


def say_to_a_terminal() -> Callable[[str], None]:
    """What says a line on standard error now and then where somebody is there to read it: on a terminal."""
    if not sys.stderr.isatty():
        return lambda _: None
    return now_and_then(lambda line: click.echo(line, err=True))
