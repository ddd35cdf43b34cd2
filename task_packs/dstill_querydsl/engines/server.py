"""The embedded server: an `osmem-server` process on a free loopback port.

    with EmbeddedServer.start() as server:
        server.url   # http://127.0.0.1:40311

It ends with this process, even on SIGKILL: it watches the parent's process id and its own standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from dstill.errors import MissingExtra, ServiceError

__all__ = ["EmbeddedServer"]

START = 30.0  # seconds to wait for it to listen; it takes about 0.05


@dataclass(frozen=True, kw_only=True)
class EmbeddedServer:
    """A running server."""

    process: subprocess.Popen[bytes]
    url: str
    version: str  # of osmem-server

    @classmethod
    def start(cls) -> Self:
        """Start a server. Raises MissingExtra without the package, ServiceError if it does not start."""
        try:
            import osmem_server  # type: ignore[import-untyped]  # it ships no annotations
        except ImportError as error:
            raise MissingExtra("the embedded engine", "embedded", "osmem-server") from error
        try:
            binary = osmem_server.resolve_binary()
        except osmem_server.OsmemError as error:
            raise ServiceError("this machine has no embedded engine", where=str(error), hint=HINT) from None
        try:
            process = subprocess.Popen(
                [binary, "--addr", "127.0.0.1:0", "--parent-pid", str(os.getpid()), "--no-ja"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise ServiceError("the embedded engine does not start", where=f"{binary}: {error}", hint=HINT) from None
        server = cls(process=process, url=_address(process), version=osmem_server.__version__)
        if not server.url:
            server.close()
            raise ServiceError("the embedded engine does not start", where=binary, hint=HINT)
        return server

    def close(self) -> None:
        """End the server by closing its input; kill it if it does not exit within 3 s."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=3)
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


HINT = "pass --engine-url with your own Elasticsearch or OpenSearch"


def _address(process: subprocess.Popen[bytes]) -> str:
    """The URL in the first line of the server's output: ``{"url": "http://127.0.0.1:40311", …}``. Empty on failure."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START)
    try:
        return str(json.loads(process.stdout.readline())["url"]) if ready else ""
    except (ValueError, KeyError):
        return ""
