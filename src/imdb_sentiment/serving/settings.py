"""What the server is told: where it listens, and how much it takes."""

import ipaddress
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from imdb_sentiment.runtime.errors import InputError

TOKEN_VARIABLE: Final = "IMDB_SENTIMENT_TOKEN"  # noqa: S105  # the name of a variable, not a token
# From the supervisor to its workers: the settings, and the folder by which prometheus-client shares its counts.
SETTINGS_VARIABLE: Final = "IMDB_SENTIMENT_SERVE_SETTINGS"
COUNTS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_SHORTEST_TOKEN: Final = 16


@dataclass(frozen=True)
class Settings:
    """The settings of a server; sizes in bytes, times in seconds.

    batch_texts, gather: the model gets at most so many texts at once, and waits so long for others to come.
    queue_texts: texts that wait; more are answered with 503. body_time, table_time: until a request must have arrived.
    grace: until one must have been answered once the server is asked to end. hosts: names that the server answers to,
    all if there are none.
    """

    model: Path
    jobs: Path  # the folder of tables that are being classified, shared by all workers
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    batch_texts: int = 32
    gather: float = 0.002
    queue_texts: int = 2048
    most_texts: int = 1000
    most_characters: int = 100_000
    body_bytes: int = 8_000_000
    table_bytes: int = 100_000_000
    table_rows: int = 1_000_000
    body_time: float = 20.0
    table_time: float = 300.0
    grace: int = 20

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {**asdict(self), "model": str(self.model), "jobs": str(self.jobs)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the settings that `as_json` gave."""
        paths = {name: Path(content[name]) for name in ("model", "jobs")}
        lists = {name: tuple(content[name]) for name in ("hosts", "origins")}
        return cls(**{**content, **paths, **lists})


def read_token() -> str | None:
    """Return the bearer token that requests need, from the environment, None for none. Raises InputError."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if token and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise InputError(
            f"{TOKEN_VARIABLE}: found {len(token)} characters; expected at least {_SHORTEST_TOKEN}, ASCII, no blanks"
        )
    return token or None


def check_address(host: str, token: str | None) -> None:
    """Raise InputError for an address that other machines reach, unless there is a token."""
    if not is_loopback(host) and token is None:
        raise InputError(
            f"--host {host}: found an address that other machines can reach, and no token; expected a secret in the "
            f"variable {TOKEN_VARIABLE} (openssl rand -hex 32), or --host 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:  # a name: where it leads is not known
        return False
