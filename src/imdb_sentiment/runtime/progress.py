"""How long work says how far it is, without knowing whether anybody watches."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Count `amount` more units as done; `note` (such as the loss) replaces the last one."""


class Progress(Protocol):
    """Opens tasks: `with progress("Reading", total=100, unit="reviews") as task: ...`."""

    def __call__(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
        """Open a task of `total` units (None: not known)."""


class _Silent:
    def advance(self, amount: int = 1, note: str = "") -> None:
        pass


def no_progress(description: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
    """Show nothing."""
    return nullcontext(_Silent())


def track(progress: Progress, items: Iterable[Item], description: str, total: int | None, unit: str) -> Iterator[Item]:
    """Yield `items`, and count each as done once the caller comes back for the next."""
    with progress(description, total, unit) as task:
        for item in items:
            yield item
            task.advance()
