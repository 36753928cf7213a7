"""Invented names of people and schools, so that no row reads like a real one."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

_SCHOOL_ENDINGS = {
    "primary": ("Primary School", "Primary Academy", "Infant and Junior School"),
    "secondary": ("School", "Academy", "High School"),
    "special": ("School", "Special Academy"),
    "alternative": ("Centre", "Pupil Referral Unit"),
}


@cache
def load_names() -> Mapping[str, Sequence[str]]:
    """The lists of names.toml: `surnames` and `forenames`."""
    return tomllib.loads((Path(__file__).parent / "names.toml").read_text(encoding="utf-8"))


def school_name(chance: Random, phase: str) -> str:
    """A plant or a weather, and what kind of school it is; "Synthetic" first, so that nobody mistakes it."""
    return f"Synthetic {chance.choice(load_names()['surnames'])} {chance.choice(_SCHOOL_ENDINGS[phase])}"
