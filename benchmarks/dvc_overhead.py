"""Claim: `dvc repro` with nothing to do takes at most half as long again as `dvc status`.

    python -m benchmarks.dvc_overhead

Nothing of this project runs then: it depends on how many files the stages depend on, and how large they are.
"""

import sys

from benchmarks.harness import Contender, Setting, run_process, speed_app
from imdb_sentiment.runtime.errors import PipelineError


def contenders(setting: Setting) -> dict[str, list[Contender]]:
    """Return both commands, in the project whose outputs are up to date."""
    project = setting.data.resolve().parent
    dvc = (sys.executable, "-m", "dvc", "--cd", str(project))
    try:
        run_process((*dvc, "status", "--quiet"))  # its exit code says whether something is out of date
    except PipelineError as error:
        raise PipelineError(f"{project}: found something out of date; expected nothing for DVC to do") from error
    return {"dvc: nothing to do": [Contender(name, (*dvc, name)) for name in ("repro", "status")]}


app = speed_app("dvc_overhead", "runs", contenders)

if __name__ == "__main__":
    app()
