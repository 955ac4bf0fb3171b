"""A search whose study is in a real PostgreSQL, started for these tests where there is one."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from imdb_sentiment.runtime.errors import TuningError
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.tuning.search import ended, search
from imdb_sentiment.tuning.study import open_study, storage_errors
from tests.conftest import write_params
from tests.sharing import assert_two_processes_share, close, load_space, nothing, run

psycopg = pytest.importorskip("psycopg", reason="the extra postgresql is not installed")

PASSWORD = "s3cret"  # noqa: S105  # of a server that lives for seconds, on this machine alone


class Server:
    """A PostgreSQL of the user `tuner`, on a free port of this machine."""

    def __init__(self, programs: Path, folder: Path, account: dict[str, Any]) -> None:
        self._programs, self._folder, self._account = programs, folder, account
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "password").write_text(PASSWORD)
        options = ["--auth=scram-sha-256", "--no-sync", "--username=tuner", f"--pwfile={folder / 'password'}"]
        command = [programs / "initdb", "-D", folder / "data", *options]
        subprocess.run(command, cwd=folder, capture_output=True, check=True, **account)

    def start(self) -> None:
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port), "-F"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
                cwd=self._folder, stdout=log, stderr=log, **self._account,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while b"ready to accept connections" not in (self._folder / "log").read_bytes():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, connections and all."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def new_database(self, name: str) -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://tuner:{PASSWORD}@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    programs = find_programs()
    # Not pytest's own folder: another user may not look into that.
    with tempfile.TemporaryDirectory() as folder:
        account = account_without_rights(Path(folder))
        found = Server(programs, Path(folder), account)
        found.start()
        yield found
        found.stop()


def find_programs() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL on this machine: initdb is neither on PATH nor in /usr/lib/postgresql/*/bin")
    return found[-1].resolve().parent


def account_without_rights(folder: Path) -> dict[str, Any]:
    """Return the account that PostgreSQL, which refuses root, is to run as, and give it the folder."""
    if os.getuid() != 0:
        return {}
    names = {its.pw_name: its for its in pwd.getpwall()}
    account = names.get("postgres") or names.get("nobody")
    if account is None:
        pytest.skip("PostgreSQL refuses root, and there is no account postgres or nobody")
    options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        subprocess.run(["true"], check=True, **options)
        os.chown(folder, account.pw_uid, account.pw_gid)
    except PermissionError as error:
        pytest.skip(f"PostgreSQL refuses root, and this root may not become {account.pw_name}: {error}")
    return options


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tune.yaml").write_text("train.learning_rate: {low: 1e-3, high: 1e-1, log: true}\n")
    write_params(tmp_path / "params.yaml", {})
    return tmp_path


def test_two_processes_share_a_study_from_a_new_database_on(server: Server, folder: Path) -> None:
    assert_two_processes_share(server.new_database("shared"), folder)


def test_an_address_may_name_the_driver(server: Server, folder: Path) -> None:
    storage = server.new_database("named").replace("postgresql:", "postgresql+psycopg:")
    study = open_study(storage, "tune", load_space(folder).identity())
    search(study, load_space(folder), run, trials=2, changed=nothing)
    assert len(ended(study)) == 2
    close(study)


def test_a_server_that_refuses_is_told_in_one_line(server: Server) -> None:
    with pytest.raises(TuningError) as caught:
        open_study(server.url("postgres").replace(PASSWORD, "wr0ng"), "tune", {})
    assert str(caught.value).startswith(f"postgresql://127.0.0.1:{server.port}/postgres: found no storage (connection ")
    assert 'password authentication failed for user "tuner"' in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(TuningError, match=r'database "other" does not exist\); expected a file or a database$'):
        open_study(server.url("other"), "tune", {})


def test_a_server_that_stops_ends_the_search_and_it_goes_on_with_the_next(server: Server, folder: Path) -> None:
    storage = server.new_database("stopped")
    space = load_space(folder)
    study = open_study(storage, "tune", space.identity())

    def stopped(params: Params) -> Generator[Mapping[str, float]]:
        yield from run(params)
        if len(study.trials) == 3:
            server.stop()

    message = rf"^postgresql://127\.0\.0\.1:{server.port}/stopped: found no storage \("
    with pytest.raises(TuningError, match=message), storage_errors(storage):
        search(study, space, stopped, trials=5, changed=nothing)
    close(study)
    with pytest.raises(TuningError, match=r"Connection refused\); expected a file or a database$"):
        open_study(storage, "tune", space.identity())
    server.start()
    again = open_study(storage, "tune", space.identity())
    search(again, space, run, trials=5, changed=nothing)
    assert len(ended(again)) == 5
    close(again)
