from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner

from dstill.cli.options import App
from dstill.errors import RunError
from dstill_report.command import report


def test_writes_three_files_and_names_them(make_run: Any) -> None:
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


def damage(run: Any, how: str) -> None:
    """Damage `run` so that no report can be written."""
    if how == "no verdicts":
        (run.folder / "verdicts.jsonl").unlink()
    elif how == "no scores":
        del run.manifest["stages"]["evaluate"]
        run.save()
    elif how == "newer run":
        run.manifest["schema_version"] += 1
        run.save()
    else:
        file = run.folder / "verdicts.jsonl"
        file.write_text(file.read_text().replace('"schema_version":1', '"schema_version":2'))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no verdicts", "has scores but no verdicts"),
        ("no scores", "has no scores yet"),
        ("newer run", "has schema version 2, this dstill knows 1"),
        ("newer verdicts", "verdicts.jsonl has schema version 2, this dstill knows 1"),
    ],
)
def test_unreportable_run_is_refused_and_nothing_is_written(make_run: Any, how: str, said: str) -> None:
    run = make_run(tests=6)
    damage(run, how)
    with pytest.raises(RunError, match=re.escape(said)) as error:
        CliRunner().invoke(report, [str(run.folder)], obj=App(plugins=run.plugins), catch_exceptions=False)
    assert error.value.exit_code == 5
    assert error.value.hint
    assert not list(run.folder.glob("report.*"))
