"""One of two people who edit one record at once: a process of its own, told step by step on its standard input.

`read` notes the version that the record has, `write SUBJECT GRADE` sets a target down upon the version that was read.
"""

import sys
from pathlib import Path

from node.service import open_node
from node.tracking.changing import change_record
from node.tracking.facts import Target
from node.tracking.record import RecordMoved
from node.tracking.visit import begin_visit


def say(word: object) -> None:
    """Answer a step."""
    print(word, flush=True)


def main(state: str, person: str) -> None:
    """Do each step as it comes, and say what came of it."""
    visit = begin_visit(open_node(Path(state)), person, "Two edit at once")
    child, version = visit.children[0], 0
    say("ready")
    for line in sys.stdin:
        step, *said = line.split()
        if step == "read":
            version = visit.record_of(child).version
            say(version)
            continue
        subject, grade = said
        target = Target(term="202425-summer", subject=subject, target=grade)
        try:
            say(f"kept {change_record(visit, child, version, [target], 'Agreed').version}")
        except RecordMoved as moved:
            say(f"moved {len(moved.since)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
