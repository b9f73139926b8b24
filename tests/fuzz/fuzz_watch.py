"""Workers, and who watches them: one that hangs or dies is ended, recorded, and replaced."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

WORKER = Path(__file__).with_name("fuzz_worker.py")
#: Seconds of a processor's time, or of a clock on the wall where nothing computes, after which a
#: case hangs.
MOST_BUSY, MOST_IDLE = 20.0, 180.0


class Worker:
    """A process that runs items one by one."""

    def __init__(self, kind, base, folder):
        self._start = kind, str(base), str(folder)
        self._process = None

    def run(self, item):
        """Return what became of an item."""
        if self._process is None:
            self._begin()
        self._process.stdin.write(f"{item}\n")
        self._process.stdin.flush()
        began = busy = None
        while True:
            answer = self._answer(0.5)
            if answer is None:
                if self._process.poll() is not None and self._lines.empty():
                    return self._lost(
                        item, "crash", f"exit code {self._process.returncode}: {self._last_words()}"
                    )
                if began is None:
                    continue
                if self._busy() - busy > MOST_BUSY or time.monotonic() - began > MOST_IDLE:
                    return self._lost(
                        item,
                        "hang",
                        f"{self._busy() - busy:.0f} s of work, {time.monotonic() - began:.0f} s",
                    )
            elif "begin" in answer:
                began, busy = time.monotonic(), self._busy()
            elif "item" in answer:
                return answer

    def close(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._reader.join()
            self._process.stdout.close()
            self._process = None

    def _begin(self):
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "MPLBACKEND": "agg"}
        command = [sys.executable, str(WORKER), *self._start]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=environment
        )
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader.start()
        while (answer := self._answer(1)) is None or "ready" not in answer:
            if self._process.poll() is not None and self._lines.empty():
                raise RuntimeError(f"the worker does not start: {self._last_words()}")

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(json.loads(line))

    def _answer(self, seconds):
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            return None

    def _lost(self, item, outcome, detail):
        self.close()
        return {
            "item": str(item),
            "outcome": outcome,
            "detail": detail,
            "seconds": 0.0,
            "command": "?",
            "done": [],
            "err": "",
        }

    def _busy(self):
        """Seconds of a processor's time that the worker has taken."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _last_words(self):
        log = Path(self._start[2]) / "worker.log"
        return log.read_text(errors="replace")[-800:] if log.exists() else ""
