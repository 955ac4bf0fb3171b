"""Where the time of one command goes, from the tasks that it showed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

# What `phases_of` finds in train, in words.
TRAIN: Final = {
    "start to Loading TensorFlow": "starting Python",
    "Loading TensorFlow": "loading TensorFlow",
    "Loading TensorFlow to Epoch": "reading inputs, making the first model",
    "Epoch": "fitting, its first step compiling",
    "Epoch to Predicting": "validating",
    "Predicting": "validating",
    "Predicting to Epoch": "checkpoints, making the next model",
    "Predicting to Predicting": "joining the members",
    "Predicting to end": "calibrating, writing, ending",
}


def phases_of(tasks: Sequence[Mapping[str, Any]], start: float, end: float) -> dict[str, float]:
    """Return the seconds of each kind of task, and of what lies between two of them; together all of `end - start`.

    `[{"task": "Epoch 1/2", "start": 3, "end": 9}], 0, 10 -> {"start to Epoch": 3, "Epoch": 6, "Epoch to end": 1}`
    """
    found: dict[str, float] = {}
    last, before = start, "start"
    for task in sorted(tasks, key=lambda its: float(its["start"])):
        if task["start"] < last:
            continue  # within another
        kind = re.sub(r"\W*\d.*", "", task["task"])
        for name, seconds in ((f"{before} to {kind}", task["start"] - last), (kind, task["end"] - task["start"])):
            found[name] = found.get(name, 0.0) + seconds
        last, before = task["end"], kind
    found[f"{before} to end"] = found.get(f"{before} to end", 0.0) + end - last
    return found


def named(phases: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    """Return the seconds of `phases` by their `names`, those without one as `other`."""
    found: dict[str, float] = {}
    for phase, seconds in phases.items():
        name = names.get(phase, "other")
        found[name] = found.get(name, 0.0) + seconds
    return found
