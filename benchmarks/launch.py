"""Run a command and print its wall time, its processor time and its own peak memory, as JSON.

A process of its own because Linux counts the memory of the process that starts a child towards the
child's peak: started from the benchmark itself, which holds large images, every command would seem
to need them too.
"""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Run ``sys.argv[1:]``."""
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * unit,
                "exit": child.returncode,
            }
        )
    )


main()
