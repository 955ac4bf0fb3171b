"""Run a module under Python's profiler: `python -m benchmarks.profiled STATS -m stages.train ...`."""

import cProfile
import runpy
import sys


def run_profiled(stats: str, module: str) -> None:
    """Run `python -m module` with the rest of the command line; the profile goes to the file `stats`."""
    profiler = cProfile.Profile(builtins=False)  # the little that Python itself does costs less so
    try:
        profiler.runcall(runpy.run_module, module, run_name="__main__", alter_sys=True)
    finally:
        profiler.dump_stats(stats)


if __name__ == "__main__":
    _, file, _, name, *sys.argv[1:] = sys.argv
    run_profiled(file, name)
