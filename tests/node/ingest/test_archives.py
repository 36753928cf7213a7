"""Archives: every member is loaded or reported, whatever the archive says of itself, and nothing leaves the load."""

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from node.ingest import archives
from node.ingest.archives import is_archive, open_archive
from node.ingest.load import load_files
from node.ingest.sources import Source
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Judge
from tests.node.ingest.small_returns import TOKEN_KEY, clock, judge_files, write_table

OC2 = b"CHILD,DOB,SDQ_SCORE,SDQ_REASON\n1,01/01/2010,4,\n"


def pack(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return stream.getvalue()


def lock(content: bytes) -> bytes:
    """The same archive with its first member marked as locked by a password."""
    locked = bytearray(content)
    struct.pack_into("<H", locked, locked.index(b"PK\x01\x02") + 8, 1)
    return bytes(locked)


def test_members_in_directories_load_like_files_in_directories(tmp_path: Path, store: SnapshotStore) -> None:
    """A return of two years in one zip: each directory of it is a return, as it is on disk."""
    for year in (2023, 2024):
        write_table(tmp_path / f"{year}", "header", "CHILD\n1")
        write_table(tmp_path / f"{year}", "episodes", f"CHILD | DECOM\n1 | 01/02/{year}")
    members = {f"returns/{path.parent.name}/{path.name}": path.read_bytes() for path in sorted(tmp_path.rglob("*.csv"))}
    packed = tmp_path / "returns.zip"
    packed.write_bytes(pack(members))
    report = load_files([packed], store=store, authority="301", token_key=TOKEN_KEY, clock=clock)
    assert [(each.member, each.period, each.rows_loaded) for each in report.files] == [
        ("returns/2023/episodes.csv", "202223", 1),
        ("returns/2023/header.csv", "202223", 1),
        ("returns/2024/episodes.csv", "202324", 1),
        ("returns/2024/header.csv", "202324", 1),
    ]
    assert {each.path for each in report.files} == {str(packed)}
    assert "returns.zip > returns/2023/header.csv" in report.to_text()
    current = store.current()
    assert current is not None
    assert not list(current.path.rglob("member*"))


def test_the_term_of_a_census_may_be_in_the_member_s_name_or_in_the_archive_s(tmp_path: Path) -> None:
    roll = write_table(tmp_path, "pupilonroll", "upn\na").read_bytes()
    (tmp_path / "pupilonroll.csv").unlink()
    (tmp_path / "census.zip").write_bytes(pack({"2024_autumn_pupilonroll.csv": roll}))
    (tmp_path / "2025_summer.zip").write_bytes(pack({"pupilonroll.csv": roll}))
    assert {each.period for each in judge_files([tmp_path])} == {"202425-autumn", "202425-summer"}


def test_hidden_members_and_directories_are_passed_over(judge: Judge) -> None:
    members = {"a/": b"", "a/.DS_Store": b"x", "__MACOSX/a/._oc2.csv": b"x", "a/oc2.csv": OC2}
    assert [report.rows_loaded for report in judge(**{"a.zip": pack(members)}).values()] == [1]


HOSTILE_NAMES = ("../oc2.csv", "a/../../oc2.csv", "/etc/oc2.csv", "C:/oc2.csv", "..\\oc2.csv", "a\\..\\..\\oc2.csv")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_leads_out_of_the_archive_is_reported_and_not_unpacked(name: str, tmp_path: Path) -> None:
    packed = tmp_path / "in" / "a.zip"
    packed.parent.mkdir()
    packed.write_bytes(pack({name: OC2, "oc2.csv": OC2}))
    before = set(tmp_path.rglob("*"))
    reports = judge_files([packed])
    assert sorted(report.rows_loaded for report in reports) == [0, 1]
    assert [dict(report.rules) for report in reports if not report.rows_loaded] == [{"unsafe_member": 0}]
    assert set(tmp_path.rglob("*")) == before


def test_links_and_second_members_of_one_name_are_not_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("oc2.csv", OC2)
        archive.writestr("oc2.csv", OC2)
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    found = [(report.member, dict(report.rules), report.rows_loaded) for report in judge_files([tmp_path])]
    assert found == [("link.csv", {"unsafe_member": 0}, 0), ("oc2.csv", {}, 1), ("oc2.csv", {"unsafe_member": 0}, 0)]


def test_control_characters_of_a_name_are_not_printed(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(pack({"oc\x1b[2J2.csv": OC2}))
    assert [report.member for report in judge_files([tmp_path])] == ["oc?[2J2.csv"]


def test_a_locked_member_is_reported_and_its_neighbours_load(judge: Judge) -> None:
    reports = judge(**{"a.zip": lock(pack({"locked.csv": OC2, "open.csv": OC2}))})
    assert dict(reports["locked"].rules) == {"encrypted_member": 0}
    assert reports["open"].rows_loaded == 1


def test_a_damaged_member_is_reported_and_its_neighbours_load(judge: Judge) -> None:
    content = pack({"bad.csv": OC2, "good.csv": OC2 * 2}, zipfile.ZIP_STORED)
    content = content.replace(b"1,01/01/2010,4,", b"1,01/01/2010,5,", 1)
    reports = judge(**{"a.zip": content})
    assert dict(reports["bad"].rules) == {"broken_member": 0}
    assert reports["good"].rows_in == 3


def test_a_member_that_unpacks_beyond_measure_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it claims to be does not count: the size in the directory is put down to nothing."""
    content = bytearray(pack({"bomb.csv": OC2 + b" " * 20_000_000}))
    place = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, place + 24, 10)
    (tmp_path / "a.zip").write_bytes(content)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (bomb,) = open_archive(Source(tmp_path / "a.zip"), scratch)
    assert bomb.fault in ("oversized_archive", "broken_member")
    assert not list(scratch.iterdir())


def test_a_member_may_not_come_to_many_times_its_packed_size(judge: Judge) -> None:
    reports = judge(**{"a.zip": pack({"bomb.csv": OC2 + b" " * 20_000_000, "oc2.csv": OC2})})
    assert dict(reports["bomb"].rules) == {"oversized_archive": 0}
    assert reports["oc2"].rows_loaded == 1


def test_the_members_together_may_not_come_to_more_than_is_allowed(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 2 * len(OC2))
    members = {f"oc{number}.csv": OC2.replace(b"\n1", b"\n%d" % number) for number in (1, 2, 3)}
    reports = judge(**{"a.zip": pack(members)})
    assert [dict(report.rules) for report in reports.values()] == [{}, {}, {"oversized_archive": 0}]


def test_an_archive_of_too_many_members_is_reported_whole(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    (report,) = judge(**{"a.zip": pack({f"oc{number}.csv": OC2 for number in (1, 2, 3)})}).values()
    assert (report.member, dict(report.rules)) == (None, {"oversized_archive": 0})


def test_an_archive_in_an_archive_stays_closed(judge: Judge) -> None:
    reports = judge(**{"a.zip": pack({"inner.zip": pack({"oc2.csv": OC2}), "inner2.csv": pack({"oc2.csv": OC2})})})
    assert [dict(report.rules) for report in reports.values()] == [{"nested_archive": 0}] * 2


def test_an_archive_cut_short_is_reported_whole(judge: Judge) -> None:
    (report,) = judge(**{"a.zip": pack({"oc2.csv": OC2})[:-30]}).values()
    assert dict(report.rules) == {"broken_archive": 0}


def test_an_archive_with_nothing_in_it_is_an_empty_file(judge: Judge) -> None:
    (report,) = judge(**{"a.zip": pack({"a/": b""})}).values()
    assert dict(report.rules) == {"empty_file": 0}


def test_a_spreadsheet_is_no_archive(judge: Judge, tmp_path: Path) -> None:
    """It is told to be exported as CSV, not taken apart into its XML."""
    content = pack({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
    (report,) = judge(**{"return.xlsx": content}).values()
    assert set(report.rules) == {"binary_file"}
    (tmp_path / "text.zip").write_bytes(OC2)
    assert not is_archive(tmp_path / "text.zip")
    assert not is_archive(tmp_path / "absent.zip")


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_an_archive_cut_or_garbled_anywhere_is_reported_and_stops_nothing(cut: int, judge: Judge) -> None:
    content = pack({"a/oc2.csv": OC2})
    garbled = content[:cut] + b"\xff\xff" + content[cut + 2 :]
    for each in (content[:cut], garbled):
        for report in judge(**{"a.zip": each, "oc2.csv": OC2}).values():
            assert report.rows_in == report.rows_loaded + report.rows_reported
