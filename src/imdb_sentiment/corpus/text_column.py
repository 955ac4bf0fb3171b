"""A growing column of texts, with no Python object for each."""

from array import array

import pyarrow as pa


class TextColumn:
    """Texts one behind the other in UTF-8, and where each begins and ends: what Arrow calls a large string array."""

    def __init__(self) -> None:
        self._texts, self._bounds = bytearray(), array("q", [0])

    def append(self, text: str) -> None:
        """Add a text."""
        self._texts += text.encode()
        self._bounds.append(len(self._texts))

    def as_arrow(self) -> pa.LargeStringArray:
        """Return the column. No text can be added then."""
        count = len(self._bounds) - 1
        return pa.LargeStringArray.from_buffers(count, pa.py_buffer(self._bounds), pa.py_buffer(self._texts))
