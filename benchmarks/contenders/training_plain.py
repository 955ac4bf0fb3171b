"""The same as `training`, for one LSTM layer and nothing else."""

from functools import partial
from typing import Final

from benchmarks.contenders.training import fit
from benchmarks.setting import Contend
from benchmarks.training_peers import PEERS
from variants.__main__ import ROOT

PLAIN: Final = ROOT / "variants" / "plain.yaml"

CONTENDERS: Final[dict[str, Contend]] = {peer: partial(fit, peer=peer, changes=PLAIN) for peer in PEERS}
