"""Data on servers, which somebody names on the start page to ask about them before anything is trained.

    live_data = LiveData(app)
    listed = live_data.choices("http://127.0.0.1:9200")              # {"logs": {"executor.http.index": "logs"}, …}
    live_data.add("http://127.0.0.1:9200", "logs", listed["logs"])   # "data/5c9d0a…": its address below the start page
    with live_data.student("data/5c9d0a…") as app: …                 # the application of `dstill serve`

An address holds no password: a login is in an environment variable, which the settings name.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dstill.cli.options import App
from dstill.cli.ready import about_data, choices, ready
from dstill_serve import app as serve_app
from dstill_serve import serving
from dstill_ui.access import Behind

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["LIMITS", "LiveData"]

LIMITS = serving.Limits(max_batch=16, max_requests=64, timeout=60)  # of each student
MOST = 100  # data that are listed; the oldest leaves


class LiveData:
    """The data that somebody named since the server started."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings: dict[str, Mapping[str, Any]] = {}
        self.labels: dict[str, str] = {}  # name → what people call the data; the oldest first
        self.opened: set[str] = set()  # names of data that could be read

    def choices(self, address: str) -> Mapping[str, Mapping[str, Any]]:
        """The data at `address` to choose from, each with the settings that choose it; empty: the address says which.

        Raises UsageError if no task takes the address, ServiceError, AuthError.
        """
        return choices(self._about({"engine.url": address}))

    def add(self, address: str, data: str, settings: Mapping[str, Any]) -> str:
        """The name of the data `data` at `address`, which `settings` choose there."""
        label = f"{data} at {address}" if data else address
        name = f"data/{hashlib.sha256(label.encode()).hexdigest()[:16]}"
        self._settings[name], self.labels[name] = {"engine.url": address, **settings}, label
        if len(self.labels) > MOST:
            oldest = next(iter(self.labels))
            del self.labels[oldest], self._settings[oldest]
            self.opened.discard(oldest)
        return name

    def _about(self, settings: Mapping[str, Any]) -> App:
        return replace(self._app, flags={**self._app.flags, **settings})

    @contextlib.contextmanager
    def student(self, name: str) -> Iterator[ASGIApp]:
        """The application of the task's base student, which knows the data of that name. Raises as `about_data`."""
        behind, at = Behind(requires_token=False), f"../{name.rpartition('/')[2]}"
        with (
            about_data(self._about(self._settings[name]), None, "ask") as about,
            ready(about, execute=True, max_wrong=None, fallback="") as predictor,
            serving.opened(predictor, access=behind, limits=LIMITS, at=at) as service,
        ):
            self.opened.add(name)
            yield serve_app.application(service)
