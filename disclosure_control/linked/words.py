"""What a joint attack found, in sentences for an output checker."""

from disclosure_control.linked.findings import Finding, Range

__all__ = ["say_finding"]


def say_finding(finding: Finding) -> str:
    """Which figure, how far it is known, from which releases, and what that takes for granted."""
    if_so = ", if it was withheld for its own sake," if finding.own_sake else ""
    source = f"this release and {', '.join(finding.beside)}" if finding.beside else "this release alone"
    taken = f", taking it that no c stands for 0 in {', '.join(finding.taken)}" if finding.taken else ""
    return f"{finding.whose}: {finding.what}{if_so} {_say_known(finding)} from {source}{taken}."


def _say_known(finding: Finding) -> str:
    low, high = finding.known
    if low == high:
        return f"is known to be {low}"
    closer = f" ({_say_range(finding.closer)} if no c stands for 0)" if finding.closer else ""
    return f"can be bounded to {_say_range(finding.known)}{closer}"


def _say_range(known: Range) -> str:
    low, high = known
    return f"{low}" if low == high else f"{low}-{high}"
