"""Servers on the loopback interface that tests read from: files over HTTP, and an S3-compatible store."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any


@dataclass
class Traffic:
    """What a server was asked, and how it answers."""

    ranges: bool = True
    tags: bool = True
    status: int | None = None  # of every answer, instead of files
    cut_after: int | None = None  # bytes of each body that are sent
    requests: list[tuple[str, str]] = field(default_factory=list)  # (method, range)
    body_bytes: int = 0


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, traffic: Traffic, **options: Any) -> None:
        self.traffic = traffic
        super().__init__(*arguments, **options)

    def log_message(self, format: str, *arguments: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        wanted = self.headers.get("Range", "")
        self.traffic.requests.append((self.command, wanted))
        if self.traffic.status is not None:
            self.send_error(self.traffic.status)
            return
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            links = "".join(f'<a href="{one.name}{"/" * one.is_dir()}">x</a>' for one in sorted(path.iterdir()))
            self._send(200, links.encode(), {"Content-Type": "text/html"}, body)
            return
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        headers = {"Last-Modified": self.date_time_string(path.stat().st_mtime)} if self.traffic.tags else {}
        if self.traffic.tags:
            headers["ETag"] = f'"{path.stat().st_mtime_ns:x}-{len(content):x}"'
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        if match and self.traffic.ranges:
            first, last = int(match[1]), min(int(match[2]), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self._send(206, content[first : last + 1], headers, body)
            return
        if self.traffic.ranges:
            headers["Accept-Ranges"] = "bytes"
        self._send(200, content, headers, body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            sent = content[: self.traffic.cut_after]
            self.traffic.body_bytes += len(sent)
            self.wfile.write(sent)
            self.close_connection = self.close_connection or len(sent) < len(content)


@contextmanager
def http_server(folder: Path) -> Iterator[tuple[str, Traffic]]:
    """Serves `folder` until the block ends; gives its URL and what it is asked."""
    traffic = Traffic()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder, traffic=traffic))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", traffic
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def s3_server() -> Iterator[str]:
    """An S3-compatible store in this process until the block ends; gives the options of its URLs."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    finally:
        server.stop()
