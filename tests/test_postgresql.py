"""A search whose study is in a real PostgreSQL, started for these tests where one is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imdb_sentiment.runtime.errors import TuningError
from imdb_sentiment.runtime.params import Params
from imdb_sentiment.tuning.search import ended, search
from imdb_sentiment.tuning.study import open_study, storage_errors
from tests.searches import assert_two_processes_share, ignore, opened_study, run, search_space

psycopg = pytest.importorskip("psycopg", reason="the extra postgresql is not installed")

PASSWORD = "s3cret"  # noqa: S105  # of a server that lives for seconds, on this machine alone


@dataclass
class Server:
    """A PostgreSQL of the user `tuner`, on a free port of this machine."""

    programs: Path
    folder: Path
    account: dict[str, Any]
    port: int = 0

    def create(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (self.folder / "password").write_text(PASSWORD)
        password = f"--pwfile={self.folder / 'password'}"
        self._run("initdb", "--auth=scram-sha-256", "--no-sync", "--username=tuner", password)

    def start(self) -> None:
        options = f"-F -p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """End it at once, connections and all."""
        self._run("pg_ctl", "stop", "-m", "fast")

    def _run(self, program: str, *arguments: str) -> None:
        command: list[str | Path] = [self.programs / program, "-D", self.folder / "data", *arguments]
        subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, check=True, **self.account)

    def new_database(self, name: str) -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://tuner:{PASSWORD}@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL on this machine: initdb is neither on PATH nor in /usr/lib/postgresql/*/bin")
    # Not in pytest's own folder, which is closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        server = Server(found[-1].resolve().parent, Path(folder), unprivileged_account(Path(folder)))
        server.create()
        server.start()
        yield server
        server.stop()


def unprivileged_account(folder: Path) -> dict[str, Any]:
    """Return the account that PostgreSQL, which refuses root, is to run as, and give it the folder."""
    if os.getuid() != 0:
        return {}
    names = {account.pw_name: account for account in pwd.getpwall()}
    account = names.get("postgres") or names.get("nobody")
    if account is None:
        pytest.skip("PostgreSQL refuses root, and there is no account postgres or nobody")
    options: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        subprocess.run(["true"], check=True, **options)
        os.chown(folder, account.pw_uid, account.pw_gid)
    except PermissionError as error:
        pytest.skip(f"PostgreSQL refuses root, and this root may not become {account.pw_name}: {error}")
    return options


def test_two_processes_share_study_from_new_database_on(server: Server, tmp_path: Path) -> None:
    assert_two_processes_share(server.new_database("shared"), tmp_path)


def test_address_may_name_driver(server: Server, tmp_path: Path) -> None:
    storage = server.new_database("named").replace("postgresql:", "postgresql+psycopg:")
    with opened_study(storage, search_space(tmp_path)) as study:
        assert len(study.trials) == 1


def test_refusal_of_server_is_shown_in_one_line(server: Server) -> None:
    with pytest.raises(TuningError) as caught:
        open_study(server.url("postgres").replace(PASSWORD, "wr0ng"), "tune", {})
    message = str(caught.value)
    assert message.startswith(f"postgresql://tuner:***@127.0.0.1:{server.port}/postgres: found no storage (connection ")
    assert 'password authentication failed for user "tuner"' in message
    assert "wr0ng" not in message
    with pytest.raises(TuningError, match=r'database "other" does not exist\); expected'):
        open_study(server.url("other"), "tune", {})


def test_search_goes_on_after_server_has_stopped(server: Server, tmp_path: Path) -> None:
    storage = server.new_database("stopped")
    space = search_space(tmp_path)

    def run_and_stop(params: Params) -> Generator[Mapping[str, float]]:
        yield from run(params)
        if len(study.trials) == 3:
            server.stop()

    message = rf"^postgresql://tuner:\*\*\*@127\.0\.0\.1:{server.port}/stopped: found no storage \("
    with opened_study(storage, space) as study, pytest.raises(TuningError, match=message), storage_errors(storage):
        search(study, space, run_and_stop, trials=5, changed=ignore)
    with pytest.raises(TuningError, match=r"Connection refused\); expected"):
        open_study(storage, "tune", space.identity())
    server.start()
    with opened_study(storage, space) as study:
        search(study, space, run, trials=5, changed=ignore)
        assert len(ended(study)) == 5
