"""Progress reporting: the protocol, and a reporter that does nothing."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Task(Protocol):
    """A piece of work in progress."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Count `amount` more units as done; `note` (such as the loss) replaces the last one."""


class Progress(Protocol):
    """Opens tasks: `with progress("Reading", total=100, unit="reviews") as task: ...`."""

    def __call__(self, description: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
        """Open a task of `total` units, or None if the number is not known."""


class _Silent:
    def advance(self, amount: int = 1, note: str = "") -> None:
        pass


def no_progress(description: str, total: int | None, unit: str) -> AbstractContextManager[Task]:
    """Open a task that shows nothing."""
    return nullcontext(_Silent())


def track(progress: Progress, items: Iterable[Item], description: str, total: int | None, unit: str) -> Iterator[Item]:
    """Yield `items`, and count each as done when the caller asks for the next."""
    with progress(description, total, unit) as task:
        for item in items:
            yield item
            task.advance()
