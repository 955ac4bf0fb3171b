"""What commands show: bars on a terminal, lines elsewhere, nothing with --quiet; tables; and no control characters."""

import os
import pty
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import typer

from imdb_sentiment.runtime.command import command_app
from imdb_sentiment.runtime.console import (
    LINE_EVERY,
    Verbosity,
    as_time,
    console_progress,
    print_metrics,
    printable,
    verbosity,
)
from imdb_sentiment.runtime.errors import SourceError
from imdb_sentiment.runtime.progress import no_progress, track
from tests.stage_runs import invoke


class Clock:
    """Stands in for `time.monotonic`: time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("imdb_sentiment.runtime.console.time.monotonic", clock)
    return clock


def test_progress_is_lines_where_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with console_progress("Reading", 2000, "reviews") as task:
        clock.now += LINE_EVERY - 1
        task.advance(500)
        assert capsys.readouterr().err == ""
        clock.now += 1
        task.advance(500, note="loss 0.5")
        assert capsys.readouterr().err == "Reading: 1,000 of 2,000 reviews, about 0:30 left  loss 0.5\n"
        clock.now += LINE_EVERY
        task.advance(1000)
        assert capsys.readouterr().err == ""
    assert capsys.readouterr().err == "Reading: 2,000 reviews in 1:00  loss 0.5\n"


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")])
def test_times_have_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert as_time(seconds) == shown


def test_work_that_fails_is_not_counted_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        list(track(console_progress, (1 // item for item in (2, 1, 0)), "Reading", 3, "reviews"))
    assert capsys.readouterr().err == ""


def test_track_yields_all_items_and_counts_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(track(no_progress, "abc", "Reading", 3, "letters")) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")
    assert list(track(console_progress, "abc", "Reading", 3, "letters")) == ["a", "b", "c"]
    assert "3 letters" in capfd.readouterr().err


def test_quiet_shows_results_and_errors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        list(track(console_progress, range(3), "Reading", 3, "reviews"))
        print_metrics({"LSTM": {"accuracy": 0.5}}, "Test part")
        typer.echo("result")
        raise SourceError("file: found 3; expected 4")

    result = invoke(command_app(command), "--quiet")
    assert (result.exit_code, result.stdout) == (1, "result\n")
    assert result.stderr == "error: file: found 3; expected 4\n"
    assert "Reading" in invoke(command_app(command)).stderr
    monkeypatch.setenv("IMDB_SENTIMENT_VERBOSITY", "quiet")
    assert invoke(command_app(command)).stderr == result.stderr


def test_verbose_shows_the_total_time_and_excludes_quiet() -> None:
    def command() -> None:
        assert verbosity() is Verbosity.VERBOSE

    assert re.fullmatch(r"command: \d+:\d\d\n", invoke(command_app(command), "--verbose").stderr)
    both = invoke(command_app(command), "--verbose", "--quiet")
    assert both.exit_code == 2
    assert "found both --verbose and --quiet; expected one of them" in " ".join(both.stderr.split())


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Have a terminal as standard error, and yield how to see what it shows, without colours and movements."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)

        def shown() -> str:
            # A terminal hands on what was written bit by bit: an end mark tells when all of it has come.
            stream.write("\x04END")
            stream.flush()
            content = b""
            while not content.endswith(b"\x04END"):
                content += os.read(reader, 65536)
            return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", content.removesuffix(b"\x04END").decode())

        yield shown
    os.close(reader)


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as shown:
        with console_progress("Reading", 3, "reviews") as task:
            task.advance(note="loss 0.5")
            task.advance()
        last = shown().strip().splitlines()[-1]
    assert last.startswith("Reading")
    assert "2/3 reviews" in last
    assert last.endswith("loss 0.5")  # the note stays when a later step has none


@pytest.mark.parametrize("raised", [SourceError("file: found 3; expected 4"), KeyboardInterrupt()])
def test_an_error_has_a_line_of_its_own_below_the_bar(monkeypatch: pytest.MonkeyPatch, raised: BaseException) -> None:
    def command() -> None:
        # While `work` has a name the generator is suspended, and its bar is on the screen.
        work = track(console_progress, range(3), "Reading", 3, "reviews")
        next(work)
        raise raised

    with terminal(monkeypatch) as shown:
        with pytest.raises(SystemExit) as caught:
            command_app(command)([])
        last = shown().strip().splitlines()[-1]
    assert caught.value.code == (130 if isinstance(raised, KeyboardInterrupt) else 1)
    assert last.startswith("error: ")


def test_metrics_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    lstm, baseline = {"accuracy": 0.87654, "test_reviews": 210, "known_as": None}, {"accuracy": 0.5}
    print_metrics({"LSTM": lstm, "NB-SVM": baseline}, "Test part")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "Test part"
    cells = [re.findall(r"[\w.]+", line) for line in lines]
    assert ["metric", "LSTM", "NB", "SVM"] in cells
    assert ["accuracy", "0.8765", "0.5000"] in cells
    assert ["test_reviews", "210"] in cells
    assert ["known_as", "None"] in cells


def test_characters_that_control_a_terminal_are_escaped() -> None:
    assert printable("café “good” 5/10") == "café “good” 5/10"
    assert printable("\x1b]0;title\x07\x9b2J\u202e\ud800\n") == r"\x1b]0;title\x07\x9b2J\u202e\ud800\n"
    assert printable(printable("\x1b[2J")).isprintable()
