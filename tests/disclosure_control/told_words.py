"""What the joint attack finds in tables, as an output checker reads it."""

from collections.abc import Sequence

from disclosure_control.linked.findings import list_findings
from disclosure_control.linked.published import Published
from disclosure_control.linked.words import say_finding


def tell_hits(whose: str, published: Sequence[Published]) -> list[str]:
    """Sentence by sentence what the last of these tables tells."""
    return [say_finding(each) for each in list_findings(whose, published)]
