"""`circe protect` and `circe attack` as scripts use them: rows, symbols, exit codes, and one clear line on errors."""

import json
import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from federation.cli import run
from tests.added_presets import write_strict
from tests.disclosure_control.suppression.tables import draw_table

TABLE = draw_table(3, authorities=3, sexes=2, ages=2, mean=10)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and its tree, and a home of one's own for the secret."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "t.csv").write_text(TABLE.csv())
    (tmp_path / "areas.csv").write_text(TABLE.tree("area"))
    return tmp_path


def laid_out(folder: Path, table: str) -> list[str]:
    options = ["--preset", "dfe_cla", "--count", "n", "--by", "area,sex,age"]
    return [str(folder / table), *options, "--tree", f"area={folder / 'areas.csv'}"]


def protect(folder: Path, *more: str, table: str = "t.csv") -> int:
    return run(["protect", *laid_out(folder, table), *more])


def attack(folder: Path, *more: str, table: str = "p.csv") -> int:
    return run(["attack", *laid_out(folder, table), *more])


def test_a_table_is_protected_certified_and_withstands_the_attack(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same rows in the same order, a number or a symbol in each; and nothing to be worked out."""
    certificate = folder / "certificate.json"
    assert protect(folder, "--certificate", str(certificate), "--format", "csv") == 0
    shown = capfd.readouterr().out
    assert [line.rpartition(",")[0] for line in shown.splitlines()] == [
        line.rpartition(",")[0] for line in TABLE.csv().splitlines()
    ]
    entries = {line.rpartition(",")[2] for line in shown.splitlines()[1:]}
    assert "c" in entries
    assert all(entry == "c" or entry.isdigit() for entry in entries)
    (folder / "p.csv").write_text(shown)
    assert attack(folder, "--certificate", str(certificate), "--format", "json") == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["exact"], found["below_rule"]) == (0, 0)
    assert found["withheld"] == shown.count(",c\n") == len(found["intervals"])


def test_what_primary_suppression_alone_withholds_is_found(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A row total less what is shown of the row."""
    lines = [",".join((*row, "c" if figure < 10 else str(figure))) for row, figure in TABLE.figures.items()]
    (folder / "p.csv").write_text("\n".join(["area,sex,age,n", *lines]) + "\n")
    found_out = [str(folder / "p.csv"), "--preset", "ukllc", "--count", "n", "--by", "area,sex,age"]
    assert run(["attack", *found_out, "--tree", f"area={folder / 'areas.csv'}", "--format", "json"]) == 6
    found = json.loads(capfd.readouterr().out)
    assert found["exact"] > 0
    assert found["below_rule"] >= found["exact"]
    for known in found["intervals"]:
        at = known["at"]
        true = TABLE.figures[at.get("area", "N"), at.get("sex", "Total"), at.get("age", "Total")]
        assert (known["low"] or 0) <= true
        assert known["high"] is None or true <= known["high"]


@pytest.mark.parametrize(("preset", "says"), [("ukllc", True), ("dfe_cla", False)])
def test_a_row_that_is_missing_tells_a_zero_that_is_to_be_withheld(
    folder: Path, capfd: pytest.CaptureFixture[str], preset: str, says: bool
) -> None:
    (folder / "m.csv").write_text("a,b,n\nx,p,12\nx,q,30\ny,p,40\n")
    assert run(["protect", str(folder / "m.csv"), "--preset", preset, "--count", "n", "--by", "a,b"]) == 0
    assert ("Rows that are missing: 1, such as y, q." in capfd.readouterr().err) is says


@pytest.mark.parametrize(
    ("preset", "entry", "barred"), [("dfe_cla", "3", 1), ("dfe_cla", "0", 0), ("ukllc", "0", 1), ("ofqual", "5", 0)]
)
def test_a_count_that_is_printed_though_the_rule_withholds_it_is_found(
    folder: Path, capfd: pytest.CaptureFixture[str], preset: str, entry: str, barred: int
) -> None:
    """Nothing is withheld, and so there is nothing to work out: it is there to be read."""
    (folder / "p.csv").write_text(f"a,n\nx,{entry}\ny,20\n")
    options = ["--preset", preset, "--count", "n", "--by", "a", "--format"]
    assert run(["attack", str(folder / "p.csv"), *options, "json"]) == (6 if barred else 0)
    found = json.loads(capfd.readouterr().out)
    assert (found["barred"], found["safe"]) == (barred, not barred)
    run(["attack", str(folder / "p.csv"), *options, "table"])
    shown = capfd.readouterr()
    assert ("a x: printed, and the rule withholds it" in shown.out) is ("Not safe" in shown.err) is bool(barred)


def test_the_secret_is_made_once_and_is_its_owners_alone(folder: Path) -> None:
    assert protect(folder) == 0
    secret = folder / "config" / "circe" / "suppression.secret"
    before = secret.read_bytes()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert protect(folder) == 0
    assert secret.read_bytes() == before


def test_a_table_that_does_not_add_up_cannot_be_protected(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "t.csv").write_text(TABLE.csv().replace("A0,s0,a0,", "A0,s0,a0,1"))
    assert protect(folder) == 5
    out, err = capfd.readouterr()
    assert out == ""
    assert "do not add up" in err


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("area,sex,age\nN,s0,a0\n", "there is no column n; the columns are area, sex, age"),
        ("area,sex,age,n,n\nN,s0,a0,1,1\n", "there are several columns n"),
        ("area,sex,age,n\nN,s0,a0,many\n", "line 2, column n: not a number"),
        ("area,sex,age,n\nN,s0,a0,1.5\n", "not a whole number"),
        ("area,sex,age,n\nX,s0,a0,1\n", "X is not in the tree"),
        ("area,sex,age,n\nN,s0,a0,1\nN,s0,a0,1\n", "two rows"),
        ("area,sex,age,n\nN,s0,1\n", "line 2: has 3 entries"),
        ("area,sex,age,n\n\nN,s0,a0,1\n\nN,s1,a0,many\n", "line 5, column n: not a number"),
        ("area,sex,age,n\nN,s0,a0,1\n\nN,s1,1\n", "line 4: has 3 entries"),
        ("area,sex,age,n\nN,s0,a0,1000000000000\n", "line 2, column n: not a number, which has up to 12 digits"),
        ("", "header"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    folder: Path, capfd: pytest.CaptureFixture[str], text: str, what: str
) -> None:
    (folder / "t.csv").write_text(text)
    assert protect(folder) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert what in err
    assert "Traceback" not in err


@pytest.mark.parametrize("how", [["protect", "--preset", "dfe_cla"], ["protect", "--noise", "1"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "by", "what"),
    [
        ("a,n\nx,3\ny,13\n", "a,n", "column n is named twice"),
        ("a,n\nx,3\ny,13\n", "a,a", "column a is named twice"),
        ("a,n\nx,3\ny,13\ntotal,16\n", "a", "column a: total is no total; write Total"),
        ("a,n\nx,3\ny,13\nz,20\nAll,36\n", "a", "column a: All is what all others come to"),
        ("a,n\nx,3\ny,13\nz,20\n,36\n", "a", "column a: the empty category is what all others come to"),
        ("a,b,n\nx,p,3\ny,p,4\nE,p,7\nx,q,5\nE,q,5\ny,q,0\n", "a,b", "column a: E is what all others come to"),
        ("a;n\nx;3\ny;13\n", "a", "separated by commas"),
    ],
)
def test_a_column_that_serves_twice_and_a_total_that_is_not_called_one_are_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], how: list[str], text: str, by: str, what: str
) -> None:
    """Either would print what is withheld, or what it is found from; under noise, exactly or at twice the loss."""
    (folder / "t.csv").write_text(text)
    assert run([*how[:1], str(folder / "t.csv"), *how[1:], "--count", "n", "--by", by]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert what in err


def test_a_category_that_a_tree_says_is_no_total_may_be_as_large_as_all_others(folder: Path) -> None:
    (folder / "t.csv").write_text("a,n\nx,30\ny,20\nz,50\n")
    (folder / "a.csv").write_text("code,parent,level\nx,,kind\ny,,kind\nz,,kind\n")
    options = [str(folder / "t.csv"), "--preset", "dfe_cla", "--count", "n", "--by", "a"]
    assert run(["protect", *options]) == 2
    assert run(["protect", *options, "--tree", f"a={folder / 'a.csv'}"]) == 0


def test_a_published_count_that_is_no_whole_number_is_not_read_as_one(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "p.csv").write_text("a,n\nx,c\ny,13.5\nTotal,16\n")
    assert run(["attack", str(folder / "p.csv"), "--preset", "dfe_cla", "--count", "n", "--by", "a"]) == 2
    assert "line 3, column n: not a whole number" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (("v", "t2", "t1"), "line 2: the largest contribution is smaller than the second largest"),
        (("n", "t1", "t2"), "column n is named twice"),
    ],
)
def test_contributions_that_are_given_the_wrong_way_round_are_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], columns: tuple[str, str, str], what: str
) -> None:
    """By the smaller of the two a sum that is nearly all one person's would be shown."""
    (folder / "m.csv").write_text("a,n,v,t1,t2\nx,20,100,60,25\ny,20,200,20,10\n")
    named = [part for pair in zip(("--value", "--top1", "--top2"), columns, strict=True) for part in pair]
    assert run(["protect", str(folder / "m.csv"), "--preset", "dfe_cla", "--count", "n", "--by", "a", *named]) == 2
    assert what in capfd.readouterr().err


def test_amounts_for_which_there_is_no_room_are_refused(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """England's spending in pence."""
    (folder / "m.csv").write_text("a,n,v,t1,t2\nx,20,100.00,60.00,25.00\n\ny,20,13000003500.75,60.00,25.00\n")
    options = ["--preset", "dfe_cla", "--count", "n", "--by", "a", "--value", "v", "--top1", "t1", "--top2", "t2"]
    assert run(["protect", str(folder / "m.csv"), *options]) == 2
    assert "line 4, column v: there is room for 12 digits" in capfd.readouterr().err
    assert run(["attack", str(folder / "m.csv"), *options[:8]]) == 2
    assert "line 4, column v: there is room for 12 digits" in capfd.readouterr().err


@pytest.mark.parametrize("level", ["Authority", "Local authority", "National", "Regional", " region"])
def test_a_level_of_geography_that_is_written_otherwise_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], level: str
) -> None:
    """As any other name it would leave out whoever knows those rows, and the rounding of the level."""
    (folder / "areas.csv").write_text(f"code,parent,level\nN,,nation\nA0,N,{level}\n")
    assert protect(folder) == 2
    assert f"areas.csv: line 3: the level {level} is written" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["t.csv", "areas.csv", "linked.csv"])
def test_a_certificate_overwrites_nothing_that_is_read(
    folder: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / "linked.csv").symlink_to(folder / "t.csv")
    before = (folder / name).read_text()
    assert protect(folder, "--certificate", str(folder / name)) == 2
    out, err = capfd.readouterr()
    assert (out, (folder / name).read_text()) == ("", before)
    assert "would be overwritten" in err


@pytest.mark.parametrize("before", [None, b"an older one"], ids=["a new file", "an old file"])
def test_a_certificate_is_written_whole_or_not_at_all(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, before: bytes | None
) -> None:
    """A disk that is full: what was there stays, be it reached by a link, and nothing is left beside it."""
    path, link = folder / "c.json", folder / "link.json"
    link.symlink_to(path)
    if before is not None:
        path.write_bytes(before)
    assert protect(folder) == 0  # With the secret made.
    here, _ = sorted(folder.iterdir()), capfd.readouterr()

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("os.fsync", fail)
        assert protect(folder, "--certificate", str(link)) == 2
    out, err = capfd.readouterr()
    assert (out, sorted(folder.iterdir())) == ("", here)
    assert "link.json: cannot be written: No space left on device" in err
    assert before is None or path.read_bytes() == before
    assert protect(folder, "--certificate", str(link)) == 0
    assert link.is_symlink()
    assert path.read_bytes().startswith(b'{"certificate"')


def test_a_certificate_goes_down_a_pipe_and_takes_no_place_of_one(folder: Path) -> None:
    """Of `--certificate >(sha256sum)`, and of /dev/null, which nobody wants replaced by a file."""
    os.mkfifo(folder / "pipe")
    read: list[bytes] = []
    reader = Thread(target=lambda: read.append((folder / "pipe").read_bytes()))
    reader.start()
    assert protect(folder, "--certificate", str(folder / "pipe")) == 0
    reader.join()
    assert read[0].startswith(b'{"certificate"')
    assert (folder / "pipe").is_fifo()


def test_how_far_it_is_is_said_on_a_terminal_alone(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pipes it has the notes on standard error, as before, and nothing else."""
    assert protect(folder) == 0
    piped = capfd.readouterr()
    monkeypatch.setattr("federation.progress.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("disclosure_control.suppression.table_protection.MOST_EXACTLY", 0)
    assert protect(folder) == 0
    shown = capfd.readouterr()
    told = shown.err.splitlines()
    steps = {line.removeprefix("n: ").partition(":")[0] for line in told if line not in piped.err.splitlines()}
    assert steps >= {"choosing what to withhold", "proving that nothing is told"}
    assert piped.err.splitlines()[-1].startswith("n: ")
    assert not any(step in piped.err for step in steps)
    (folder / "p.csv").write_text(shown.out)
    assert attack(folder) == 0
    assert {"n: looking at what is known of each cell"} <= {
        line.rpartition(":")[0] for line in capfd.readouterr().err.splitlines()
    }


def test_zeros_that_somebody_else_has_withheld_are_found(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """By the rule c is somebody, of whom there are none here; nobody takes one of the two for a negative count."""
    (folder / "p.csv").write_text("a,n\nx,c\ny,c\nz,20\nTotal,20\n")
    options = ["--preset", "dfe_cla", "--count", "n", "--by", "a"]
    assert run(["attack", str(folder / "p.csv"), *options, "--format", "json"]) == 6
    found = json.loads(capfd.readouterr().out)
    assert (found["exact"], [each["high"] for each in found["intervals"]]) == (2, [0, 0])


@pytest.mark.parametrize(
    "options",
    [
        ["--preset", "nonsense", "--count", "n", "--by", "area"],
        ["--preset", "dfe_cla", "--count", "n"],
        ["--preset", "dfe_cla", "--count", "n", "--by", "area,"],
        ["--preset", "dfe_cla", "--count", "n", "--by", "area", "--tree", "area"],
        ["--preset", "dfe_cla", "--count", "n", "--by", "area", "--value", "n"],
    ],
    ids=" ".join,
)
def test_bad_options_are_refused(folder: Path, options: list[str]) -> None:
    assert run(["protect", str(folder / "t.csv"), *options]) == 2


def test_sums_are_withheld_where_one_contributor_dominates(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Twenty people, of whom one has nearly all: the count stays, and the sum goes with another one beside it."""
    rows = ["Total,60,1000.00,450.00,100.00", "x,20,500.00,450.00,20.00", "y,20,300.00,40.00,30.00"]
    rows += ["z,20,200.00,30.00,30.00"]
    (folder / "m.csv").write_text("\n".join(["a,n,v,t1,t2", *rows]) + "\n")
    options = [str(folder / "m.csv"), "--preset", "dfe_cla", "--count", "n", "--by", "a", "--value", "v"]
    assert run(["protect", *options, "--top1", "t1", "--top2", "t2"]) == 0
    shown = [line.split(",") for line in capfd.readouterr().out.splitlines()]
    assert shown[0] == ["a", "n", "v"]
    assert [line[1] for line in shown[1:]] == ["60", "20", "20", "20"]
    assert {line[0]: line[2] for line in shown[1:]}["x"] == "c"
    assert sum(line[2] == "c" for line in shown) >= 2


def test_an_added_preset_is_named_by_its_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its threshold of 12 withholds a figure of 8 to 11 that opensafely, its floor, prints."""
    strict = str(write_strict(folder))
    options = ["--count", "n", "--by", "area,sex,age", "--tree", f"area={folder / 'areas.csv'}"]
    assert run(["protect", str(folder / "t.csv"), "--preset", strict, *options]) == 0
    shown = capfd.readouterr().out
    smallest = min(int(entry) for line in shown.splitlines()[1:] if (entry := line.rpartition(",")[2]) != "c")
    assert smallest >= 10
    (folder / "p.csv").write_text(shown)
    assert run(["attack", str(folder / "p.csv"), "--preset", strict, *options]) == 0


@pytest.mark.parametrize(
    ("name", "what"), [("dfe_cla.toml", "must not have the name"), ("nobody.toml", "no such file")]
)
def test_a_file_that_is_no_added_preset_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], name: str, what: str
) -> None:
    (folder / "dfe_cla.toml").write_text("")
    options = ["--preset", str(folder / name), "--count", "n", "--by", "area,sex,age"]
    assert run(["protect", str(folder / "t.csv"), *options]) == 2
    assert what in capfd.readouterr().err
