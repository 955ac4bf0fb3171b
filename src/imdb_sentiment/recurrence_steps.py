"""The steps of one direction of an LSTM over a block of rows, there and back, compiled by Numba.

Formulas: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000; the gradients follow by the chain rule.

B rows, of which b are read at a time; T steps, E inputs, H units, D directions; M = H + E + 1 is what a step reads: the
state before, the input, and a one for the bias, so that one product does with all the weights. What belongs to a step
lies together, feature by feature, where a core's cache holds it. Gates are in the order input, forget, output, cell.
"""

from typing import Any, Final

import numba
import numpy as np

# tanh as a quotient of two polynomials, exact to 3e-7: the coefficients are those of Eigen's generic_fast_tanh_float.
# Unlike the C library's, a processor computes it for eight numbers at a time. Beyond the limit it is 1.
_LIMIT: Final = np.float32(7.90531110763549805)
_A1, _A3, _A5, _A7, _A9, _A11, _A13 = (
    np.float32(4.89352455891786e-03),
    np.float32(6.37261928875436e-04),
    np.float32(1.48572235717979e-05),
    np.float32(5.12229709037114e-08),
    np.float32(-8.60467152213735e-11),
    np.float32(2.00018790482477e-13),
    np.float32(-2.76076847742355e-16),
)
_B0, _B2, _B4, _B6 = (
    np.float32(4.89352518554385e-03),
    np.float32(2.26843463243900e-03),
    np.float32(1.18534705686654e-04),
    np.float32(1.19825839466702e-06),
)
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
# Everything but the leave to assume that no number is infinite or none: a fit that diverges has to show it.
_FASTMATH: Final = {"contract", "reassoc", "arcp", "nsz"}


@numba.njit(inline="always", fastmath=_FASTMATH)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of a float32."""
    x = _LIMIT if x > _LIMIT else x
    x = -_LIMIT if x < -_LIMIT else x
    y = x * x
    above = _A1 + y * (_A3 + y * (_A5 + y * (_A7 + y * (_A9 + y * (_A11 + y * _A13)))))
    return x * above / (_B0 + y * (_B2 + y * (_B4 + y * _B6)))


@numba.njit(inline="always", fastmath=_FASTMATH)
def sigmoid(x: Any) -> Any:
    """Return the logistic function of a float32."""
    return _HALF + _HALF * tanh(_HALF * x)


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def forward(
    inputs: Any,
    rows: Any,
    lengths: Any,
    ahead: int,
    weights: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    states: Any,
    column: int,
) -> None:
    """Take all steps, from the first if `ahead` is 1, from the last if it is -1.

    Reads the `rows int64 [b]` of `inputs float32 [B, T, E]`, each to its length of `lengths int32 [b]`, and writes
    `states float32 [B, T, D H]` from `column` on, zeros behind a row's end. weights: float32 [4 H, M]. What `backward`
    needs is left in memory: float32 [T + 1, M, b], the row of ones filled, the rest zeros; gates: float32 [T, 4 H, b];
    and cells: float32 [T + 1, H, b], zeros. Each may be of one step only where no gradient is wanted.
    """
    steps, width = inputs.shape[1:]
    units, count = cells.shape[1:]
    for nth in range(steps):
        step = nth if ahead == 1 else steps - 1 - nth
        read = memory[step % len(memory)]
        for place, row in enumerate(rows):
            for feature in range(width):
                read[units + feature, place] = inputs[row, step, feature]
        gate = gates[step % len(gates)]
        np.dot(weights, read, gate)
        state = memory[(step + ahead) % len(memory)]
        before = cells[(step - ahead) % len(cells)]
        cell = cells[step % len(cells)]
        for unit in range(units):
            for place in range(count):
                into = sigmoid(gate[unit, place])
                forget = sigmoid(gate[units + unit, place])
                out = sigmoid(gate[2 * units + unit, place])
                candidate = tanh(gate[3 * units + unit, place])
                value = forget * before[unit, place] + into * candidate
                value = value if step < lengths[place] else _ZERO
                gate[unit, place] = into
                gate[units + unit, place] = forget
                gate[2 * units + unit, place] = out
                gate[3 * units + unit, place] = candidate
                cell[unit, place] = value
                state[unit, place] = out * tanh(value)
        for place, row in enumerate(rows):
            for unit in range(units):
                states[row, step, column + unit] = state[unit, place]


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def backward(
    of_states: Any,
    rows: Any,
    lengths: Any,
    ahead: int,
    recurrent: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    column: int,
) -> Any:
    """Return the gradient of the weights, `float32 [4 H, M]`, given `of_states float32 [B, T, D H]`, from `column` on.

    The gradient of the gates before they are squashed takes the place of `gates`. recurrent: float32 [H, 4 H], those of
    the weights that read the state; all else is as `forward` left it.
    """
    steps = len(gates)
    units, count = cells.shape[1:]
    gradient = np.zeros((4 * units, memory.shape[1]), np.float32)
    product = np.empty_like(gradient)
    of_state = np.zeros((units, count), np.float32)
    of_cell = np.zeros((units, count), np.float32)
    given = np.empty((units, count), np.float32)
    for nth in range(steps):
        step = steps - 1 - nth if ahead == 1 else nth
        for place, row in enumerate(rows):
            for unit in range(units):
                given[unit, place] = of_states[row, step, column + unit]
        gate, cell, before = gates[step], cells[step], cells[(step - ahead) % len(cells)]
        for unit in range(units):
            for place in range(count):
                into = gate[unit, place]
                forget = gate[units + unit, place]
                out = gate[2 * units + unit, place]
                candidate = gate[3 * units + unit, place]
                squashed = tanh(cell[unit, place])
                of_its_state = of_state[unit, place] + given[unit, place]
                value = of_cell[unit, place] + of_its_state * out * (_ONE - squashed * squashed)
                value = value if step < lengths[place] else _ZERO
                gate[unit, place] = value * candidate * into * (_ONE - into)
                gate[units + unit, place] = value * before[unit, place] * forget * (_ONE - forget)
                gate[2 * units + unit, place] = of_its_state * squashed * out * (_ONE - out)
                gate[3 * units + unit, place] = value * into * (_ONE - candidate * candidate)
                of_cell[unit, place] = value * forget
        np.dot(recurrent, gate, of_state)
        np.dot(gate, memory[step].T, product)
        gradient += product
    return gradient


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def add_input_gradient(of_gates: Any, rows: Any, kernel: Any, of_inputs: Any) -> None:
    """Add to the `rows` of `of_inputs float32 [B, T, E]` what the gradient of the gates makes of it.

    of_gates: float32 [T, 4 H, b], as `backward` leaves it; kernel: float32 [E, 4 H].
    """
    product = np.empty((len(kernel), of_gates.shape[2]), np.float32)
    for step in range(len(of_gates)):
        np.dot(kernel, of_gates[step], product)
        for place, row in enumerate(rows):
            for feature in range(len(kernel)):
                of_inputs[row, step, feature] += product[feature, place]
