"""The pictures of `docs/protection.md`: how far from the truth each protection prints, as SVG."""

from collections.abc import Iterator
from html import escape

from disclosure_control.presets.preset import Level
from tests.house.protection_example import FIRST, KEYED, NODES, NOISED, SUPPRESSED, Shown, show_level

WIDTH, ROW, TOP = 760, 20, 64
LEFT, RIGHT = 330, 740
"""Where the scale of differences begins and ends."""

REACH = 25
"""The greatest difference that is drawn; what lies beyond it is an arrow."""

COLOURS = {FIRST: "#b1592b", SUPPRESSED: "#5b3a8c", KEYED: "#1d5fa8", NOISED: "#2b7a3f"}
TITLES: dict[Level, str] = {
    "authority": "One authority",
    "region": f"A region of {NODES['region']} authorities",
    "nation": f"England, {NODES['nation']} authorities",
}


def draw_level(level: Level) -> str:
    """The picture of one level."""
    rows = show_level(level)
    height = TOP + ROW * len(rows) + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="Arial, Helvetica, sans-serif" font-size="13">',
        f"<title>{TITLES[level]}: children by special educational provision under each protection</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(12, 22, TITLES[level], 'font-size="16" font-weight="bold"'),
        _text(12, 46, "provision, true count", 'fill="#505a5f"'),
        _text(166, 46, "protection", 'fill="#505a5f"'),
        _text(LEFT - 8, 46, "printed", 'fill="#505a5f" text-anchor="end"'),
        _text(_x(0), 46, "off the true count by", 'fill="#505a5f" text-anchor="middle"'),
        *_scale(height),
    ]
    for place, row in enumerate(rows):
        lines += _row(row, TOP + ROW * place, first=place == 0 or rows[place - 1].category != row.category)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _scale(height: int) -> Iterator[str]:
    for off in (-20, -10, 0, 10, 20):
        colour, width = ("#0b0c0c", 1.5) if off == 0 else ("#d0d4d6", 1)
        yield (
            f'<line x1="{_x(off):g}" x2="{_x(off):g}" y1="{TOP - 10}" y2="{height - 26}" '
            f'stroke="{colour}" stroke-width="{width}"/>'
        )
        yield _text(_x(off), height - 10, f"{off:+d}" if off else "0", 'text-anchor="middle" fill="#505a5f"')


def _row(row: Shown, top: int, *, first: bool) -> Iterator[str]:
    middle, colour = top + ROW // 2 - 2, COLOURS[row.method]
    if first:
        yield _text(12, middle + 4, f"{row.category}, {row.true:,}", 'font-weight="bold"')
        yield f'<line x1="12" x2="{RIGHT}" y1="{top - 3}" y2="{top - 3}" stroke="#d0d4d6"/>'
    yield _text(166, middle + 4, row.method, f'fill="{colour}"')
    yield _text(LEFT - 8, middle + 4, row.printed, 'text-anchor="end"')
    if row.low is None or row.high is None:
        yield _text(_x(0) + 8, middle + 4, "no sum of one authority", 'fill="#505a5f"')
        return
    low, high = (_x(max(-REACH, min(REACH, end - row.true))) for end in (row.low, row.high))
    span = f'x1="{low:g}" x2="{high:g}" y1="{middle}" y2="{middle}"'
    yield f'<line {span} stroke="{colour}" stroke-width="4" opacity="0.35"/>'
    if row.off is not None and abs(row.off) <= REACH:
        yield f'<circle cx="{_x(row.off):g}" cy="{middle}" r="4.5" fill="{colour}"/>'
    elif row.off is not None:
        side, anchor = (LEFT, "start") if row.off < 0 else (RIGHT, "end")
        arrow = f"\u25c0 {row.off:,}" if row.off < 0 else f"{row.off:+,} \u25b6"
        yield _text(side, middle + 4, arrow.replace("-", "\u2212"), f'fill="{colour}" text-anchor="{anchor}"')


def _x(off: int) -> float:
    return LEFT + (RIGHT - LEFT) * (off + REACH) / (2 * REACH)


def _text(x: float, y: float, words: str, attributes: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{escape(words)}</text>'
