"""Coverage-guided fuzzing of the parser, planner and renderer: `make fuzz`, for as many SECONDS as are given.

Bytes are a text, or, where the first of them is 1, each further one stands for a word of the language, so that the
fuzzer can put together statements as well as characters. It begins with the golden files and the language's words. A
text that ends in anything but a plan or a refusal is written to `crash-...` in the folder it was started in.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["query_engine", "sqlglot"]):
    from query_engine.catalogue import load_catalogue
    from tests.query_engine.fuzzing import WORDS, check_text

from tests.query_engine.golden_files import golden_texts

LONGEST = 600
"""The most bytes of a text: every form of the language fits, and short texts are tried faster."""

PLAIN = "SELECT sex , COUNT ( * ) AS n FROM child_year WHERE uasc GROUP BY ROLLUP ( sex ) HAVING n > 4"
"""A statement by its words, from which the fuzzer makes others."""


def text_of(data: bytes) -> str:
    """The text that some bytes stand for."""
    if data[:1] == b"\x01":
        return " ".join(WORDS[each % len(WORDS)] for each in data[1:])
    return data.decode("latin-1")


def try_one(data: bytes) -> None:
    """Try one input. Raises whatever is not a refusal, which the fuzzer reports."""
    check_text(text_of(data), load_catalogue())


def main() -> None:
    """Write seeds and dictionary where the fuzzer finds them, and hand over to it."""
    with TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder) / "seeds", Path(folder) / "language.dict"
        corpus.mkdir()
        for number, statement in enumerate(golden_texts()):
            (corpus / f"{number}.sql").write_text(statement, encoding="latin-1", errors="replace")
        (corpus / "words").write_bytes(bytes([1, *(WORDS.index(word) for word in PLAIN.split())]))
        quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in WORDS)
        dictionary.write_text("".join(f'"{word}"\n' for word in quoted))
        load_catalogue()
        atheris.Setup([sys.argv[0], f"-dict={dictionary}", f"-max_len={LONGEST}", *sys.argv[1:], str(corpus)], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
