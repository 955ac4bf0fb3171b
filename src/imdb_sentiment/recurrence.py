"""An LSTM layer over one batch, in threads: what Keras's computes, in a fraction of its time on a CPU.

A framework's loop pays for a dozen small operations at every step, and waits at each for all of its threads. Here the
steps are compiled (see `recurrence_steps`), and a direction, or a part of the batch, has a thread of its own for all of
its steps. The rows of a part have about the same length, and end with the longest of them.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple, TypeVar

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # what Numba's products call: _libraries looks for what is loaded
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from imdb_sentiment import recurrence_steps
from imdb_sentiment.threads import map_in_threads, thread_count

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_ROWS: Final = 256  # of a part: what a step works on should fit in a core's cache
FEWEST_ROWS: Final = 16  # fewer are not worth a thread of their own


class Weights(NamedTuple):
    """Those of one direction, or their gradients, the gates in Keras's order (input, forget, cell, output).

    kernel: float32 [E, 4 H]; recurrent_kernel: float32 [H, 4 H]; bias: float32 [4 H].
    """

    kernel: Floats
    recurrent_kernel: Floats
    bias: Floats


class Recurrence:
    """One batch on its way through one LSTM layer. A second direction reads each row from its end to its beginning."""

    def __init__(
        self, inputs: Floats, lengths: NDArray[np.int32], directions: list[Weights], *, remembers: bool
    ) -> None:
        """Take `inputs float32 [B, T, E]` and `lengths int32 [B]`, from 0 to T.

        Without `remembers` there are states but no gradients, for a fraction of the memory.
        """
        self._shape, self._remembers = inputs.shape, remembers
        units = len(directions[0].recurrent_kernel)
        self._states = np.zeros((*inputs.shape[:2], units * len(directions)), np.float32)
        self._parts = [
            [_Reading(weights, number, rows, lengths[rows], remembers) for number, weights in enumerate(directions)]
            for rows in _parts(lengths, len(directions))
        ]
        _in_threads(lambda its: its.forward(inputs, self._states), self._readings)

    @property
    def _readings(self) -> "list[_Reading]":
        return [reading for part in self._parts for reading in part]

    def states(self) -> Floats:
        """Return the states `float32 [B, T, D H]` of the D directions side by side, zeros behind a row's end."""
        return self._states

    def gradients(self, of_states: Floats) -> list[Weights]:
        """Return the gradients of each direction's weights, given that of the states, `float32 [B, T, D H]`.

        Raises RuntimeError if there is nothing to go by: without `remembers`, or at a second call.
        """
        if not self._remembers:
            raise RuntimeError("recurrence: found nothing remembered; expected training=True, and one gradient")
        self._remembers = False
        _in_threads(lambda its: its.backward(of_states), self._readings)
        return [its[0].weights_of(sum(reading.gradient for reading in its)) for its in zip(*self._parts, strict=True)]

    def input_gradient(self) -> Floats:
        """Return the gradient of the inputs, `float32 [B, T, E]`. Call `gradients` first."""
        of_inputs = np.zeros(self._shape, np.float32)

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
    # One thread a product: two that share one wait for each other at every step.
    with _libraries().limit(limits=1, user_api="blas"):
        return list(map_in_threads(function, items))


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class _Reading:
    """One direction over the rows of one part."""

    def __init__(
        self, weights: Weights, number: int, rows: NDArray[np.intp], lengths: NDArray[np.int32], remembers: bool
    ) -> None:
        kernel, recurrent, bias = (_reordered(its) for its in weights)
        self._recurrent, self._kernel = recurrent, kernel
        self._weights = np.ascontiguousarray(np.concatenate([recurrent, kernel, bias[None]]).T)
        self._ahead = -1 if number else 1
        self._column = number * len(recurrent)
        self._rows, self._lengths = rows, lengths
        self._steps = max(1, int(lengths.max(initial=0)))
        self._kept = self._steps if remembers else 0
        self.gradient = np.zeros((0, 0), np.float32)

    def forward(self, inputs: Floats, states: Floats) -> None:
        """Write the states of the rows, and keep what `backward` needs."""
        units, count = len(self._recurrent), len(self._rows)
        self._memory = np.zeros((self._kept + 1, self._weights.shape[1], count), np.float32)
        self._memory[:, -1] = 1
        self._gates = np.empty((max(1, self._kept), 4 * units, count), np.float32)
        self._cells = np.zeros((self._kept + 1, units, count), np.float32)
        recurrence_steps.forward(
            inputs[:, : self._steps],
            self._rows,
            self._lengths,
            self._ahead,
            self._weights,
            self._memory,
            self._gates,
            self._cells,
            states,
            self._column,
        )

    def backward(self, of_states: Floats) -> None:
        """Find the gradients of the weights and of the gates."""
        self.gradient = recurrence_steps.backward(
            of_states,
            self._rows,
            self._lengths,
            self._ahead,
            self._recurrent,
            self._memory,
            self._gates,
            self._cells,
            self._column,
        )

    def add_input_gradient(self, of_inputs: Floats) -> None:
        """Add what this direction has to say to the gradient of the inputs."""
        recurrence_steps.add_input_gradient(self._gates, self._rows, self._kernel, of_inputs)

    def weights_of(self, together: Floats) -> Weights:
        """Return weights, or gradients, that stand together as this module has them, as Keras has them."""
        units = len(self._recurrent)
        turned = _reordered(together.T)
        return Weights(turned[units:-1], turned[:units], turned[-1])


def _reordered(weights: Floats) -> Floats:
    """Turn the gates `[..., 4 H]` from Keras's order into this module's, or back: both swap the last two."""
    into, forget, third, fourth = np.split(weights, 4, axis=-1)
    return np.concatenate([into, forget, fourth, third], axis=-1)
