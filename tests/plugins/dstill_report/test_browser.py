"""The page in a real browser: its script runs under its own policy, and the filters filter."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from support.browser import CHROMIUM, needs_chromium

from dstill_report.page import write

pytestmark = needs_chromium


def dom(page: Path, scratch: Path) -> str:
    """The page's DOM after its scripts ran."""
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=2000",
        "--dump-dom",
    ]
    command = [str(CHROMIUM), *flags, f"--user-data-dir={scratch}", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_filters_filter(make_run: Any, tmp_path: Path) -> None:
    run = make_run()
    write(run)
    page = (run.folder / "report.html").read_text()
    total = page.count('<details class="failure"')
    wrong = page.count('data-kind="wrong result"')
    assert 0 < wrong < total
    assert f"{total} of {total} shown" in dom(run.folder / "report.html", tmp_path / "first")
    # the policy lets no other script in, so the copy that a test drives has none
    driven = re.sub(r"<meta http-equiv[^>]*>", "", page).replace(
        "</body>",
        "<script>const f = document.getElementById('filters'); f.elements.kind.value = 'wrong result';"
        "f.dispatchEvent(new Event('input', {bubbles: true}));</script></body>",
    )
    (tmp_path / "driven.html").write_text(driven)
    after = dom(tmp_path / "driven.html", tmp_path / "second")
    assert f"{wrong} of {total} shown" in after
    assert len(re.findall(r'<details class="failure"[^>]* hidden=', after)) == total - wrong


def test_the_policy_lets_no_other_script_run(make_run: Any, tmp_path: Path) -> None:
    run = make_run(tests=12)
    write(run)
    page = (run.folder / "report.html").read_text()
    bad = page.replace(
        "</body>",
        "<script>document.title = 'changed'</script><img src=x onerror=\"document.title = 'changed'\"></body>",
    )
    (tmp_path / "bad.html").write_text(bad)
    assert "<title>changed" not in dom(tmp_path / "bad.html", tmp_path / "profile")
