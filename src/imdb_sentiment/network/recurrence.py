"""An LSTM layer over one batch, in threads: the results of Keras's layer in a fraction of its time on a CPU.

A framework's loop runs a dozen small operations at every step, and waits after each for all of its threads. Here the
steps are compiled (see `recurrence_steps`), each direction of each part of the batch runs all its steps in one thread,
and no step computes a row that has ended.
"""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # the BLAS of Numba's products: _libraries finds only what is loaded
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from imdb_sentiment.network.compiled_steps import compiled_steps
from imdb_sentiment.runtime.threads import map_in_threads, thread_count

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_ROWS: Final = 256  # of a part, so that the arrays of a step fit in a core's cache
FEWEST_ROWS: Final = 16  # of a part: fewer are not worth a thread
_BLAS_LIMIT: Final = Lock()


class Weights(NamedTuple):
    """The weights of one direction, or their gradients, the gates in Keras's order (input, forget, candidate, output).

    kernel: float32 [E, 4 H]; recurrent_kernel: float32 [H, 4 H]; bias: float32 [4 H].
    """

    kernel: Floats
    recurrent_kernel: Floats
    bias: Floats


class Vectors(NamedTuple):
    """What distinct vectors add to the gates, computed once for each, and which of them is read at each step.

    projected: float32 [U, D, 4 H]; places: int32 [B, T]. U is 0 where there are none.
    """

    projected: Floats
    places: NDArray[np.int32]


class Recurrence:
    """One LSTM layer applied to one batch. A second direction reads each row from its end to its beginning."""

    def __init__(
        self,
        inputs: Floats,
        lengths: NDArray[np.int32],
        vectors: Vectors,
        directions: list[Weights],
        *,
        keeps_gradients: bool,
    ) -> None:
        """Take `inputs float32 [B, T, E]` and `lengths int32 [B]`, from 0 to T.

        Without `keeps_gradients` there are only states, for a fraction of the memory.
        """
        self._inputs, self._vectors, self._keeps_gradients = inputs, vectors, keeps_gradients
        units = len(directions[0].recurrent_kernel)
        self._states = np.zeros((*inputs.shape[:2], units * len(directions)), np.float32)
        self._parts = [
            [
                _Reading(weights, direction, rows, lengths[rows], keeps_gradients)
                for direction, weights in enumerate(directions)
            ]
            for rows in _parts(lengths, len(directions))
        ]
        _in_threads(lambda reading: reading.forward(inputs, vectors, self._states), self._readings)

    @property
    def _readings(self) -> "list[_Reading]":
        return [reading for part in self._parts for reading in part]

    def states(self) -> Floats:
        """Return the states `float32 [B, T, D H]` of the D directions side by side, zeros after a row's end."""
        return self._states

    def gradients(self, d_states: Floats) -> tuple[list[Weights], Floats]:
        """Return the gradients of each direction's weights and of `projected`, given that of the states.

        Raises RuntimeError without `keeps_gradients`, and at a second call.
        """
        if not self._keeps_gradients:
            raise RuntimeError("recurrence: found no kept steps; expected training=True, and one gradient")
        self._keeps_gradients = False
        # One for each part: two threads that add to the same number would lose one of the additions.
        d_projected = [np.zeros_like(self._vectors.projected) for _ in self._parts]
        work = [(reading, d_part) for part, d_part in zip(self._parts, d_projected, strict=True) for reading in part]
        _in_threads(lambda item: item[0].backward(d_states, self._vectors.places, item[1]), work)
        gradients = [
            np.sum([reading.gradient for reading in readings], axis=0) for readings in zip(*self._parts, strict=True)
        ]
        units = self._states.shape[2] // len(gradients)
        return [_split_weights(gradient, units) for gradient in gradients], np.sum(d_projected, axis=0)

    def input_gradient(self) -> Floats:
        """Return the gradient of the inputs, `float32 [B, T, E]`. Call `gradients` first."""
        d_inputs = np.zeros_like(self._inputs)

        def add(part: "list[_Reading]") -> None:
            for reading in part:
                reading.add_input_gradient(d_inputs)

        _in_threads(add, self._parts)
        return d_inputs


def _parts(lengths: NDArray[np.int32], directions: int) -> list[NDArray[np.intp]]:
    """Return the rows `int64 [b]` of each part: enough parts for all threads, the longest rows in the first."""
    wanted = max(-(-thread_count() // directions), -(-len(lengths) // MOST_ROWS))
    order = np.argsort(-lengths, kind="stable")
    return np.array_split(order, max(1, min(wanted, len(lengths) // FEWEST_ROWS)))


def _in_threads(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    # Each matrix product in one thread: two threads that share one wait for each other at every step. BLAS has one
    # limit for the whole process: of two layers that run at once (a framework may compute the members of an ensemble in
    # parallel), the first to end would lift the limit of the other, whose sums would then differ in their last digits.
    with _BLAS_LIMIT, _libraries().limit(limits=1, user_api="blas"):
        return list(map_in_threads(function, items))


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class _Reading:
    """One direction over the rows of one part, the longest first."""

    def __init__(
        self,
        weights: Weights,
        direction: int,
        rows: NDArray[np.intp],
        lengths: NDArray[np.int32],
        keeps_gradients: bool,
    ) -> None:
        self._weights = np.concatenate([weights.recurrent_kernel, weights.kernel, weights.bias[None]])
        self._recurrent, self._kernel = (
            np.ascontiguousarray(kernel.T) for kernel in (weights.recurrent_kernel, weights.kernel)
        )
        self._direction, self._step_sign, self._rows = direction, -1 if direction else 1, rows
        # How many rows have a token at each step.
        self._active = np.searchsorted(-lengths, -np.arange(lengths.max(initial=0)), side="left")
        kept = len(self._active) if keeps_gradients else 0
        count, (size, gates) = len(rows), self._weights.shape
        self._memory = np.empty((kept + 1, count, size), np.float32)
        self._gates = np.empty((max(1, kept), count, gates), np.float32)
        self._cells = np.empty((kept + 1, count, gates // 4), np.float32)
        self.gradient = self._weights

    def forward(self, inputs: Floats, vectors: Vectors, states: Floats) -> None:
        """Write the states of the rows, and keep the steps that `backward` needs."""
        compiled_steps().forward(
            inputs,
            vectors.projected,
            vectors.places,
            self._rows,
            self._active,
            self._step_sign,
            self._weights,
            self._memory,
            self._gates,
            self._cells,
            states,
            self._direction,
        )

    def backward(self, d_states: Floats, places: NDArray[np.int32], d_projected: Floats) -> None:
        """Compute the gradients of the weights and of the gates, and add that of `projected` to `d_projected`."""
        self.gradient = compiled_steps().backward(
            d_states,
            places,
            self._rows,
            self._active,
            self._step_sign,
            self._recurrent,
            self._memory,
            self._gates,
            self._cells,
            self._direction,
            d_projected,
        )

    def add_input_gradient(self, d_inputs: Floats) -> None:
        """Add this direction's share of the gradient of the inputs. Call `backward` first."""
        compiled_steps().add_input_gradient(self._gates, self._rows, self._active, self._kernel, d_inputs)


def _split_weights(stacked: Floats, units: int) -> Weights:
    """Return the weights `[H + E + 1, 4 H]`, or their gradients, as Keras's three arrays."""
    return Weights(stacked[units:-1], stacked[:units], stacked[-1])
