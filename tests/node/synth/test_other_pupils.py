"""How many pupils stand beside the children in care: so many to each, a share of all, or everyone of one authority."""

from pathlib import Path

import pytest

from node.synth.england import SynthRefused, write_england
from node.synth.plan import all_pupils
from node.synth.postcodes import load_places
from query_engine.geography import load_authorities


def test_all_pupils_come_to_the_published_number() -> None:
    places = load_places()
    assert sum(all_pupils(code, places, 1.0) for code in load_authorities()) == pytest.approx(8_400_000, rel=0.001)
    assert 150_000 < all_pupils("886", places, 1.0) < 300_000


def test_a_share_of_all_other_pupils(tmp_path: Path) -> None:
    """Five per cent of an authority's pupils, however many children are in care."""
    england = write_england(tmp_path, authorities=["301", "857"], seed=1, scale=0.5, other_pupils_share=0.05)
    places = load_places()
    for code, each in england.authorities.items():
        others = 0.05 * all_pupils(code, places, 0.5)
        in_care = each.pupils - others
        assert 0 < in_care < 1.2 * each.children + each.hosted


def test_the_full_roll_of_one_authority(tmp_path: Path) -> None:
    """Everyone on roll in one, the usual sample in the others; every UPN is one person's."""
    england = write_england(tmp_path, authorities=["301", "857"], seed=1, scale=0.2, full_roll="857")
    wanted = all_pupils("857", load_places(), 0.2)
    assert england.authorities["857"].pupils == pytest.approx(wanted, abs=2)
    assert england.authorities["301"].pupils < 1_000
    roll = (tmp_path / "857" / "school-census" / "2025_spring_pupilonroll.csv").read_text(encoding="utf-8").splitlines()
    upns = [line.split(",")[8] for line in roll[1:]]
    assert len(upns) == len(set(upns)) > 0.95 * wanted


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"other_pupils_share": 1.2}, "share", id="more than all"),
        pytest.param({"other_pupils_share": float("nan")}, "share", id="no number"),
        pytest.param({"full_roll": "938"}, "full roll", id="an authority that is not written"),
        pytest.param({"years": 0}, "number of years", id="no year"),
        pytest.param({"years": 7}, "academic year", id="years without tables"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, arguments: dict[str, float | str], text: str) -> None:
    with pytest.raises(SynthRefused, match=text):
        write_england(tmp_path, authorities=["301"], seed=1, **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
