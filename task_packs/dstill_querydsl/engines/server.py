"""The embedded server: a process of `osmem-server` on a free loopback port.

    with EmbeddedServer.start() as server:
        server.url   # http://127.0.0.1:40311

It ends with this process, however that ends: it watches the process id and its standard
input, both of which go away even on SIGKILL.
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

START = 30.0  # seconds; it takes about 0.05


@dataclass(frozen=True, kw_only=True)
class EmbeddedServer:
    process: subprocess.Popen[bytes]
    url: str
    version: str  # of osmem-server

    @classmethod
    def start(cls) -> Self:
        """Raises MissingExtra without the package, ServiceError where it does not start."""
        try:
            import osmem_server  # type: ignore[import-untyped]  # it ships no annotations
        except ImportError as error:
            raise MissingExtra("the embedded engine", "embedded", "osmem-server") from error
        try:
            binary = osmem_server.resolve_binary()
        except osmem_server.OsmemError as error:
            raise ServiceError("there is no embedded engine for this machine", where=str(error), hint=HINT) from None
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
        """End it: it leaves when its input is closed, and is killed when it does not."""
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


HINT = "pass --engine-url with an Elasticsearch or OpenSearch of yours"


def _address(process: subprocess.Popen[bytes]) -> str:
    """What the server prints first, once it listens: ``{"url": "http://127.0.0.1:40311", …}``."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START)
    try:
        return str(json.loads(process.stdout.readline())["url"]) if ready else ""
    except (ValueError, KeyError):
        return ""
