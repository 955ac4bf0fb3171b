"""What ingest finds out about a source besides its reviews: its fingerprint, and how it was understood."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from imdb_sentiment.corpus.fingerprint import Fingerprint


@dataclass
class TableFindings:
    """How tables were understood.

    files: name, format and number of rows of each; columns: their names by role; labels: what each spelling means;
    split: where the parts come from; left_out: how many rows, by the reason.
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    split: str = ""
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return all of it for `metrics/data.json`."""
        return {**vars(self), "left_out": dict(sorted(self.left_out.items()))}

    def lines(self) -> list[str]:
        """Return it in three lines."""
        files = "; ".join(f"{file['name']} ({file['format']}, {file['rows']:,} rows)" for file in self.files[:3])
        more = f" and {len(self.files) - 3} more" if len(self.files) > 3 else ""
        columns = ", ".join(f"{role} from {name}" for role, name in self.columns.items())
        labels = ", ".join(f"{spelling or 'nothing'}: {meaning}" for spelling, meaning in self.labels.items())
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.left_out.items())) or "none"
        return [
            f"source:   {files}{more}",
            f"columns:  {columns}; labels: {labels}",
            f"split:    {self.split}; rows left out: {left_out}",
        ]


@dataclass
class Findings:
    """What is found out about a source while its reviews are read; `tables` only where it is of tables."""

    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    tables: TableFindings | None = None
