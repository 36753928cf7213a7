"""Moments of a measured process, and the rows of figures between them."""

import os
import resource
import time
from collections.abc import Sequence
from typing import NamedTuple

from federation.commands.bench import Row

_KIB = 1024
_SHORTEST = 1e-6


class Mark(NamedTuple):
    """A moment: the step that begins, and the most memory the process has had until then, in KiB."""

    line: str
    seconds: float
    cpu_seconds: float
    peak_kib: int


Span = tuple[Mark, Mark]
"""From one moment of a process to a later one."""


def take_mark(line: str) -> Mark:
    """This moment of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Mark(line, time.perf_counter(), time.process_time(), peak)


def stage_row(stage: str, rows: int, spans: Sequence[Span]) -> Row:
    """What a stage took in all its spans: times are summed, and of the peaks of memory the highest is given.

    On a machine that others use too the clock tells of them as well; rows for each second of a core do so less.
    """
    seconds = sum(after.seconds - before.seconds for before, after in spans)
    cpu_seconds = sum(after.cpu_seconds - before.cpu_seconds for before, after in spans)
    return {
        "stage": stage,
        "rows": rows,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "rows_per_second": round(rows / seconds),
        "rows_per_cpu_second": round(rows / max(cpu_seconds, _SHORTEST)),
        "peak_mib": max(after.peak_kib for _, after in spans) // _KIB,
    }


def hold_to_cores(cores: int) -> None:
    """Hold this process to so many of the cores it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
