"""An output appears whole or not at all, and what is read is what it should be or is refused."""

import errno
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_sentiment.runtime.errors import ArtifactError, OutputError
from imdb_sentiment.runtime.files import read_json, read_npz, write_json, write_npz, written_beside, written_together
from tests.conftest import snapshot

# KeyboardInterrupt is what Ctrl-C raises; it is no Exception.
INTERRUPTIONS = [ZeroDivisionError, KeyboardInterrupt, SystemExit]


def write_file(path: Path, content: str = "new") -> None:
    path.write_text(content)


def write_folder(path: Path, content: str = "new") -> None:
    path.mkdir()
    (path / "one").write_text(content)
    (path / "deep").mkdir()
    (path / "deep/two").write_text(content)


def write_half(path: Path, write: Callable[..., None], raised: type[BaseException]) -> None:
    with written_beside(path) as partial:
        write(partial, "half")
        raise raised


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_an_output_takes_its_place_when_it_is_whole(tmp_path: Path, write: Callable[[Path], None]) -> None:
    expected = tmp_path / "expected"
    write(expected)
    path = tmp_path / "made/on/the/way/output"
    with written_beside(path) as partial:
        assert partial.parent == path.parent
        write(partial)
        assert not path.exists()
    assert [its.name for its in path.parent.iterdir()] == ["output"]
    if path.is_file():
        assert path.read_bytes() == expected.read_bytes()
    else:
        assert snapshot(path) == snapshot(expected)


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_an_output_replaces_the_old_one_in_full(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "output"
    write_folder(path, "old")
    (path / "of the old one alone").write_text("old")
    if write is write_file:
        (tmp_path / "output").rename(tmp_path / "other")
        write_file(path, "old")
    with written_beside(path) as partial:
        write(partial)
    found = snapshot(tmp_path)
    assert found.get("output") == (b"new" if write is write_file else None)
    assert "output/of the old one alone" not in found
    assert not [name for name in found if "partial" in name]


@pytest.mark.parametrize("raised", INTERRUPTIONS)
@pytest.mark.parametrize("write", [write_file, write_folder])
def test_an_interruption_leaves_the_old_output_and_nothing_else(
    tmp_path: Path, write: Callable[..., None], raised: type[BaseException]
) -> None:
    path = tmp_path / "output"
    write(path, "old")
    before = snapshot(tmp_path)
    with pytest.raises(raised):
        write_half(path, write, raised)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("raised", INTERRUPTIONS)
def test_an_interruption_before_anything_is_written_leaves_nothing(tmp_path: Path, raised: type[BaseException]) -> None:
    with pytest.raises(raised), written_beside(tmp_path / "output"):
        raise raised
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("leave", [write_file, write_folder])
@pytest.mark.parametrize("write", [write_file, write_folder])
def test_what_a_killed_run_left_is_cleared_away(
    tmp_path: Path, leave: Callable[..., None], write: Callable[..., None]
) -> None:
    with written_beside(tmp_path / "output") as partial:
        write_file(partial)
    (tmp_path / "output").unlink()
    leave(partial, "left")
    with written_beside(tmp_path / "output") as partial:
        write(partial)
    names = {"output"} if write is write_file else {"output", "output/one", "output/deep", "output/deep/two"}
    assert set(snapshot(tmp_path)) == names


def test_a_folder_takes_the_place_of_a_file(tmp_path: Path) -> None:
    write_file(tmp_path / "output", "old")
    with written_beside(tmp_path / "output") as partial:
        write_folder(partial)
    assert (tmp_path / "output/deep/two").read_text() == "new"


def test_a_folder_is_not_destroyed_for_a_file(tmp_path: Path) -> None:
    write_folder(tmp_path / "output", "old")
    before = snapshot(tmp_path)
    with (
        pytest.raises(OutputError, match=r"/output: cannot be written: "),
        written_beside(tmp_path / "output") as partial,
    ):
        write_file(partial)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path, write: Callable[..., None]) -> None:
    # DVC may link an output into its cache, and the cache must never change.
    write(tmp_path / "cached", "old")
    before = snapshot(tmp_path)
    (tmp_path / "output").symlink_to(tmp_path / "cached")
    with written_beside(tmp_path / "output") as partial:
        write(partial)
    after = snapshot(tmp_path)
    assert not (tmp_path / "output").is_symlink()
    assert {name: content for name, content in after.items() if name.startswith("cached")} == before


def test_a_place_under_a_file_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path / "file", "old")
    before = snapshot(tmp_path)
    path = tmp_path / "file/output"
    with pytest.raises(OutputError) as caught:
        write_json({}, path)
    assert str(caught.value).startswith(f"{path}: cannot be written: ")
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="only Linux has /proc, in which nobody may write")
def test_a_place_that_nobody_may_write_to_is_refused() -> None:
    with pytest.raises(OutputError, match=r"^/proc/output: cannot be written: "):
        write_npz({"a": np.zeros(3)}, Path("/proc/output"))


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from imdb_sentiment.runtime.errors import OutputError
from imdb_sentiment.runtime.files import write_json, write_npz, written_together

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path = Path(sys.argv[1])
try:
    if path.suffix == ".npz":
        write_npz({"large": np.zeros(100_000), "small": np.zeros(3)}, path)
    elif path.suffix == ".json":
        write_json({"large": "x" * 100_000}, path)
    else:
        with written_together(path.with_name("other"), path) as (other, partial):
            other.write_text("new")
            partial.mkdir()
            write_npz({"large": np.zeros(100_000)}, partial / "large.npz")
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "named"),
    [("output.npz", "output.npz"), ("output.json", "output.json"), ("folder", "folder/large.npz")],
)
def test_a_disk_without_room_leaves_the_old_output(tmp_path: Path, name: str, named: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    # A limit on the size of a file breaks a write off half-way, as a full disk does.
    command = [sys.executable, "-W", "error", "-c", FULL_DISK, tmp_path / name]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert result.stdout == f"{tmp_path / named}: cannot be written: {os.strerror(errno.EFBIG)}\n"
    assert snapshot(tmp_path) == {name: b"old"}


def test_outputs_that_belong_together_take_their_places_together(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "made/two"
    with written_together(one, two) as (partial_one, partial_two):
        write_file(partial_one)
        write_folder(partial_two)
        assert not one.exists()
        assert not two.exists()
    assert one.read_text() == "new"
    assert (two / "deep/two").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"one", "made"}
    assert {path.name for path in two.parent.iterdir()} == {"two"}


def test_of_outputs_that_belong_together_none_takes_its_place_if_one_cannot(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    write_file(one, "old")
    write_folder(two, "old")
    before = snapshot(tmp_path)
    with pytest.raises(OutputError, match=r"/two: cannot be written: "):
        write_all(one, two, three)
    assert snapshot(tmp_path) == before
    with pytest.raises(OutputError, match=r"/one/below: cannot be written: "):
        write_all(three, one / "below")
    assert snapshot(tmp_path) == before


def write_all(*paths: Path) -> None:
    with written_together(*paths) as partials:
        for partial in partials:
            write_file(partial)


@pytest.mark.parametrize("raised", INTERRUPTIONS)
def test_an_interruption_leaves_all_the_old_outputs(tmp_path: Path, raised: type[BaseException]) -> None:
    write_file(tmp_path / "one", "old")
    before = snapshot(tmp_path)
    with pytest.raises(raised):
        write_one_of_two(tmp_path / "one", tmp_path / "two", raised)
    assert snapshot(tmp_path) == before


def write_one_of_two(one: Path, two: Path, raised: type[BaseException]) -> None:
    with written_together(one, two) as (partial_one, _):
        write_file(partial_one)
        raise raised


def test_an_output_that_nobody_wrote_is_named(tmp_path: Path) -> None:
    write_file(tmp_path / "one", "old")
    before = snapshot(tmp_path)
    with (
        pytest.raises(OutputError, match=r"/two: cannot be written: "),
        written_together(tmp_path / "one", tmp_path / "two") as (partial_one, _),
    ):
        write_file(partial_one)
    assert snapshot(tmp_path) == before


def test_json_is_indented_in_the_keys_own_order_and_ends_its_line(tmp_path: Path) -> None:
    write_json({"b": 1, "a": {"café": [0.5, None]}}, tmp_path / "content.json")
    expected = '{\n  "b": 1,\n  "a": {\n    "café": [\n      0.5,\n      null\n    ]\n  }\n}\n'
    assert (tmp_path / "content.json").read_bytes() == expected.encode()


def test_json_comes_back(tmp_path: Path) -> None:
    content = {"b": 1, "a": {"café": [0.5, None, True, "\n"]}}
    write_json(content, tmp_path / "content.json")
    assert read_json(tmp_path / "content.json") == content


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b'{"a": 1} b', "cannot be read as JSON"),
        (b'{"a": "\xff"}', "cannot be read as JSON"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[1]", "a JSON list"),
        (b"null", "a JSON NoneType"),
        (b'"text"', "a JSON str"),
    ],
    ids=["empty", "cut short", "too much", "no UTF-8", "deeper than the stack", "a list", "null", "a text"],
)
def test_a_broken_json_file_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "content.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: found ")
    assert found in str(caught.value)
    assert str(caught.value).endswith("; expected a JSON object")


@pytest.mark.parametrize("read", [read_json, read_npz])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(ArtifactError, match=r"/output: found no such file; expected the output of an earlier stage"):
        read(tmp_path / "output")


@pytest.mark.parametrize("read", [read_json, read_npz])
def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read(tmp_path)


def test_arrays_come_back_and_the_file_is_the_same_to_the_byte_each_time(tmp_path: Path) -> None:
    arrays = {"b": np.arange(6, dtype=np.int32).reshape(2, 3), "a": np.array(["x", "yz"])}
    for name in ("one.npz", "two.npz"):
        write_npz(arrays, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    # Two files of the same second would be equal by chance.
    with zipfile.ZipFile(tmp_path / "one.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    found = read_npz(tmp_path / "one.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def save_plain(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(3))


def save_pickled_plain(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([{}], object))


def save_member_of_another_kind(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_labels", "no array")


def save_encrypted(path: Path) -> None:
    write_npz({"a": np.arange(3)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the archive's directory
    path.write_bytes(content)


def save_cut_short(path: Path) -> None:
    write_npz({"a": np.arange(1000)}, path)
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    "save",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no arrays, just words"),
        lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
        lambda path: np.savez(path, a=np.array([{}], object)),
        save_plain,
        save_pickled_plain,
        save_member_of_another_kind,
        save_cut_short,
        save_encrypted,
    ],
    ids=[
        "empty",
        "words",
        "beginning of a zip",
        "pickles",
        "one npy",
        "one pickled npy",
        "other member",
        "cut short",
        "encrypted",
    ],
)
def test_a_broken_npz_file_is_refused(tmp_path: Path, save: Callable[[Path], Any]) -> None:
    path = tmp_path / "arrays.npz"
    save(path)
    with pytest.raises(ArtifactError) as caught:
        read_npz(path)
    assert str(caught.value).startswith(f"{path}: found what cannot be read as npz (")
    assert str(caught.value).endswith("; expected NumPy arrays without pickles")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_byte_is_refused_or_does_no_harm(tmp_path: Path, save: Callable[..., None]) -> None:
    save(tmp_path / "whole.npz", a=np.arange(40), b=np.array(["x", "yz"]))
    whole = (tmp_path / "whole.npz").read_bytes()
    damaged = tmp_path / "damaged.npz"
    refused = 0
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        damaged.write_bytes(flipped)
        try:
            arrays = read_npz(damaged)
        except ArtifactError:
            refused += 1
        else:
            assert all(isinstance(array, np.ndarray) for array in arrays.values()), place
    assert refused > len(whole) / 2


def test_a_file_that_claims_more_than_memory_holds_is_refused(tmp_path: Path) -> None:
    member = io.BytesIO()
    claim = {"descr": "<i8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(member, claim)  # type: ignore[arg-type]
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as archive:
        archive.writestr("a.npy", member.getvalue() + bytes(24))
    with pytest.raises(ArtifactError, match="cannot be read as npz"):
        read_npz(tmp_path / "arrays.npz")
