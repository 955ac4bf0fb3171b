"""An output is written whole or not at all, and a file that is read is what it should be or is refused."""

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
from imdb_sentiment.runtime.files import (
    OutputFolder,
    read_json,
    read_npz,
    write_json,
    write_npz,
    written_beside,
    written_together,
)
from tests.factories import snapshot, write_folder
from tests.stage_runs import full_disk

INTERRUPTIONS = [ZeroDivisionError, KeyboardInterrupt, SystemExit]
FILES = r"(?:one|two)\.txt"


def write_both(root: Path, text: bytes = b"new", *, raised: type[BaseException] | None = None) -> None:
    """Write the file `root/file` and the folder `root/folder`, and be interrupted before the end by `raised`."""
    outputs = (root / "file", OutputFolder(root / "folder", FILES, others="README|\\..*"))
    with written_together(*outputs) as (file, folder):
        write_folder(folder, {"one.txt": text, "two.txt": text})
        file.write_bytes(text)
        if raised is not None:
            raise raised


def files_in(root: Path) -> dict[str, bytes]:
    return {name: content for name, content in snapshot(root).items() if content is not None}


BOTH = dict.fromkeys(("file", "folder/one.txt", "folder/two.txt"), b"new")


def test_outputs_take_their_places_when_all_are_written(tmp_path: Path) -> None:
    with written_together(tmp_path / "one", tmp_path / "made/on/the/way/two") as (one, two):
        one.write_bytes(b"1")
        two.write_bytes(b"2")
        assert not (tmp_path / "one").exists()
    assert files_in(tmp_path) == {"one": b"1", "made/on/the/way/two": b"2"}


def test_outputs_replace_the_old_ones(tmp_path: Path) -> None:
    write_both(tmp_path, b"old")
    write_both(tmp_path)
    assert files_in(tmp_path) == BOTH


def test_a_folder_loses_files_of_an_earlier_run_and_keeps_those_of_other_commands(tmp_path: Path) -> None:
    kept = {"README": b"of another stage", ".gitignore": b"*"}
    folder = write_folder(tmp_path / "folder", {"one.txt": b"old", "two.txt": b"old", **kept})
    with written_beside(OutputFolder(folder, FILES, others="README|\\..*")) as partial:
        write_folder(partial, {"one.txt": b"new"})
    assert files_in(folder) == {"one.txt": b"new", **kept}


@pytest.mark.parametrize("raised", INTERRUPTIONS)
@pytest.mark.parametrize("old", [{}, {"file": b"old", "folder/one.txt": b"old"}])
def test_an_interruption_leaves_the_old_outputs_and_nothing_else(
    tmp_path: Path, old: dict[str, bytes], raised: type[BaseException]
) -> None:
    before = snapshot(write_folder(tmp_path, old))
    with pytest.raises(raised):
        write_both(tmp_path, raised=raised)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("existing", "found"),
    [
        ({"folder/thesis.docx": b"years of work"}, "the folder holds thesis.docx"),
        ({"folder/one.txt": b"old", "folder/more/deep": b""}, "the folder holds more"),
        ({"folder/README/deep": b""}, "the folder holds README"),
        ({"folder": b"a file"}, "not a folder"),
        ({"file/in": b"a folder"}, "a folder stands there"),
    ],
)
def test_what_the_command_did_not_write_is_refused_before_any_work(
    tmp_path: Path, existing: dict[str, bytes], found: str
) -> None:
    before = snapshot(write_folder(tmp_path, existing))
    with pytest.raises(OutputError, match=found):
        write_both(tmp_path, raised=AssertionError)
    assert snapshot(tmp_path) == before


def test_a_link_to_a_folder_is_refused_and_one_to_a_file_replaced(tmp_path: Path) -> None:
    # DVC may link an output into its cache, and the cache must never change.
    cached = write_folder(tmp_path / "cached", {"file": b"old", "folder/one.txt": b"old"})
    (tmp_path / "file").symlink_to(cached / "file")
    (tmp_path / "folder").symlink_to(cached / "folder")
    before = snapshot(cached)
    with pytest.raises(OutputError, match="not a folder"):
        write_both(tmp_path, raised=AssertionError)
    (tmp_path / "folder").unlink()
    write_both(tmp_path)
    assert snapshot(cached) == before
    assert not (tmp_path / "file").is_symlink()


@pytest.mark.parametrize("inner", ["folder", "folder/one.txt", "folder/deep/one.txt", "link/one.txt"])
def test_outputs_within_each_other_are_refused(tmp_path: Path, inner: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for outputs in ([tmp_path / "folder", tmp_path / inner], [tmp_path / inner, tmp_path / "folder"]):
        with pytest.raises(OutputError, match="within another output"), written_together(*outputs):
            raise AssertionError


def test_partial_files_of_dead_processes_are_removed_and_no_others(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with written_beside(tmp_path / "output") as partial:
        partial.touch()
        name = partial.name
    dead = name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    living = name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
    foreign = f".imdb-sentiment-other.host-{ended.pid}-0123abcd.partial"
    others = dict.fromkeys((living, foreign, ".imdb-sentiment-x-0.partial", "mine"), b"")
    (tmp_path / "output").unlink()
    write_folder(tmp_path, {dead: b"half", f"sub/{dead}/in": b"half", **others})
    write_both(tmp_path)
    with written_beside(tmp_path / "sub/output") as partial:
        partial.write_bytes(b"new")
    assert files_in(tmp_path) == {**BOTH, **others, "sub/output": b"new"}


def test_two_that_write_one_output_at_once_do_not_mix(tmp_path: Path) -> None:
    with written_beside(tmp_path / "output") as one:
        with written_beside(tmp_path / "output") as other:
            one.write_bytes(b"one")
            other.write_bytes(b"other")
        assert files_in(tmp_path)["output"] == b"other"
    assert files_in(tmp_path) == {"output": b"one"}


KILLED = """
import os, signal, sys
from pathlib import Path
from imdb_sentiment.runtime.files import OutputFolder, written_together

replace = Path.replace
for last in range(4):
    if not os.fork():
        done = iter(range(100))
        kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
        Path.replace = lambda path, to: kill() if next(done) == last else replace(path, to)
        root = Path(sys.argv[1], str(last))
        with written_together(root / "file", OutputFolder(root / "folder", ".*txt")) as (file, folder):
            folder.mkdir()
            for path in (file, folder / "one.txt", folder / "two.txt"):
                path.write_text("new")
        os._exit(0)
    os.wait()
"""


def test_a_kill_between_two_renames_leaves_old_or_new_files(tmp_path: Path) -> None:
    for number in range(4):
        write_both(tmp_path / str(number), b"old")
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=True)
    for number in range(4):
        found = {
            name: content for name, content in files_in(tmp_path / str(number)).items() if not name.startswith(".")
        }
        assert found.keys() == BOTH.keys()
        assert list(found.values()).count(b"new") == number
    write_both(tmp_path / "1")  # and the next run leaves no trace of the killed one
    assert files_in(tmp_path / "1") == BOTH


def test_names_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    write_json({"a": 1}, tmp_path / f"{'n' * 250}.json")
    assert read_json(tmp_path / f"{'n' * 250}.json") == {"a": 1}
    with pytest.raises(OutputError, match="name too long"):
        write_json({"a": 1}, tmp_path / f"{'n' * 251}.json")


@pytest.mark.parametrize("place", ["file/output", "/proc/output", "/proc/deep/output"])
def test_a_place_that_nobody_can_write_to_is_refused(tmp_path: Path, place: str) -> None:
    write_folder(tmp_path, {"file": b"old"})
    before = snapshot(tmp_path)
    with (
        pytest.raises(OutputError, match=f"{place}: cannot be written: "),
        written_together(tmp_path / "other", tmp_path / place) as (other, _),
    ):
        other.write_bytes(b"new")
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match=r"output: cannot be written: Permission denied"):
        write_json({}, tmp_path / "output")


def write_large_arrays(root: Path) -> None:
    with written_together(root / "file", OutputFolder(root / "folder", FILES)) as (file, folder):
        file.write_bytes(b"new")
        folder.mkdir()
        write_npz({"large": np.zeros(100_000), "small": np.zeros(3)}, folder / "one.txt")


def test_a_full_disk_leaves_the_old_outputs_and_names_the_file(tmp_path: Path) -> None:
    write_both(tmp_path, b"old")
    before = snapshot(tmp_path)
    with full_disk(4096), pytest.raises(OutputError) as caught:
        write_large_arrays(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'folder/one.txt'}: cannot be written: {os.strerror(errno.EFBIG)}"
    assert snapshot(tmp_path) == before


def test_an_output_that_was_not_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"/two: cannot be written: nothing was written"),
        written_together(tmp_path / "one", tmp_path / "two") as (one, _),
    ):
        one.write_bytes(b"new")
    assert snapshot(tmp_path) == {}


def test_json_is_indented_and_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    content = {"b": 1, "a": {"café": [0.5, None]}}
    write_json(content, tmp_path / "content.json")
    expected = '{\n  "b": 1,\n  "a": {\n    "café": [\n      0.5,\n      null\n    ]\n  }\n}\n'
    assert (tmp_path / "content.json").read_bytes() == expected.encode()
    assert read_json(tmp_path / "content.json") == content


def test_equal_arrays_make_equal_bytes_and_come_back(tmp_path: Path) -> None:
    arrays = {"b": np.arange(6, dtype=np.int32).reshape(2, 3), "a": np.array(["x", "yz"])}
    write_npz(arrays, tmp_path / "arrays.npz")
    # Two files of the same second would be equal by chance.
    with zipfile.ZipFile(tmp_path / "arrays.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    found = read_npz(tmp_path / "arrays.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    "content", [b"{", b'{"a": "\xff"}', b"[" * 100_000, b"[1]"], ids=["cut short", "not UTF-8", "deep", "a list"]
)
def test_reading_json_rejects_what_is_no_object(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "content.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"content.json: found .*JSON.*; expected a JSON object$"):
        read_json(tmp_path / "content.json")


def save_plain(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(3))


def save_false_claim(path: Path) -> None:
    member = io.BytesIO()
    claim = {"descr": "<i8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(member, claim)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", member.getvalue() + bytes(24))


def save_open_bracket(path: Path) -> None:
    """Write an array whose header, which NumPy reads as Python's syntax, opens a bracket and does not close it."""
    header = b"{'descr': '<i8', 'shape': ((((".ljust(117) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24))


@pytest.mark.parametrize(
    "save",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
        lambda path: np.savez(path, a=np.array([{}], object)),
        save_plain,
        save_false_claim,
        save_open_bracket,
    ],
    ids=["empty", "cut short", "pickles", "one npy", "more than memory", "open bracket"],
)
def test_reading_npz_rejects_what_is_no_archive_of_arrays(tmp_path: Path, save: Callable[[Path], Any]) -> None:
    path = tmp_path / "arrays.npz"
    save(path)
    with pytest.raises(ArtifactError) as caught:
        read_npz(path)
    assert str(caught.value).startswith(f"{path}: found ")
    assert "; expected " in str(caught.value)


@pytest.mark.parametrize("read", [read_json, read_npz])
def test_reading_rejects_what_is_missing_or_no_regular_file(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ArtifactError, match="a folder, pipe or device"):
            read(path)
    with pytest.raises(ArtifactError, match=r"/output: found no such file; expected the output of an earlier stage"):
        read(tmp_path / "output")
