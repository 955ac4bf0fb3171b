"""Claim: a process that predicts once takes half a second, where Keras takes seconds; help comes within a second.

    python -m benchmarks.start_up

- ours: `imdb-sentiment predict`, from the start of the process to its end.
- keras: importing Keras, loading the trained model and predicting once, and no more than that.
- imdb-sentiment, stages.train: how long `--help` takes; nothing is compared with them.
"""

import sys
from typing import Final

from benchmarks.harness import Contender, Setting, speed_app

_REVIEW: Final = "A wonderful film, and the ending made me cry."
_BY_KERAS: Final = """
import sys
from pathlib import Path
import numpy as np
from imdb_sentiment.artifacts.polarity import PolarityTable
from imdb_sentiment.network.saved_model import load_model
from imdb_sentiment.text.encoder import TextEncoder
data = Path(sys.argv[1])
token_ids = np.array([TextEncoder.load(data / "vocabulary.json").encode(sys.argv[2])], np.int32)
saved, inputs = load_model(data / "trained"), {"token_ids": token_ids}
if saved.params.reads_polarity:
    inputs["polarity"] = PolarityTable.load(data / "polarity.npz").channels(token_ids).astype(np.float32)
print(saved.as_single_model().predict_on_batch(inputs))
"""


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return processes that predict once, and processes that show their help."""
    python, command = (sys.executable, "-m"), "imdb_sentiment.app.commands"  # which is imdb-sentiment
    return {
        "cold start: a process that predicts once": [
            Contender("ours", (*python, command, "predict", _REVIEW, "--model", str(setting.data / "model"))),
            Contender("keras", (sys.executable, "-c", _BY_KERAS, str(setting.data), _REVIEW), needs="keras"),
        ],
        "help: a process that shows its options": [
            Contender("imdb-sentiment", (*python, command, "--help")),
            Contender("stages.train", (*python, "stages.train", "--help")),
        ],
    }


app = speed_app("start_up", "starts", contenders)

if __name__ == "__main__":
    app()
