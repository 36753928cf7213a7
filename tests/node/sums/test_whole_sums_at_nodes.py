"""Whole sums between real nodes, by a hub that is honest: what opens is the sum, and nothing else ever does."""

from federation.manifest import Path
from tests.node.sums.played_hub import PlayedHub, exact_figures
from tests.small_federation import SmallFederation

SQL = (
    "SELECT sen_provision, COUNT(DISTINCT child) AS children FROM child_year "
    "WHERE academic_year = 202425 AND counted_here GROUP BY sen_provision"
)


def test_a_noisy_sum_opens_near_the_truth(wide: SmallFederation, hub: PlayedHub) -> None:
    played = hub.run(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))
    assert played.opened is not None
    truth = exact_figures(hub, played, wide.roster)
    print(played.opened, truth)
