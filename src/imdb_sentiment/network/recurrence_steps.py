"""The steps of one direction of an LSTM over a block of rows, forward and backward, to be compiled by Numba.

Formulas: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000; the gradients follow by the chain rule.

B rows, of which b are read together, sorted from the longest to the shortest: those that have not ended are always the
first n. T steps, E inputs, H units, D directions. At each step M = H + E + 1 numbers are read of each row: the previous
state, the input, and a one for the bias, so that a single matrix product applies all weights. The gates are in Keras's
order: input, forget, candidate, output. `d_x` is the gradient of the loss with respect to `x`.
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
_ONE: Final = np.float32(1)
# All of fastmath but the assumption that no number is infinite or NaN: a fit that diverges has to show it.
FASTMATH: Final = {"contract", "reassoc", "arcp", "nsz"}


@numba.njit(inline="always", fastmath=FASTMATH)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of a float32."""
    x = _LIMIT if x > _LIMIT else x
    x = -_LIMIT if x < -_LIMIT else x
    y = x * x
    numerator = _A1 + y * (_A3 + y * (_A5 + y * (_A7 + y * (_A9 + y * (_A11 + y * _A13)))))
    return x * numerator / (_B0 + y * (_B2 + y * (_B4 + y * _B6)))


# Short loops over few arrays each: in one loop over all of them the compiler cannot tell that no two arrays overlap,
# and computes one number at a time.


@numba.njit(inline="always", fastmath=FASTMATH)
def _step(gates: Any, factors: Any, shifts: Any, cell_before: Any, cell: Any, state: Any) -> None:
    """Activate the gates `float32 [4 H]` of one row in place, and write its cell and its state, `float32 [H]` each.

    sigmoid(x) = 1/2 + 1/2 tanh(x / 2): with the factor and shift 1/2 for a sigmoid, 1 and 0 for a tanh, one loop
    computes all gates.
    """
    for gate in range(len(gates)):
        gates[gate] = shifts[gate] + factors[gate] * tanh(factors[gate] * gates[gate])
    units = len(cell)
    input_gate, forget, candidate, output = _split_gates(gates, units)
    for unit in range(units):
        cell[unit] = forget[unit] * cell_before[unit] + input_gate[unit] * candidate[unit]
    for unit in range(units):
        state[unit] = output[unit] * tanh(cell[unit])


@numba.njit(inline="always", fastmath=FASTMATH)
def _step_gradient(
    gates: Any, factors: Any, shifts: Any, cell_before: Any, cell: Any, d_state: Any, d_cell: Any, work: Any
) -> None:
    """Replace the activated gates of one row by the gradient before activation, and `d_cell` by that of `cell_before`.

    In the terms of `_step`, the derivative of a gate is factor^2 - (gate - shift)^2. work: float32 [5 H].
    """
    units = len(cell)
    input_gate, forget, candidate, output = _split_gates(gates, units)
    d_input_gate, d_forget, d_candidate, d_output = _split_gates(work, units)
    activated = work[4 * units :]
    for unit in range(units):
        activated[unit] = tanh(cell[unit])
    for unit in range(units):
        d_cell[unit] += d_state[unit] * output[unit] * (_ONE - activated[unit] * activated[unit])
    for unit in range(units):
        d_input_gate[unit] = d_cell[unit] * candidate[unit]
    for unit in range(units):
        d_forget[unit] = d_cell[unit] * cell_before[unit]
    for unit in range(units):
        d_candidate[unit] = d_cell[unit] * input_gate[unit]
    for unit in range(units):
        d_output[unit] = d_state[unit] * activated[unit]
    for unit in range(units):
        d_cell[unit] *= forget[unit]
    for gate in range(len(gates)):
        deviation = gates[gate] - shifts[gate]
        gates[gate] = work[gate] * (factors[gate] * factors[gate] - deviation * deviation)


@numba.njit(inline="always")
def _split_gates(gates: Any, units: int) -> Any:
    """Return the views of the input, forget, candidate and output gates, `[H]` each."""
    return gates[:units], gates[units : 2 * units], gates[2 * units : 3 * units], gates[3 * units : 4 * units]


@numba.njit(inline="always")
def _activation_constants(units: int) -> Any:
    """Return the factors and shifts, `float32 [4 H]` each, of `_step`."""
    factors = np.full(4 * units, 0.5, np.float32)
    factors[2 * units : 3 * units] = 1
    shifts = np.full(4 * units, 0.5, np.float32)
    shifts[2 * units : 3 * units] = 0
    return factors, shifts


def forward(
    inputs: Any,
    projected: Any,
    places: Any,
    rows: Any,
    active: Any,
    step_sign: int,
    weights: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    states: Any,
    direction: int,
) -> None:
    """Take all steps, from the first if `step_sign` is 1, from the last if it is -1, and write the states.

    inputs: float32 [B, T, E]; projected: float32 [U, D, 4 H], what U distinct vectors add to the gates, and places:
    int32 [B, T], which of them is read at which step, if U is not 0; rows: int64 [b]; active: int64 [T], n at each
    step; weights: float32 [M, 4 H]; states: float32 [B, T, D H], of which this direction, counted from 0, writes its
    own H columns. Leaves what `backward` needs in memory: float32 [T + 1, b, M]; gates: float32 [T, b, 4 H]; and cells:
    float32 [T + 1, b, H]. Each may have a single step where no gradient is wanted.
    """
    steps, width = len(active), inputs.shape[2]
    units = cells.shape[2]
    factors, shifts = _activation_constants(units)
    for index in range(steps):
        step = index if step_sign == 1 else steps - 1 - index
        count = active[step]
        count_before = active[step - step_sign] if index else 0
        read, cell_before = memory[step % len(memory)], cells[(step - step_sign) % len(cells)]
        # A row whose first step this is has no state and no cell yet.
        read[count_before:count, :units] = 0
        cell_before[count_before:count] = 0
        for place in range(count):
            for feature in range(width):
                read[place, units + feature] = inputs[rows[place], step, feature]
            read[place, units + width] = 1
        step_gates, cell = gates[step % len(gates)], cells[step % len(cells)]
        np.dot(read[:count], weights, step_gates[:count])
        state = memory[(step + step_sign) % len(memory)]
        for place in range(count):
            row, row_gates = rows[place], step_gates[place]
            if len(projected):
                row_gates += projected[places[row, step], direction]
            _step(row_gates, factors, shifts, cell_before[place], cell[place], state[place, :units])
            states[row, step, direction * units : (direction + 1) * units] = state[place, :units]


def backward(
    d_states: Any,
    places: Any,
    rows: Any,
    active: Any,
    step_sign: int,
    recurrent: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    direction: int,
    d_projected: Any,
) -> Any:
    """Return the gradient of the weights, `float32 [M, 4 H]`, given `d_states float32 [B, T, D H]`.

    Adds the gradient of `projected` to `d_projected float32 [U, D, 4 H]`, and replaces `gates` by their gradient before
    activation. recurrent: float32 [4 H, H], the transposed recurrent kernel; the rest is as `forward` left it.
    """
    steps, units = len(active), cells.shape[2]
    gradient = np.zeros((memory.shape[2], 4 * units), np.float32)
    product = np.empty_like(gradient)
    d_state = np.zeros(cells.shape[1:], np.float32)
    d_cell = np.zeros(cells.shape[1:], np.float32)
    work = np.empty(5 * units, np.float32)
    factors, shifts = _activation_constants(units)
    for index in range(steps):
        step = steps - 1 - index if step_sign == 1 else index
        count = active[step]
        step_gates, cell, cell_before = gates[step], cells[step], cells[(step - step_sign) % len(cells)]
        for place in range(count):
            row, row_gates = rows[place], step_gates[place]
            d_state[place] += d_states[row, step, direction * units : (direction + 1) * units]
            _step_gradient(
                row_gates, factors, shifts, cell_before[place], cell[place], d_state[place], d_cell[place], work
            )
            if len(d_projected):
                d_projected[places[row, step], direction] += row_gates
        np.dot(step_gates[:count], recurrent, d_state[:count])
        np.dot(memory[step, :count].T, step_gates[:count], product)
        gradient += product
    return gradient


def add_input_gradient(d_gates: Any, rows: Any, active: Any, kernel: Any, d_inputs: Any) -> None:
    """Add to the `rows` of `d_inputs float32 [B, T, E]` the gradient that comes through the gates.

    d_gates: float32 [T, b, 4 H], as `backward` leaves it; kernel: float32 [4 H, E], transposed.
    """
    product = np.empty((d_gates.shape[1], kernel.shape[1]), np.float32)
    for step in range(len(active)):
        count = active[step]
        np.dot(d_gates[step, :count], kernel, product[:count])
        for place in range(count):
            d_inputs[rows[place], step] += product[place]
