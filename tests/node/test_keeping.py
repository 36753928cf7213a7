"""Metrics of a node, and its backup put back by the commands."""

from pathlib import Path

from click.testing import CliRunner

from federation.metrics import write_metrics
from node.commands import node as command
from node.metrics import read_metrics
from node.polling import tell_software
from node.service import POLICY_FILE, open_node
from tests.small_federation import SmallFederation


def test_what_a_node_tells_of_itself(federation: SmallFederation) -> None:
    node = federation.node("301")
    text = write_metrics(read_metrics(node, federation.clock)).decode()
    for name in ("circe_build_info", "circe_snapshot_age_seconds", "circe_questions_reserved", "circe_log_entries"):
        assert f"\n{name}" in text
    assert "\ncirce_policy_in_force 1.0" in text
    (node.party.directory / POLICY_FILE).write_text("p, virtual_school_head, home, read, identity, allow\n")
    assert "\ncirce_policy_in_force 0.0" in write_metrics(read_metrics(node, federation.clock)).decode()
    snapshot = node.store.current()
    assert snapshot is not None
    assert tell_software(node).endswith(f" register/{node.register().version} snapshot/{snapshot.id}")


def test_a_rehearsal_of_last_nights_backup(federation: SmallFederation, tmp_path: Path) -> None:
    """Backed up, put back elsewhere, its log whole and the keys of sums gone; and its metrics are those of before."""
    state, runner = federation.directory / "node-301", CliRunner()
    made = runner.invoke(command, ["backup", "--state", str(state), "--into", str(tmp_path / "b" / "night.tar")])
    assert (made.exit_code, "files of node-301" in made.stderr) == (0, True)
    again = tmp_path / "again"
    put = runner.invoke(command, ["restore", "--state", str(again), str(tmp_path / "b" / "night.tar")])
    assert put.exit_code == 0, put.stderr
    assert "is whole" in put.stderr
    assert "erased the keys of" in put.stderr
    assert open_node(again).sums.epochs() == ()
    before = write_metrics(read_metrics(open_node(state), federation.clock))
    assert write_metrics(read_metrics(open_node(again), federation.clock)) == before
