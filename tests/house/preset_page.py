"""`docs/presets.md`, written from the presets' files and from the spec tables that the tests run."""

import tomllib
from collections.abc import Iterator

from disclosure_control.presets.preset import LEVELS, Preset
from disclosure_control.presets.shipped import FOLDER, list_presets, load_preset
from disclosure_control.presets.strictness import PresetLooser, check_stricter
from tests.disclosure_control.conftest import read_table
from tests.disclosure_control.presets.preset_examples import CELLS, KEYED_CELLS, QUESTION, RELEASED, REMARKS

GENERATED = "<!-- Written by `make docs`; edit the declaration it comes from instead. -->"
HEAD = """\
A preset says what may be shown: which counts, with how many figures, of at least how many children. The manifest of
every question names one, its version and the digest of its rules, approvers read it, and nodes and hub hold to it. A
file that forgets a rule, or has two that contradict each other, is refused.

What holds in every preset:

- A figure that is withheld is a symbol (c): never a blank, never 0, and no row is ever left out.
- The least and the greatest value (MIN, MAX) are one child's own and are no figures of the language.
- Shares come from the released counts, whatever the source does. An average comes from exact figures, cut to so few
  places that it fits every number of children; where counts are rounded, a sum is the released average times the
  released number.
- Where counts are rounded, whatever else asks for a number of children goes by the least that a count printed alike can
  be: 10 to 12 children are printed as 10 under `opensafely`, as 8 are, and have no average.
- Rounded counts that add up narrow each other, as the claims say: four ages printed as 10 beside a total of 50 are 12
  each, and 48, under every preset that rounds to 5.
- Every sentence of a claim has tests that show it: `tests/disclosure_control/presets/proven_claims.toml` names them.
- A quantity times a yes/no is an average of either side, and a sum of products of two quantities is what a correlation
  is made of: each is held to their numbers.
- What rests on too few children is withheld whatever it is: `docs/trust.md` has the rules.
- An exact total over many authorities is protected at the level of the nation, and by no preset that prints it exactly.
- Counts are rounded or changed by cell keys (`docs/cell-key.md`), and the two cannot be compared: the rules of a node
  have a floor for either. A preset with cell keys names its table by the digest of the file, which stands beside an
  added preset in `presets/` of the nodes and the hub, as CSV.
- Where zero is withheld, one symbol stands for none and for few. Where it is shown, c beside it says that somebody is
  there.
- Models are held to `minimum_n_model` children in every count, and to `minimum_residual_df` rows beyond the
  coefficients.

A federation and an authority can add stricter presets, and none that are looser. An added one is a file like those of
Circe in `presets/` of a party's directory, at the hub, the nodes and whoever asks or approves, with one entry more,
`floor`: the shipped preset that it is stricter than in every rule at every level. It is held to that whenever it is
read. A node's own floor is the rule `floor` in its `rules.toml`: nothing looser protects what it lets out, whoever
names it.

`circe query check --preset NAME` foresees how much of a table a preset would withhold. An added one is named by
its file there, as for `circe protect` and `circe attack`: `--preset presets/NAME.toml`.

## Versions

A preset is its name, its version and the digest of its rules: every manifest and template states all three in the bytes
that are signed, and whoever acts on one compares them with the rules that they have. Comments are no rules. The version
of an added preset ends in the beginning of that digest (`1-8b7c0587190d`).

- **A preset that is changed needs a new version**: another `version` in its file. Hub, nodes and clients keep the rules
  of each version before they use it, in `presets/kept/NAME-VERSION.json`, and refuse the file when it has other rules
  under the same version (`preset_changed`), though everybody else has it too.
- **What a version protected is read by its own rules for good**, whatever the file says later: what was released is
  verified and attacked by them. Where they were lost, a node answers nothing more about the same (`preset_lost`), and
  the next release waits for an output checker; copying the file from whoever has it mends that.
- **Releases under several versions are attacked together**, each read by its own rules: a count printed exactly then is
  exact beside rounded ones. What must not be told goes by the strictest of them. So a looser version does not print,
  nor let anybody work out, what a stricter one has withheld from the same snapshot: a threshold that is lowered helps
  for what was not asked about before. A stricter version cannot take back what a looser one has shown.
"""

RULES = (
    ("least count shown", lambda each: each.smallest_count_shown),
    ("zero", lambda each: each.zero),
    ("counts of an authority / region / England to the nearest", lambda each: _bases(each)),
    ("children behind an average / spread", lambda each: f"{each.minimum_n_mean} / {each.minimum_n_spread}"),
    ("behind a figure of two measures", lambda each: each.minimum_n_correlation),
    ("dominance (n, k), p", lambda each: _dominance(each)),
    ("counts changed by cell keys by at most / answers", lambda each: _cell_keys(each)),
    ("places of an average / share", lambda each: f"{each.mean_decimals} / {each.proportion_decimals}"),
    ("symbols", lambda each: " ".join(sorted(each.symbols))),
)


def write_presets_page() -> str:
    """Every preset: rules, sources, what it prints of the same cells, what it claims."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    presets = [load_preset(name) for name in list_presets()]
    yield from ("# Presets", "", GENERATED, "", HEAD)
    yield f"| rule | {' | '.join(f'`{each.name}`' for each in presets)} |"
    yield f"|{'---|' * (len(presets) + 1)}"
    yield from (f"| {rule} | {' | '.join(str(tell(each)) for each in presets)} |" for rule, tell in RULES)
    yield from ("", "A base of 1 leaves counts exact.", "", "## Which is stricter", "", *_order(presets))
    yield from ("", "## The same cells under each", "", "```sql", QUESTION, "```", "", *_drawn(CELLS))
    yield from ("", "A preset with cell keys takes the keys of the cells, too:", "", *_drawn(KEYED_CELLS))
    for each in presets:
        yield from _chapter(each)


def _bases(preset: Preset) -> str:
    return " / ".join(str(preset.rounding_bases.at(level)) for level in LEVELS)


def _dominance(preset: Preset) -> str:
    rule = preset.dominance
    return f"({rule.largest}, {rule.most_per_cent}%), {rule.rest_per_cent}%" if rule else "none"


def _cell_keys(preset: Preset) -> str:
    rule = preset.cell_key
    return f"{rule.most} / {rule.answers}" if rule else "none"


def _order(presets: list[Preset]) -> Iterator[str]:
    """Which preset could stand in for which."""
    yield "One preset is stricter than another only if it is so in every rule at every level. Of those that come with"
    yield "Circe:"
    yield ""
    for each in presets:
        under = [f"`{other.name}`" for other in presets if other != each and _is_stricter(each, other)]
        if under:
            yield f"- `{each.name}` is at least as strict as {', '.join(under)}"


def _is_stricter(one: Preset, other: Preset) -> bool:
    try:
        check_stricter(one, other)
    except PresetLooser:
        return False
    return True


def _chapter(preset: Preset) -> Iterator[str]:
    text = (FOLDER / f"{preset.name}.toml").read_text()
    yield from ("", f"## `{preset.name}`: {preset.title}", "", f"Version {preset.version}. Source: {preset.source}", "")
    yield from ("| rule | value | why |", "|---|---|---|")
    yield from (_row(paragraph) for paragraph in text.split("\n\n")[2:] if "[claims]" not in paragraph)
    yield from ("", f"{REMARKS[preset.name]}", "", *_drawn(RELEASED[preset.name]), "")
    yield from ("Claimed of an authority's rows:", "", f"> {preset.claims.authority}")
    if preset.claims.nation != preset.claims.authority:
        yield from ("", "Of a region's and of England's:", "", f"> {preset.claims.nation}")


def _row(paragraph: str) -> str:
    """One paragraph of a preset's file: its rules, their values and the comment above them."""
    comment = " ".join(line[2:] for line in paragraph.splitlines() if line.startswith("# "))
    entries = tomllib.loads(paragraph)
    if isinstance(table := next(iter(entries.values())), dict):
        entries = {f"{next(iter(entries))}.{key}": value for key, value in table.items()}
    values = (" ".join(each) if isinstance(each, list) else str(each) for each in entries.values())
    return f"| {', '.join(f'`{key}`' for key in entries)} | {' / '.join(values)} | {comment} |"


def _drawn(text: str) -> Iterator[str]:
    rows = read_table(text)
    yield f"| {' | '.join(rows[0])} |"
    yield f"|{'---|' * len(rows[0])}"
    yield from (f"| {' | '.join(row.values())} |" for row in rows)
