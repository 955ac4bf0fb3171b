"""The files of a distributed run, here and in a store, and what a worker makes of one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from imdb_sentiment.distributed.file_classifier import FileClassifier, Settings, load_model, read_model_files
from imdb_sentiment.distributed.file_systems import FileWork, Location, find_work
from imdb_sentiment.prediction.answers import Thresholds
from imdb_sentiment.prediction.classified_rows import BadRows
from imdb_sentiment.runtime.errors import InputError
from tests.commands import Run

SETTINGS = Settings(Thresholds(), BadRows.REFUSE, None, overwrite_columns=False)
TEXTS = ["I loved it, a wonderful story.", "I hated it, dull.", "I loved it. I left early."]


@pytest.fixture(scope="module")
def classifier(exported_once: Path) -> FileClassifier:
    return FileClassifier(load_model(read_model_files(exported_once / "data/model")), SETTINGS)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for a store: `store://a` is the file a in it."""
    parse = Location.parse

    def parse_address(text: str) -> Location:
        if text.startswith("store://"):
            system = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
            return Location(system, "store", text.removeprefix("store://"))
        return parse(text)

    monkeypatch.setattr(Location, "parse", parse_address)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    return tmp_path


def write_reviews(path: Path) -> Path:
    pq.write_table(pa.table({"text": TEXTS}), path)
    return path


def test_worker_writes_what_predict_writes(
    classifier: FileClassifier, run: Run, exported_once: Path, tmp_path: Path
) -> None:
    source = write_reviews(tmp_path / "a.parquet")
    model = exported_once / "data/model"
    assert run("predict", source, "--output", tmp_path / "plain.parquet", "--model", model).exit_code == 0
    outcome = classifier.classify(FileWork(str(source), str(tmp_path / "out.parquet")))
    assert (outcome.tally.count, outcome.tally.bad_count, outcome.error) == (3, 0, None)
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_files_of_a_store_are_written_whole_and_once(classifier: FileClassifier, store: Path) -> None:
    local = write_reviews(store / "in/a.parquet")
    (work,), done = find_work(["store://in"], "store://out")
    assert (work, done) == (FileWork("store://in/a.parquet", "store://out/a.parquet"), 0)
    assert classifier.classify(work).tally.count == 3
    assert [path.name for path in (store / "out").iterdir()] == ["a.parquet"]
    classifier.classify(FileWork(str(local), str(store / "local.parquet")))
    assert (store / "out/a.parquet").read_bytes() == (store / "local.parquet").read_bytes()
    assert find_work(["store://in"], "store://out") == ([], 1)


@pytest.mark.parametrize("scheme", ["", "store://"])
def test_broken_file_comes_back_as_a_message(classifier: FileClassifier, store: Path, scheme: str) -> None:
    (store / "in/a.parquet").write_bytes(b"PAR1 and no more")
    source = f"{scheme}in/a.parquet" if scheme else str(store / "in/a.parquet")
    output = f"{scheme}out/a.parquet" if scheme else str(store / "out/a.parquet")
    outcome = classifier.classify(FileWork(source, output))
    assert outcome.error is not None
    assert outcome.error.startswith(source)
    assert not list((store / "out").iterdir())


def test_store_without_the_file_or_that_cannot_be_written_is_named(classifier: FileClassifier, store: Path) -> None:
    write_reviews(store / "in/a.parquet")
    outcome = classifier.classify(FileWork("store://in/b.parquet", "store://out/b.parquet"))
    assert "store://in/b.parquet: found what cannot be read" in str(outcome.error)
    outcome = classifier.classify(FileWork("store://in/a.parquet", "store://absent/a.parquet"))
    assert "absent/a.parquet: cannot be written" in str(outcome.error)
    assert sorted(path.name for path in store.iterdir()) == ["in", "out"]


def test_address_of_no_store_is_refused() -> None:
    with pytest.raises(InputError, match="nowhere://a: found an address that cannot be opened"):
        Location.parse("nowhere://a")
