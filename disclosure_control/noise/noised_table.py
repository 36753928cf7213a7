"""A table that an analyst already has, with noise in its counts: what `circe protect --noise` prints."""

from collections.abc import Mapping, Sequence

from disclosure_control.noise.one_party import bound_rows, check_complete, noise_counts
from disclosure_control.suppression.analyst_table import ProtectedFile
from disclosure_control.suppression.hidden_totals import check_no_hidden_total
from disclosure_control.suppression.hierarchy import Hierarchy
from disclosure_control.suppression.table_file import TableFile

__all__ = ["noise_table"]


def noise_table(
    file: TableFile, count: str, by: Sequence[str], trees: Mapping[str, Hierarchy], epsilon: str
) -> ProtectedFile:
    """The table with noise in its counts, row by row as it stands, and with no other column of figures.

    Raises `NoiseRefused` and `TableUnusable`.
    """
    file.check_named_once([*by, count])
    layout, counts = file.layout(by, dict(trees)), file.counts(count)
    check_no_hidden_total(layout, counts, trees)
    check_complete(layout)
    most = bound_rows(layout)
    noised = noise_counts(counts, most, epsilon)
    rows = tuple((*categories, str(figure)) for categories, figure in zip(layout.rows, noised, strict=True))
    return ProtectedFile((*by, count), rows, b"", (_describe(epsilon, most),))


def _describe(epsilon: str, most: int) -> str:
    return (
        "Differential privacy: whether one person is in the table changes the chance of any outcome by a factor of "
        f"exp({epsilon}) at most, if they are counted in one row and its totals, {most} in all at most. The noise is "
        f"discrete Laplace of scale {most} / {epsilon}, by OpenDP. Counts can be negative, and parts need not add up "
        "to totals. Every table about the same people that is noised so adds its epsilon: keep account of them."
    )
