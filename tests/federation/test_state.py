"""A state directory is private, is never half-written, and never forgets what it has pinned or seen."""

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.keys import KEY_FILE, KeyFileError, save_keys
from federation.register import MemberKind, public_text
from federation.state import (
    PROFILE_FILE,
    ROOT_FILE,
    Party,
    StateError,
    create_party,
    join_federation,
    make_profile,
    open_party,
    publish_log_key,
    read_root_key,
    write_profile,
)
from tests.federation.cast import (
    HUB,
    NOT_BASE64,
    NOW,
    OTHER_ROOT,
    PROFILE,
    ROOT,
    contents,
    describe_party,
    make_keys,
    make_register,
    write_register,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- Making and opening ----------------------------------------------------------------------------------------------


def test_everything_in_a_state_directory_is_its_owners_alone(party: Party) -> None:
    publish_log_key(party)
    join_federation(party, ROOT.public_key, HUB)
    assert mode_of(party.directory) == 0o700
    assert {path.name: mode_of(path) for path in party.directory.iterdir()} == dict.fromkeys(
        ["member.toml", "key.json", "root.pub", "log.pub"], 0o600
    )


def test_a_party_is_opened_as_it_was_made(party: Party) -> None:
    assert open_party(party.directory) == party
    assert open_party(party.directory, MemberKind.HUB, MemberKind.NODE) == party
    assert party.authority == "301"
    assert party.member_id == "node-301"


def test_a_directory_holds_one_member_for_good(party: Party) -> None:
    before = contents(party.directory)
    with pytest.raises(StateError, match="already holds a member: choose another directory"):
        create_party(party.directory, describe_party(member_id="node-203"))
    (party.directory / PROFILE_FILE).unlink()
    with pytest.raises(KeyFileError, match="exists already"):
        create_party(party.directory, describe_party(member_id="node-203"))
    assert (party.directory / KEY_FILE).read_bytes() == before[KEY_FILE]


TITLES = [
    "'",
    '"',
    "\\",
    "\\n",
    'a "quoted" \\ title',
    "Sant' Elia = [x]",
    "# no comment",
    "Ynys Môn 🏴",
    "\u00a0",
    "\u0600",
]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_an_odd_title_survives_its_file(tmp_path: Path, title: str) -> None:
    profile = describe_party(title=title, hub=HUB, hub_ca='/odd \\ "path"/é\'s.pem')
    save_keys(make_keys("node-301"), tmp_path)
    write_profile(tmp_path, profile)
    assert open_party(tmp_path).profile == profile


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_kept_or_refused(tmp_path_factory: pytest.TempPathFactory, title: str, hub_ca: str) -> None:
    """What `make_profile` accepts can be read again; the rest is refused at once, in our own words."""
    try:
        profile = describe_party(title=title, hub_ca=hub_ca)
    except StateError:
        return
    directory = tmp_path_factory.mktemp("state")
    save_keys(make_keys("node-301"), directory)
    write_profile(directory, profile)
    assert open_party(directory).profile == profile


BAD_FIELDS: dict[str, dict[str, object]] = {
    "an id with a capital": {"member_id": "Node"},
    "an id that is a path": {"member_id": "../node"},
    "no id": {"member_id": ""},
    "an id with a line break": {"member_id": "node\n"},
    "an id that is too long": {"member_id": "a" * 65},
    "an unknown kind": {"kind": "governor"},
    "no title": {"title": ""},
    "a title of two lines": {"title": "a\nb"},
    "a title with an escape": {"title": "a\x1b[2Jb"},
    "a title that is no text": {"title": "\udc80"},
    "a delete in the title": {"title": "\x7f"},
    "an organisation in words": {"organisation": "London Borough"},
    "an authority in words": {"authorities": ("Barking and Dagenham",)},
    "authorities in one text": {"authorities": "301"},
    "a hub without http": {"hub": "hub.example"},
    "a hub of another kind": {"hub": "file:///etc/passwd"},
    "a hub with a query": {"hub": "https://hub.example?x"},
    "a hub with a line break": {"hub": "https://hub.example\n"},
    "a hub_ca that is no text": {"hub_ca": "\udc80"},
}


@pytest.mark.parametrize("changes", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_a_profile_that_cannot_be_kept_is_refused_by_name(changes: dict[str, object]) -> None:
    ((name, value),) = changes.items()
    with pytest.raises(StateError, match=f"^{name} is missing or not acceptable: ") as refused:
        describe_party(**changes)
    assert "\n" not in str(refused.value)
    assert not isinstance(value, str) or len(value) < 9 or value not in str(refused.value)


def test_a_profile_with_a_field_missing_or_unknown_is_refused_by_name() -> None:
    with pytest.raises(StateError, match=r"^title is missing"):
        make_profile(**{name: value for name, value in PROFILE.items() if name != "title"})
    with pytest.raises(StateError, match=r"^colour is missing or not acceptable"):
        describe_party(colour="red")


@pytest.mark.parametrize("authorities", [(), ("301", "302")])
def test_a_member_that_serves_not_one_authority_says_so(party: Party, authorities: tuple[str, ...]) -> None:
    profile = msgspec.structs.replace(party.profile, authorities=authorities)
    with pytest.raises(StateError, match="node-301 does not serve one authority"):
        _ = Party(party.directory, profile).authority


DAMAGED = {
    "empty": b"",
    "bytes": b"\xff\xfe\x00",
    "no TOML": b"member_id: node-301",
    "cut off": b'member_id = "node-',
    "another form": b"[member]\nid = 1",
    "a field more": b"colour = 1\n",
    "nested deeply": b"x = " + b"[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_profile_is_named_with_its_remedy(party: Party, content: bytes) -> None:
    path = party.directory / PROFILE_FILE
    path.write_bytes(path.read_bytes() + content if content.startswith(b"colour") else content)
    with pytest.raises(StateError, match="is damaged: restore it") as error:
        open_party(party.directory)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StateError, match="is no member's state directory") as error:
            open_party(directory)
        assert str(directory) in str(error.value)


def test_a_directory_of_another_kind_is_refused(party: Party) -> None:
    with pytest.raises(StateError, match="belongs to a node, and this needs the directory of a hub or approver"):
        open_party(party.directory, MemberKind.HUB, MemberKind.APPROVER)


def test_keys_of_another_member_are_refused(party: Party) -> None:
    (party.directory / KEY_FILE).unlink()
    save_keys(make_keys("node-203"), party.directory)
    with pytest.raises(StateError, match=f"the keys belong to another member than {PROFILE_FILE} names"):
        open_party(party.directory)


def test_missing_keys_are_refused(party: Party) -> None:
    (party.directory / KEY_FILE).unlink()
    with pytest.raises(KeyFileError, match="cannot be read"):
        open_party(party.directory)


# --- The pinned root -------------------------------------------------------------------------------------------------


def test_joining_pins_the_root_and_notes_the_hub(party: Party) -> None:
    joined = join_federation(party, ROOT.public_key, HUB + "/", "ca.pem")
    assert joined == open_party(party.directory)
    assert joined.root_key == ROOT.public_key
    assert (joined.profile.hub, joined.profile.hub_ca) == (HUB, "ca.pem")


def test_a_hub_may_move_but_the_root_may_not(member: Party) -> None:
    before = contents(member.directory)
    with pytest.raises(StateError, match="pins another root: a member belongs to one federation for life"):
        join_federation(member, OTHER_ROOT.public_key, "https://elsewhere.example")
    assert contents(member.directory) == before
    assert join_federation(member, ROOT.public_key, "https://new.example").profile.hub == "https://new.example"


@pytest.mark.parametrize("hub", ["hub.example", "ftp://hub.example", "https://", "https://hub example", "javascript:1"])
def test_an_address_that_is_none_is_not_joined(party: Party, hub: str) -> None:
    before = contents(party.directory)
    with pytest.raises(StateError, match=r"^hub is missing or not acceptable"):
        join_federation(party, ROOT.public_key, hub)
    assert contents(party.directory) == before


def test_whoever_has_not_joined_has_no_root(party: Party) -> None:
    with pytest.raises(StateError, match=r"root\.pub is missing: join a federation first"):
        _ = party.root_key


@pytest.mark.parametrize(
    "content",
    [b"\xff" * 44, b"\n", public_text(bytes(31)).encode(), public_text(bytes(33)).encode(), b"A" * 44]
    + [text.encode() for text in NOT_BASE64],
    ids=ascii,
)
def test_a_damaged_root_key_is_named_and_nothing_trusted(member: Party, content: bytes) -> None:
    path = member.directory / ROOT_FILE
    path.write_bytes(content)
    again = open_party(member.directory)
    acts: tuple[Callable[[], object], ...] = (
        lambda: again.root_key,
        lambda: again.register(NOW),
        lambda: again.adopt_register(write_register(make_register(version=6)), NOW),
        lambda: join_federation(again, ROOT.public_key, HUB),
    )
    for act in acts:
        with pytest.raises(StateError, match="is not a root key") as error:
            act()
        assert str(path) in str(error.value)
    assert path.read_bytes() == content


def test_a_root_key_is_one_line_of_base64() -> None:
    assert read_root_key(public_text(ROOT.public_key) + "\n") == ROOT.public_key
    with pytest.raises(StateError, match="one line of base64 holding 32 bytes"):
        read_root_key(public_text(ROOT.public_key) * 2)
