"""The steps of one direction of an LSTM over a block of rows, there and back, compiled by Numba.

Formulas: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000; the gradients follow by the chain rule.

B rows, of which b are read together, the longest first, so that those that are not at their end are the first n; T
steps, E inputs, H units, D directions. A step reads M = H + E + 1 numbers of each: the state before, the input, and a
one for the bias, so that one product does with all the weights. The gates are in Keras's order: input, forget, cell,
output.
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


# Loops over few arrays each: of one loop over all of them, the compiler cannot tell that none lies within another, and
# computes number by number.


@numba.njit(inline="always", fastmath=_FASTMATH)
def _step(gates: Any, factors: Any, shifts: Any, before: Any, cell: Any, state: Any) -> None:
    """Squash the gates `float32 [4 H]` of one row in their place, and write its cell and its state, `float32 [H]` each.

    sigmoid(x) = 1/2 + 1/2 tanh(x / 2): with 1/2 as factor and shift of a sigmoid, 1 and 0 of a tanh, one loop serves
    all gates.
    """
    for gate in range(len(gates)):
        gates[gate] = shifts[gate] + factors[gate] * tanh(factors[gate] * gates[gate])
    units = len(cell)
    into, forget, candidate, out = _apart(gates, units)
    for unit in range(units):
        cell[unit] = forget[unit] * before[unit] + into[unit] * candidate[unit]
    for unit in range(units):
        state[unit] = out[unit] * tanh(cell[unit])


@numba.njit(inline="always", fastmath=_FASTMATH)
def _step_back(
    gates: Any, factors: Any, shifts: Any, before: Any, cell: Any, of_state: Any, of_cell: Any, work: Any
) -> None:
    """Put the gradient of the gates of one row in their place, and that of the cell before it into `of_cell`.

    In the terms of `_step`, the derivative of a gate is factor^2 - (gate - shift)^2. work: float32 [5 H].
    """
    units = len(cell)
    into, forget, candidate, out = _apart(gates, units)
    of_into, of_forget, of_candidate, of_out = _apart(work, units)
    squashed = work[4 * units :]
    for unit in range(units):
        squashed[unit] = tanh(cell[unit])
    for unit in range(units):
        of_cell[unit] += of_state[unit] * out[unit] * (_ONE - squashed[unit] * squashed[unit])
    for unit in range(units):
        of_into[unit] = of_cell[unit] * candidate[unit]
    for unit in range(units):
        of_forget[unit] = of_cell[unit] * before[unit]
    for unit in range(units):
        of_candidate[unit] = of_cell[unit] * into[unit]
    for unit in range(units):
        of_out[unit] = of_state[unit] * squashed[unit]
    for unit in range(units):
        of_cell[unit] *= forget[unit]
    for gate in range(len(gates)):
        deviation = gates[gate] - shifts[gate]
        gates[gate] = work[gate] * (factors[gate] * factors[gate] - deviation * deviation)


@numba.njit(inline="always")
def _apart(gates: Any, units: int) -> Any:
    return gates[:units], gates[units : 2 * units], gates[2 * units : 3 * units], gates[3 * units : 4 * units]


@numba.njit(inline="always")
def _curves(units: int) -> Any:
    """Return the factors and shifts, `float32 [4 H]` each, of `_step`."""
    factors = np.full(4 * units, 0.5, np.float32)
    factors[2 * units : 3 * units] = 1
    shifts = np.full(4 * units, 0.5, np.float32)
    shifts[2 * units : 3 * units] = 0
    return factors, shifts


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def forward(
    inputs: Any,
    projected: Any,
    places: Any,
    rows: Any,
    active: Any,
    ahead: int,
    weights: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    states: Any,
    number: int,
) -> None:
    """Take all steps, from the first if `ahead` is 1, from the last if it is -1, and write the states.

    inputs: float32 [B, T, E]; projected: float32 [U, D, 4 H], what some vectors add to the gates, and places:
    int32 [B, T], which of them at which step, if U is not 0; rows: int64 [b]; active: int64 [T], n at each step;
    weights: float32 [M, 4 H]; states: float32 [B, T, D H], of which this direction, the `number`th, has its part.
    What `backward` needs is left in memory: float32 [T + 1, b, M]; gates: float32 [T, b, 4 H]; and cells:
    float32 [T + 1, b, H]. Each may be of one step only where no gradient is wanted.
    """
    steps, width = len(active), inputs.shape[2]
    units = cells.shape[2]
    factors, shifts = _curves(units)
    for nth in range(steps):
        step = nth if ahead == 1 else steps - 1 - nth
        count = active[step]
        before = active[step - ahead] if nth else 0
        read, cell_before = memory[step % len(memory)], cells[(step - ahead) % len(cells)]
        # A row whose first step this is has no state and no cell yet.
        read[before:count, :units] = 0
        cell_before[before:count] = 0
        for place in range(count):
            for feature in range(width):
                read[place, units + feature] = inputs[rows[place], step, feature]
            read[place, units + width] = 1
        gate, cell = gates[step % len(gates)], cells[step % len(cells)]
        np.dot(read[:count], weights, gate[:count])
        state = memory[(step + ahead) % len(memory)]
        for place in range(count):
            row, its = rows[place], gate[place]
            if len(projected):
                its += projected[places[row, step], number]
            _step(its, factors, shifts, cell_before[place], cell[place], state[place, :units])
            states[row, step, number * units : (number + 1) * units] = state[place, :units]


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def backward(
    of_states: Any,
    places: Any,
    rows: Any,
    active: Any,
    ahead: int,
    recurrent: Any,
    memory: Any,
    gates: Any,
    cells: Any,
    number: int,
    of_projected: Any,
) -> Any:
    """Return the gradient of the weights, `float32 [M, 4 H]`, given `of_states float32 [B, T, D H]`.

    Adds that of `projected` to `of_projected float32 [U, D, 4 H]`. That of the gates before they are squashed takes the
    place of `gates`. recurrent: float32 [4 H, H], the weights of the state before; all else is as `forward` left it.
    """
    steps, units = len(active), cells.shape[2]
    gradient = np.zeros((memory.shape[2], 4 * units), np.float32)
    product = np.empty_like(gradient)
    of_state = np.zeros(cells.shape[1:], np.float32)
    of_cell = np.zeros(cells.shape[1:], np.float32)
    work = np.empty(5 * units, np.float32)
    factors, shifts = _curves(units)
    for nth in range(steps):
        step = steps - 1 - nth if ahead == 1 else nth
        count = active[step]
        gate, cell, cell_before = gates[step], cells[step], cells[(step - ahead) % len(cells)]
        for place in range(count):
            row, its = rows[place], gate[place]
            of_state[place] += of_states[row, step, number * units : (number + 1) * units]
            _step_back(its, factors, shifts, cell_before[place], cell[place], of_state[place], of_cell[place], work)
            if len(of_projected):
                of_projected[places[row, step], number] += its
        np.dot(gate[:count], recurrent, of_state[:count])
        np.dot(memory[step, :count].T, gate[:count], product)
        gradient += product
    return gradient


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=_FASTMATH)
def add_input_gradient(of_gates: Any, rows: Any, active: Any, kernel: Any, of_inputs: Any) -> None:
    """Add to the `rows` of `of_inputs float32 [B, T, E]` what the gradient of the gates makes of it.

    of_gates: float32 [T, b, 4 H], as `backward` leaves it; kernel: float32 [4 H, E].
    """
    product = np.empty((of_gates.shape[1], kernel.shape[1]), np.float32)
    for step in range(len(active)):
        count = active[step]
        np.dot(of_gates[step, :count], kernel, product[:count])
        for place in range(count):
            of_inputs[rows[place], step] += product[place]
