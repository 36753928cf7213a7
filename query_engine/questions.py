"""The questions that the policy paper asks of the records, as `questions.toml` has them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("questions.toml")


@dataclass(frozen=True, slots=True)
class Question:
    """A question in plain English, where the paper asks it, and the query that answers it."""

    asks: str
    paper: str
    sql: str


@cache
def load_questions() -> tuple[Question, ...]:
    """Every question, in the order of the file."""
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["question"]
    return tuple(Question(each["asks"], each["paper"], each["sql"].strip()) for each in entries)
