"""A hub under load, played from beginning to end: everybody in threads of this process, the hub in its own."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from os import kill
from pathlib import Path
from random import Random

from audit.state import open_state_log, read_key
from audit.verifier import verify_log
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.processes import Service, Stagehands, list_family, wait_for
from federation.progress import now_and_then
from hub.bench.drawn_releases import list_authorities
from hub.bench.played_browsers import OFFICERS_PAGES, RESEARCHERS_PAGES, Browser
from hub.bench.played_england import APPROVERS, OFFICER, PlayedEngland, found_england
from hub.bench.played_nodes import KINDS, PlayedNode, prepare_tables
from hub.bench.played_researchers import Question, Researcher, Timings, list_questions
from hub.bench.reckoning import ENDED, Reckoning, read_kept, reckon
from hub.service import Hub, open_hub
from hub.sign_in import issue_code

__all__ = ["Load", "Played", "play"]

LOOK_EVERY, LONGEST_SILENCE = 0.25, 120.0
"""How often it is looked whether all queries have ended, and after how long without an ending no more is waited for."""

Tell = Callable[[str], object]
"""Is told, in a line, what goes on and how far it is."""


@dataclass(frozen=True)
class Load:
    """How many of everybody there are, and how long they pause, in seconds on average."""

    authorities: int
    researchers: int
    queries: int
    workers: int
    kill_every: float
    pace: float
    pause: float
    seed: int


@dataclass(frozen=True)
class Played:
    """What came of it. `lasted` are the seconds that each query took from the moment when all were in flight."""

    timings: Timings
    lasted: list[float]
    reckoning: Reckoning
    kills: int


def play(directory: Path, database: str, load: Load, tell: Tell) -> Played:
    """Found a federation in an empty directory, serve its hub, and play the load. Raises `LogBroken`."""
    tell(f"making keys for {load.authorities} nodes and {load.researchers} researchers")
    log, hands, codes = directory / "hub.log", Stagehands(), list_authorities()[: load.authorities]
    try:
        address = f"http://127.0.0.1:{hands.hold_port()}"
        england = found_england(directory / "federation", address, database, codes, load.researchers)
        words = ("hub", "serve", "--state", england.hub, "--bind", address.removeprefix("http://"))
        service = hands.start(log, *words, "--workers", str(load.workers))
        wait_for(address, hands, log)
        with closing(open_hub(england.hub)) as hub:
            return _Scene(england, hub, load, tell).play(service)
    finally:
        hands.stop_services()


class _Scene:
    """Everybody who takes part, each in a thread."""

    def __init__(self, england: PlayedEngland, hub: Hub, load: Load, tell: Tell) -> None:
        self._england, self._hub, self._load, self._tell = england, hub, load, tell
        self._begin, self._stop, self._timings, self._kills = threading.Event(), threading.Event(), Timings(), 0
        approvers = [england.parties[each] for each in APPROVERS]
        self._researchers = [
            Researcher(england.parties[name], approvers, self._stop, self._timings) for name in england.researchers
        ]
        tables = prepare_tables([derive_plan(sql, LeavingPath.PER_AUTHORITY) for _, sql in list_questions()])
        self._nodes = [
            PlayedNode(england.parties[name], number % KINDS, tables, load.pace, self._begin, self._stop)
            for number, name in enumerate(england.nodes)
        ]

    def play(self, service: Service) -> Played:
        """Have everything asked, then answered, and reckon it up."""
        browsers = list(self._open_browsers())
        lasting = [*(each.browse for each in browsers), *(each.run for each in self._nodes)]
        with ThreadPoolExecutor(len(lasting) + len(self._researchers) + 1) as pool, self._until_the_end():
            others = [pool.submit(each) for each in lasting]
            others.append(pool.submit(self._kill_workers, service.process.pid))
            self._tell(f"asking {self._load.queries} questions, each signed by three, while workers are killed")
            asking = [pool.submit(each.ask, share) for each, share in self._share_questions()]
            _check_all(asking, others, now_and_then(self._say_asked))
            self._tell(f"all are in flight: {self._load.authorities} nodes answer each")
            self._begin.set()
            lasted = self._await_endings(others)
            self._stop.set()
            _check_all(others)
        self._tell("verifying the hub's log, and reckoning up")
        return Played(self._timings, lasted, self._reckon(), self._kills)

    @contextmanager
    def _until_the_end(self) -> Iterator[None]:
        """Whatever happens, let nobody go on or wait for the beginning."""
        try:
            yield
        finally:
            self._stop.set()
            self._begin.set()

    def _open_browsers(self) -> Iterator[Browser]:
        """A browser for each researcher, who looks at their own queries, and one for the officer."""
        people = [(each.party.member_id, each.asked) for each in self._researchers]
        people.append((OFFICER, self._researchers[0].asked))
        for name, asked in people:
            pages = OFFICERS_PAGES if name == OFFICER else RESEARCHERS_PAGES
            draw = Random(f"{self._load.seed} {name}")  # noqa: S311 - the same pages each time
            browser = Browser(self._england.address, pages, draw, self._load.pause, self._stop, self._timings, asked)
            browser.sign_in(issue_code(self._hub, name))
            yield browser

    def _share_questions(self) -> Iterator[tuple[Researcher, list[Question]]]:
        """Deal the questions out, as many to each researcher as to any other."""
        draw, known, count = Random(self._load.seed), list_questions(), len(self._researchers)  # noqa: S311 - as above
        questions = draw.choices(known, k=self._load.queries)
        yield from ((each, questions[number::count]) for number, each in enumerate(self._researchers))

    def _kill_workers(self, master: int) -> None:
        """Kill one of the hub's workers at once, and another now and then, whatever it is doing."""
        draw = Random(self._load.seed)  # noqa: S311 - the same moments each time
        while not self._stop.is_set():
            if workers := list(list_family(master))[1:]:
                kill(draw.choice(workers), signal.SIGKILL)
                self._kills += 1
            self._stop.wait(draw.uniform(0.5, 1.5) * self._load.kill_every)

    def _await_endings(self, others: Sequence[Future[None]]) -> list[float]:
        """Wait until every query has ended, or none has for too long; return what each has taken."""
        began, lasted, newest = time.monotonic(), list[float](), time.monotonic()
        say = now_and_then(lambda: self._say_ended(len(lasted)))
        while len(lasted) < self._load.queries and time.monotonic() - newest < LONGEST_SILENCE:
            self._stop.wait(LOOK_EVERY)
            _check_all([each for each in others if each.done()])
            if fresh := self._count_ended() - len(lasted):
                newest = time.monotonic()
                lasted += [newest - began] * fresh
            say()
        return lasted

    def _say_asked(self) -> None:
        asked = sum(len(each.asked) for each in self._researchers)
        self._tell(f"  {asked} of {self._load.queries} asked, {self._kills} workers killed")

    def _say_ended(self, ended: int) -> None:
        self._tell(f"  {ended} of {self._load.queries} ended, {self._kills} workers killed")

    def _count_ended(self) -> int:
        states = tuple(ENDED)
        places = ", ".join("?" * len(states))
        found = self._hub.database.connection.execute(
            f"SELECT count(*) FROM queries WHERE state IN ({places})",  # noqa: S608 - placeholders alone
            states,
        )
        count: int = found.fetchone()[0]
        return count

    def _reckon(self) -> Reckoning:
        """Verify the hub's log whole, and hold what was asked against what is there. Raises `LogBroken`."""
        key = read_key(self._england.hub)
        with closing(open_state_log(self._england.hub)) as log:
            verify_log(log, key.name, key.public_key)
        asked = [query for each in self._researchers for query in each.asked]
        again = {query for node in self._nodes for query in node.again}
        return reckon(asked, self._england.nodes, read_kept(self._hub), again)


def _check_all(
    done: Sequence[Future[None]], beside: Sequence[Future[None]] = (), meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Wait for these, and raise what one of them, or of those that run beside them, has raised."""
    left = set(done)
    while left:
        left = wait(left, timeout=LOOK_EVERY).not_done
        meanwhile()
        for each in (*done, *beside):
            if each.done():
                each.result()
