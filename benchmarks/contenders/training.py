"""One pass over the same reviews, by the peers of `benchmarks.training_peers`: tokens are of text, not padding."""

from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.setting import Contend, Lap, Setting
from benchmarks.training_peers import PEERS, load_task
from imdb_sentiment.runtime.params import Params, check, read_yaml
from variants.__main__ import merge


def fit(setting: Setting, *, peer: str, changes: Path | None = None) -> Lap:
    """Let `peer` fit the params of the setting, `changes` merged over them. Set-up and first batches don't count."""
    given: dict[str, Any] = read_yaml(setting.params)
    params = check(merge(given, read_yaml(changes) if changes else {}), Params, str(setting.params))
    task = load_task(params, setting.data, setting.batches)
    done = PEERS[peer](task)
    return Lap(done.seconds, int(task.reviews.lengths.sum()), done.loss)


CONTENDERS: Final[dict[str, Contend]] = {peer: partial(fit, peer=peer) for peer in PEERS}
