"""Headless Chromium for tests: as much of the WebDriver protocol, which is JSON over HTTP, as they
need.
"""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
)
_KEYS = {
    "Left": "\ue012",
    "Up": "\ue013",
    "Right": "\ue014",
    "Down": "\ue015",
    "Escape": "\ue00c",
    "Enter": "\ue007",
    "Tab": "\ue004",
}
#: Straight to the loopback, whatever proxy the environment names.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def missing():
    """Return what is not installed, or None."""
    for program in ("chromedriver", "chromium"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: apt-get install chromium chromium-driver)"
    return None


class Browser:
    """A browser with a profile of its own, which ends with the block."""

    def __init__(self, *, size=(1366, 768), dark=False):
        self.size, self.dark = size, dark

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._port_file = Path(self._profile.name) / "driver.log"
        self._log = open(self._port_file, "wb")
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=self._log, stderr=subprocess.STDOUT
        )
        try:
            self._base = f"http://127.0.0.1:{self._port()}"
            answer = self._call(
                "POST", "/session", {"capabilities": {"alwaysMatch": self._capabilities()}}
            )
            self._base += f"/session/{answer['sessionId']}"
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._call("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self._driver.terminate()
        self._driver.wait(30)
        self._log.close()
        self._profile.cleanup()

    def _port(self):
        """The port that the driver chose: it says so when it is ready."""
        for _ in range(300):
            words = (
                self._port_file.read_text(errors="replace")
                .partition("started successfully on port ")[2]
                .split()
            )
            if words:
                return int(words[0].rstrip("."))
            time.sleep(0.1)
        raise TimeoutError(
            f"chromedriver did not start: {self._port_file.read_text(errors='replace')}"
        )

    def _capabilities(self):
        arguments = [*ARGUMENTS, f"--user-data-dir={self._profile.name}/profile"]
        arguments.append("--window-size={},{}".format(*self.size))
        return {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            self._base + path, data=data, method=method, headers=headers
        )
        with _OPEN(request, timeout=120) as response:
            return json.load(response)["value"]

    def command(self, name, **parameters):
        """Run a command of the DevTools."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def load(self, path):
        """Open a file, in the size and the colours that were asked for."""
        width, height = self.size
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self.dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self._call("POST", "/url", {"url": "about:blank"})
        # of the page before, such as the browser's own first one
        self.requests(), self.complaints()
        self._call("POST", "/url", {"url": Path(path).resolve().as_uri()})

    def run(self, script, *arguments):
        """Run JavaScript in the page; return what it returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """Run JavaScript that calls its last argument; return what it gives to that."""
        return self._call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """Run JavaScript until it returns something true; return that."""
        for _ in range(300):
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.05)
        raise TimeoutError(script)

    def press(self, *keys):
        """Press keys, one after the other: characters, or Left, Right, Up, Down, Escape, Enter,
        Tab.
        """
        actions = [
            {"type": kind, "value": _KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self._call(
            "POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]}
        )

    def move(self, point):
        """Move the mouse to a point of the window."""
        move = {"type": "pointerMove", "x": point[0], "y": point[1]}
        self._pointers({"type": "pointer", "id": "mouse", "actions": [move]})

    def pinch(self, point, before, after):
        """Move two fingers, so far left and right of a point, to another distance."""
        fingers = []
        for side in (-1, 1):
            moves = [
                {"type": "pointerMove", "x": point[0] + side * before, "y": point[1]},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerMove", "x": point[0] + side * after, "y": point[1],
                 "duration": 100},
                {"type": "pointerUp", "button": 0},
            ]  # fmt: skip
            touch = {"pointerType": "touch"}
            fingers.append(
                {"type": "pointer", "id": f"finger{side}", "parameters": touch, "actions": moves}
            )
        self._pointers(*fingers)

    def _pointers(self, *pointers):
        self._call("POST", "/actions", {"actions": list(pointers)})

    def drag(self, start, by, button=0):
        """Drag with the mouse from a point of the window; button 2 is the right one."""
        (x, y), (dx, dy) = start, by
        moves = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": button},
            {"type": "pointerMove", "x": x + dx, "y": y + dy, "duration": 50},
            {"type": "pointerUp", "button": button},
        ]
        self._pointers({"type": "pointer", "id": "mouse", "actions": moves})

    def wheel(self, point, delta):
        """Turn the wheel over a point of the window; upwards is negative."""
        turn = {"type": "scroll", "x": point[0], "y": point[1], "deltaX": 0, "deltaY": delta}
        self._call(
            "POST", "/actions", {"actions": [{"type": "wheel", "id": "wheel", "actions": [turn]}]}
        )

    def screenshot(self, path):
        """Write what the window shows as a PNG."""
        Path(path).write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def requests(self):
        """Return the addresses of all that the page asked for since the last call."""
        found = []
        for entry in self._call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def complaints(self):
        """Return what the page wrote to the console since the last call: errors, refusals."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})]
