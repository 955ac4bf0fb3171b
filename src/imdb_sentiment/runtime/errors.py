"""Errors that the user can mend: each ends a command in one line on standard error.

    PipelineError
    ├── ParamsError      a key or value in params.yaml
    ├── SourceError      the archive, the folder, or one review file in it
    ├── DownloadError    the archive could not be fetched
    ├── ArtifactError    a file that an earlier stage should have written
    ├── OutputError      a file that cannot be written
    ├── TrainingError    a fit that cannot begin or go on
    ├── ExportError      an exported model whose predictions are not those of the trained one
    ├── TrialError       one trial of a search
    ├── TuningError      a search that cannot go on
    └── InputError       a text or table that cannot be classified

A message names the file or key, what was found and what was expected, in that order.
"""

from pathlib import Path


class PipelineError(Exception):
    """Base of every error that the user, not the programmer, can mend."""


def reason_of(error: BaseException) -> str:
    """Return the message of `error`, without the number that an OSError begins with."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class ParamsError(PipelineError):
    """A parameter is unknown, of the wrong type or out of range."""


class SourceError(PipelineError):
    """The review files are not what the Large Movie Review Dataset's layout promises."""


class DownloadError(PipelineError):
    """The archive could not be fetched: no address served it, or another file lies in its place."""


class ArtifactError(PipelineError):
    """A file from an earlier stage is missing, broken or of another kind.

    `ArtifactError(Path("a.parquet"), "columns id, text", "also label")` reads
    `a.parquet: found columns id, text; expected also label`.
    """

    def __init__(self, path: Path, found: str, expected: str) -> None:
        super().__init__(f"{path}: found {found}; expected {expected}")
        self.arguments = (path, found, expected)

    def __reduce__(self) -> tuple[type["ArtifactError"], tuple[Path, str, str]]:
        # For another process: by default an exception is unpickled from its message alone.
        return type(self), self.arguments


class OutputError(PipelineError):
    """A file cannot be written: no space, no permission, no such folder."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be written: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["OutputError"], tuple[Path, str]]:
        return type(self), (self.path, self.reason)


class TrainingError(PipelineError):
    """The loss is no longer a number."""


class TrialError(PipelineError):
    """One trial of a search has failed."""


class TuningError(PipelineError):
    """The search cannot go on: its study cannot be reached, or is of something else, or every trial fails."""


class ExportError(PipelineError):
    """The exported model and the trained one do not agree."""


class InputError(PipelineError):
    """What is to be classified is not a review or a table of reviews."""
