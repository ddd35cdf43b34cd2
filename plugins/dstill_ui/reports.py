"""The report of a run: the page that is there, if it is as new as the results, else a new one.

    ready(folder)         the bytes of report.html; None: there is none, or it is outdated
    write(run)            … of a new one
    HEADERS               of the reply

A report of a run that somebody else made may be anybody's page. So it is shown in a sandbox, as a page of another site:
it cannot use the cookie, and its scripts run only if they are those of the reports that this dstill writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dstill.errors import DstillError, RunError
from dstill.io.plain_files import regular
from dstill.runs.manifest import MANIFEST
from dstill_report.page import policy

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["headers", "ready", "write"]

FILE = "report.html"
MOST_BYTES = 32 * 2**20


def headers() -> dict[str, str]:
    """The headers of a reply with a report."""
    return {
        "content-security-policy": f"{policy()}; frame-ancestors 'none'; sandbox allow-scripts",
        "cross-origin-opener-policy": "unsafe-none",  # browsers refuse another one together with a sandbox
    }


def ready(folder: Path) -> bytes | None:
    """The report in `folder` if it is newer than run.json and of this version; None otherwise."""
    file = folder / FILE
    try:
        if file.stat().st_mtime_ns < (folder / MANIFEST).stat().st_mtime_ns:
            return None
        with open(file, "rb", opener=regular) as opened:
            page = opened.read(MOST_BYTES + 1)
    except (OSError, DstillError):
        return None
    return page if len(page) <= MOST_BYTES and policy().encode() in page else None


def write(run: Run) -> bytes:
    """A new report. Raises RunError if the run was not evaluated yet, or if no plugin writes reports."""
    page = run.plugins.write_report(run)
    if page is None:
        raise RunError("no plugin wrote a report", where=str(run.folder), hint="enable the plugin 'report'")
    return page.read_bytes()
