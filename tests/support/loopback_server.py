"""A server on this machine that answers as a function says.

with serving(lambda asked: (200, {}, {"ok": True})) as url:
    ...                                   # asked.method, asked.path, asked.headers, asked.body

A body that is neither bytes nor an iterator of bytes is sent as JSON.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Answer", "Asked", "serving"]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]  # by their names in small letters
    body: bytes


Answer = Callable[[Asked], tuple[int, Mapping[str, str], Any]]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server that ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            sent = self.rfile.read(int(headers.get("content-length", 0)))
            status, more, body = answer(Asked(self.command, self.path, headers, sent))
            is_plain = isinstance(body, (bytes, Iterator))
            pieces = body if isinstance(body, Iterator) else iter([body if is_plain else json.dumps(body).encode()])
            self.send_response(status)
            for name, value in {"content-type": "application/json", "connection": "close", **more}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the client had enough
                for piece in pieces if self.command != "HEAD" else ():
                    self.wfile.write(piece)
                    self.wfile.flush()
            self.close_connection = True

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

        def log_message(self, format: str, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
