"""An LSTM layer over one batch, in threads: what Keras's computes, in a fraction of its time on a CPU.

A framework's loop pays for a dozen small operations at every step, and waits at each for all of its threads. Here the
steps are compiled (see `recurrence_steps`), a direction, or a part of the batch, has a thread of its own for all of its
steps, and no step computes a row that has come to its end.
"""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # what Numba's products call: _libraries looks for what is loaded
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from imdb_sentiment.network import recurrence_steps
from imdb_sentiment.runtime.threads import map_in_threads, thread_count

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_ROWS: Final = 256  # of a part: what a step works on should fit in a core's cache
FEWEST_ROWS: Final = 16  # fewer are not worth a thread of their own
_ALONE: Final = Lock()


class Weights(NamedTuple):
    """Those of one direction, or their gradients, the gates in Keras's order (input, forget, cell, output).

    kernel: float32 [E, 4 H]; recurrent_kernel: float32 [H, 4 H]; bias: float32 [4 H].
    """

    kernel: Floats
    recurrent_kernel: Floats
    bias: Floats


class Vectors(NamedTuple):
    """What some vectors add to the gates, and where: computed once for each, however often it occurs.

    projected: float32 [U, D, 4 H]; places: int32 [B, T]. U is 0 where there are none.
    """

    projected: Floats
    places: NDArray[np.int32]


class Recurrence:
    """One batch on its way through one LSTM layer. A second direction reads each row from its end to its beginning."""

    def __init__(
        self,
        inputs: Floats,
        lengths: NDArray[np.int32],
        vectors: Vectors,
        directions: list[Weights],
        *,
        remembers: bool,
    ) -> None:
        """Take `inputs float32 [B, T, E]` and `lengths int32 [B]`, from 0 to T.

        Without `remembers` there are states but no gradients, for a fraction of the memory.
        """
        self._inputs, self._vectors, self._remembers = inputs, vectors, remembers
        units = len(directions[0].recurrent_kernel)
        self._states = np.zeros((*inputs.shape[:2], units * len(directions)), np.float32)
        self._parts = [
            [_Reading(weights, number, rows, lengths[rows], remembers) for number, weights in enumerate(directions)]
            for rows in _parts(lengths, len(directions))
        ]
        _in_threads(lambda its: its.forward(inputs, vectors, self._states), self._readings)

    @property
    def _readings(self) -> "list[_Reading]":
        return [reading for part in self._parts for reading in part]

    def states(self) -> Floats:
        """Return the states `float32 [B, T, D H]` of the D directions side by side, zeros behind a row's end."""
        return self._states

    def gradients(self, of_states: Floats) -> tuple[list[Weights], Floats]:
        """Return the gradients of each direction's weights and of `projected`, given that of the states.

        Raises RuntimeError if there is nothing to go by: without `remembers`, or at a second call.
        """
        if not self._remembers:
            raise RuntimeError("recurrence: found nothing remembered; expected training=True, and one gradient")
        self._remembers = False
        # One for each part: two threads that add to the same place would lose what one of them adds.
        of_projected = [np.zeros_like(self._vectors.projected) for _ in self._parts]
        pairs = zip(self._parts, of_projected, strict=True)
        work = [(reading, its) for part, its in pairs for reading in part]
        _in_threads(lambda its: its[0].backward(of_states, self._vectors.places, its[1]), work)
        gradients = [[reading.gradient for reading in its] for its in zip(*self._parts, strict=True)]
        units = self._states.shape[2] // len(gradients)
        return [_apart(np.sum(its, axis=0), units) for its in gradients], np.sum(of_projected, axis=0)

    def input_gradient(self) -> Floats:
        """Return the gradient of the inputs, `float32 [B, T, E]`. Call `gradients` first."""
        of_inputs = np.zeros_like(self._inputs)

        def add(part: "list[_Reading]") -> None:
            for reading in part:
                reading.add_input_gradient(of_inputs)

        _in_threads(add, self._parts)
        return of_inputs


def _parts(lengths: NDArray[np.int32], directions: int) -> list[NDArray[np.intp]]:
    """Return the rows of each part: enough parts for all threads, the longest rows in the first."""
    wanted = max(-(-thread_count() // directions), -(-len(lengths) // MOST_ROWS))
    order = np.argsort(-lengths, kind="stable")
    return np.array_split(order, max(1, min(wanted, len(lengths) // FEWEST_ROWS)))


def _in_threads(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    # One thread a product: two that share one wait for each other at every step. The limit is the whole process's: were
    # two layers to set it at once (a framework may run the members of a model side by side), one would lift it under
    # the other's hands, and sums that threads share come out otherwise in their last digits.
    with _ALONE, _libraries().limit(limits=1, user_api="blas"):
        return list(map_in_threads(function, items))


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class _Reading:
    """One direction over the rows of one part, the longest first."""

    def __init__(
        self, weights: Weights, number: int, rows: NDArray[np.intp], lengths: NDArray[np.int32], remembers: bool
    ) -> None:
        self._weights = np.concatenate([weights.recurrent_kernel, weights.kernel, weights.bias[None]])
        self._recurrent, self._kernel = (
            np.ascontiguousarray(its.T) for its in (weights.recurrent_kernel, weights.kernel)
        )
        self._number, self._ahead, self._rows = number, -1 if number else 1, rows
        # How many rows have a token at each step.
        self._active = np.searchsorted(-lengths, -np.arange(lengths.max(initial=0)), side="left")
        kept = len(self._active) if remembers else 0
        count, (size, gates) = len(rows), self._weights.shape
        self._memory = np.empty((kept + 1, count, size), np.float32)
        self._gates = np.empty((max(1, kept), count, gates), np.float32)
        self._cells = np.empty((kept + 1, count, gates // 4), np.float32)
        self.gradient = self._weights

    def forward(self, inputs: Floats, vectors: Vectors, states: Floats) -> None:
        """Write the states of the rows, and keep what `backward` needs."""
        recurrence_steps.forward(
            inputs,
            vectors.projected,
            vectors.places,
            self._rows,
            self._active,
            self._ahead,
            self._weights,
            self._memory,
            self._gates,
            self._cells,
            states,
            self._number,
        )

    def backward(self, of_states: Floats, places: NDArray[np.int32], of_projected: Floats) -> None:
        """Find the gradients of the weights and of the gates, and add that of what the vectors add to them."""
        self.gradient = recurrence_steps.backward(
            of_states,
            places,
            self._rows,
            self._active,
            self._ahead,
            self._recurrent,
            self._memory,
            self._gates,
            self._cells,
            self._number,
            of_projected,
        )

    def add_input_gradient(self, of_inputs: Floats) -> None:
        """Add what this direction has to say to the gradient of the inputs."""
        recurrence_steps.add_input_gradient(self._gates, self._rows, self._active, self._kernel, of_inputs)


def _apart(together: Floats, units: int) -> Weights:
    """Return the weights `[H + E + 1, 4 H]`, or their gradients, as Keras has them."""
    return Weights(together[units:-1], together[:units], together[-1])
