"""Run a command, and add to a file how long it took and how much memory: `python -I -S launcher.py LOG COMMAND...`.

It is a process of its own, and a small one: to Linux, the peak memory of the process that starts a command is part of
that command's peak.
"""

import json
import os
import signal
import sys
import time


def launch(log: str, command: list[str]) -> int:
    """Return the exit code of `command`; a line of JSON is added to `log`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which is waited for
    start = time.monotonic()  # a clock of the machine, so times of several processes compare
    process = os.posix_spawn(command[0], command, os.environ, setsigdef=[signal.SIGINT])
    _, status, usage = os.wait4(process, 0)
    measured = {
        "command": command,
        "start": start,
        "end": time.monotonic(),
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2),
    }
    with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123  # importing pathlib would triple its time
        file.write(json.dumps(measured) + "\n")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code  # as a shell reports a signal


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1], sys.argv[2:]))
