"""Temperature scaling: probabilities as confident as they are accurate, for short texts and for long ones."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from imdb_sentiment.artifacts.sequences import Sequences
from imdb_sentiment.artifacts.temperature import LARGEST, Temperature, describe_texts
from imdb_sentiment.training.pieces import draw_piece, take_pieces

_CERTAIN: Final = 1e-7  # the smallest distance from 1 that single precision can represent
# How many pieces of each review, by how many sentences they have on average.
_PIECES: Final = (1, 1, 2, 4, 8)
# The share of pieces that say the opposite of their review, as far as a reader could tell. Without it, the labels of
# pieces would make the model of short texts less confident than it should be. At about this share, the temperature that
# pieces ask for is the one that also gives the lowest loss on whole reviews, whose labels are their own.
WRONG_PIECES: Final = 0.04
# Standard deviations of a normal distribution around 0, from which few reviews cannot move these far.
_PRIOR: Final = {"log_length": 0.3, "unknown_share": 1.0}
_BOUND: Final = float(np.log(LARGEST))


class Scored(NamedTuple):
    """Texts with their labels `int8 [B]` and probabilities `float64 [B]`; token_ids: `int32 [B, T]`."""

    y_true: NDArray[np.int8]
    y_prob: NDArray[np.float64]
    token_ids: NDArray[np.int32]


def cut_pieces(part: Sequences, ends: frozenset[int], seed: int) -> Sequences:
    """Return pieces of each review of a part, of one sentence and more; `ends` are the ids that end a sentence."""
    rng = np.random.default_rng(seed)
    rows = [row for _ in _PIECES for row in range(len(part))]
    sentences = np.repeat(_PIECES, len(part)).tolist()
    reviews = [part.token_ids[row, : part.lengths[row]].tolist() for row in range(len(part))]
    pieces = [draw_piece(reviews[row], ends, mean, rng) for row, mean in zip(rows, sentences, strict=True)]
    return take_pieces(part, rows, pieces)


def fit_temperature(reviews: Scored, pieces: Scored | None = None) -> Temperature:
    """Return the temperature that gives the lowest loss on `reviews` and on `pieces` of them, each group as a whole.

    After Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", section 4.2. It changes no
    classification. Fit it on held-out reviews: on those of the train part the model is more accurate.

    A piece has the label of its review, and WRONG_PIECES of them say something else: a piece of probability p is taken
    to have its label with (1 - w) p + w (1 - p).
    """
    groups = [(reviews, 0.0)] + ([(pieces, WRONG_PIECES)] if pieces is not None else [])
    described = [(_true_logits(scored), *describe_texts(scored.token_ids), wrong) for scored, wrong in groups]
    deviations = np.array([np.inf, *_PRIOR.values()])

    def loss(values: NDArray[np.float64]) -> float:
        total = float(((values / deviations) ** 2).sum()) / 2 / len(reviews.y_true)
        for logits, log_lengths, unknown, wrong in described:
            logs = values[0] + values[1] * log_lengths + values[2] * unknown
            scaled = logits / np.exp(np.clip(logs, -_BOUND, _BOUND))
            if wrong:
                right = 1 / (1 + np.exp(-np.clip(scaled, -50, 50)))
                total -= float(np.log((1 - wrong) * right + wrong * (1 - right)).mean())
            else:
                total += float(np.logaddexp(0, -scaled).mean())
        return total

    bounds = [(-_BOUND, _BOUND), (-1.0, 1.0), (-3.0, 3.0)]
    # From the best constant: where all answers are certain, the loss is flat around 0.
    start = minimize_scalar(lambda constant: loss(np.array([constant, 0, 0])), bounds=bounds[0], method="bounded").x
    found = minimize(loss, np.array([start, 0, 0]), method="L-BFGS-B", bounds=bounds).x
    # The last digits depend on the order of additions, and mean nothing.
    constant, log_length, unknown_share = (round(float(value), 6) for value in found)
    return Temperature(constant, log_length, unknown_share)


def _true_logits(scored: Scored) -> NDArray[np.float64]:
    """Return the logits of the true labels: their loss is log(1 + exp(-logit))."""
    probabilities = np.clip(scored.y_prob, _CERTAIN, 1 - _CERTAIN)
    logits: NDArray[np.float64] = np.log(probabilities) - np.log1p(-probabilities)
    return logits * (2 * scored.y_true.astype(np.float64) - 1)
