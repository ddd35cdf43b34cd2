from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from dstill.cli.app import App
from dstill_report.command import report


def test_it_writes_three_files_and_names_them(make_run: Any) -> None:
    run = make_run(tests=12)
    result = CliRunner().invoke(report, [str(run.folder)], obj=App(plugins=run.plugins), catch_exceptions=False)
    files = [run.folder / name for name in ("report.html", "report.json", "report.md")]
    assert result.stdout.splitlines() == [str(file) for file in files]
    assert all(file.stat().st_size for file in files)


def test_json_is_one_object_on_the_last_line(make_run: Any) -> None:
    run = make_run(tests=12)
    result = CliRunner().invoke(report, [str(run.folder), "--json"], obj=App(plugins=run.plugins))
    assert json.loads(result.stdout.splitlines()[-1])["html"] == str(run.folder / "report.html")
    assert CliRunner().invoke(report, [str(run.folder), "--quiet"], obj=App(plugins=run.plugins)).stdout == ""
