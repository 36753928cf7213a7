"""Releases by each path, recorded as files under a catalogue that is not ours: a column of theirs has no name here.

They stand for what somebody was handed years ago. They were made by `python -m tests.federation.recorded_release`, and
are not made anew when software changes: that it still verifies them is what they are kept for.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

PLACE = Path(__file__).with_name("vectors") / "release-of-another-catalogue"
PATHS = ("per_authority", "noisy_sum", "exact_sum")


def list_files(path: str) -> Mapping[str, Path]:
    """The files of the release by one path, by what they are."""
    return {each: PLACE / f"{path}.{each}" for each in ("release.json", "evidence.json", "tlog-proof", "root.pub")}


def _take_up_their_catalogue(directory: Path) -> None:
    """Have this process plan by a catalogue in which key stages are called stages."""
    from query_engine import catalogue
    from query_engine.methodology import guards

    for ours in (catalogue, guards):
        file: Path = vars(ours)["_FILE"]
        theirs = directory / file.name
        theirs.write_text(file.read_text(encoding="utf-8").replace("key_stage", "stage"), encoding="utf-8")
        vars(ours)["_FILE"] = theirs
    catalogue.load_catalogue.cache_clear()


def _make_releases(directory: Path) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """Yield each release's path with its files; a catalogue of its own has to be in place before."""
    from federation.wire import encode_document
    from tests.federation.test_asking_by_library import open_client
    from tests.hub import played_federation
    from tests.hub.callers import gather
    from tests.hub.sums.conftest import AUTHORITIES
    from tests.hub.sums.played_sums import SQL, PlayedSums, approve_template, play_sums, run_template
    from tests.hub.test_hub_witnessing import sign_hubs_log

    rows, total = (sql.replace("key_stage", "stage") for sql in (played_federation.SQL, SQL))
    nodes = [f"node-{code}" for code in AUTHORITIES]
    ways: Mapping[str, Callable[[PlayedSums], str]] = {
        "per_authority": lambda sums: sums.federation.answer(sums.federation.start(rows), *played_federation.NODES),
        "noisy_sum": lambda sums: sums.ask(sql=total),
        "exact_sum": lambda sums: run_template(sums, approve_template(sums, total)),
    }
    for path, ask in ways.items():
        (directory / path).mkdir()
        federation = played_federation.found_federation(directory / path, authorities=AUTHORITIES)
        sums = play_sums(federation, nodes)
        sums.settle()
        query_id = ask(sums)
        for node in sorted({*nodes} - {*played_federation.NODES}) if path == "per_authority" else ():
            federation.refuse(query_id, node)
        sums.settle()
        callers = gather(federation)
        for node in nodes:
            sign_hubs_log(callers, node, None, federation.clock())
        found = open_client(federation).result(query_id)
        yield (
            path,
            {
                "release.json": encode_document(found.document) + b"\n",
                "evidence.json": found.evidence,
                "tlog-proof": found.proof,
                "root.pub": (directory / path / "root" / "root.pub").read_bytes(),
            },
        )
        federation.hub.close()


def main() -> None:
    """Record them."""
    with tempfile.TemporaryDirectory() as directory:
        _take_up_their_catalogue(Path(directory))
        for path, files in _make_releases(Path(directory)):
            for ending, content in files.items():
                place = PLACE / f"{path}.{ending}"
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(content)


if __name__ == "__main__":
    main()
