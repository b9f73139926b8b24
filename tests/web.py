"""A web server on the loopback that serves a folder in ranges of bytes, counts what it sends, and
can misbehave.
"""

import contextlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Server:
    """What is served, and how; `sent` and `requests` count bytes of files and requests for them
    (GET).
    """

    folder: Path
    url: str = ""
    ranges: bool = True
    sizes: bool = True
    status: dict = field(default_factory=dict)  # file name: what to answer in place of the file
    failures: int = 0  # so many of the next GET requests are answered with 503
    short: bool = False  # each range lacks its last byte
    sent: int = 0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self):
        self.sent = self.requests = 0


@contextlib.contextmanager
def serve(folder):
    """Serve a folder on a free port of 127.0.0.1."""
    server = Server(Path(folder))
    web = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": server}))
    web.daemon_threads = True
    server.url = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        web.shutdown()
        web.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Server

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle_one_request()
            return
        self.close_connection = True

    def _answer(self, body):
        site = self.site
        path = site.folder / unquote(urlsplit(self.path).path).lstrip("/")
        status = site.status.get(path.name, 200 if path.is_file() else 404)
        if status == 200 and body:
            with site.lock:
                site.requests += 1
                if site.failures:
                    site.failures -= 1
                    status = 503
        if status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(path, body)

    def _send(self, path, body):
        site, size = self.site, path.stat().st_size
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (
            (int(match[1]), min(int(match[2]), size - 1))
            if match and site.ranges
            else (0, size - 1)
        )
        if site.short and match:
            last -= 1
        self.send_response(206 if match and site.ranges else 200)
        if match and site.ranges:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        if site.sizes:
            self.send_header("Content-Length", str(last - first + 1))
        else:
            self.send_header("Connection", "close")
        self.send_header("ETag", f'"{size}-{path.stat().st_mtime_ns}"')
        self.end_headers()
        if body:
            self._pump(path, first, last - first + 1)
        if not site.sizes:
            self.close_connection = True

    def _pump(self, path, first, count):
        with open(path, "rb") as stream:
            stream.seek(first)
            while count:
                piece = stream.read(min(count, 1 << 16))
                self.wfile.write(piece)
                count -= len(piece)
                with self.site.lock:
                    self.site.sent += len(piece)
