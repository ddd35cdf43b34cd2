"""Writes a run's report in three formats.

    write(run)  →  {"html": runs/a/report.html, "json": …/report.json, "markdown": …/report.md}

The page is self-contained: it embeds its style, script and plots. Its content security policy forbids the browser
to fetch anything or to run any script but that one, which it identifies by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import SCHEMA_VERSION, Score, Table
from dstill.cli.scores import SPLITS
from dstill.errors import RunError
from dstill.io.shell import command
from dstill.io.units import size_on_disk
from dstill.quality.data_monitor import MOST_LOST
from dstill_evaluate.metrics import uncounted
from dstill_report.answers import collect
from dstill_report.content import FEW, MANY, Headline, Report
from dstill_report.markdown import markdown
from dstill_report.templating import environment_of
from dstill_report.text import percent

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["gather", "headlines", "html", "policy", "summary", "write"]

TEMPLATES = Path(__file__).parent / "templates"
HEADLINE, SILENT = "executable_accuracy", "silent_error_rate"
PHONE_WIDTH = 34  # characters of a bold wide font, beside the gaps
SHORT_FACTS = ("student", "engine", "created")  # in the page's first line; a click shows the others


def write(run: Run) -> dict[str, Path]:
    """Write all three files to the run's folder. Raises RunError if the run was not evaluated yet."""
    report = gather(run)
    texts = {"report.html": html(report), "report.json": summary(report), "report.md": markdown(report)}
    files = [run.write_file(name, text) for name, text in texts.items()]
    return dict(zip(("html", "json", "markdown"), files, strict=True))


def gather(run: Run) -> Report:
    """Collect the content of the report. Raises RunError if scores or verdicts are missing."""
    evaluated = run.stages.get("evaluate")
    if not evaluated or not evaluated.get("scores"):
        raise RunError(
            f"run '{run.name}' has no scores yet", where=str(run.folder), hint=command("evaluate", run.folder)
        )
    if not run.verdicts():
        raise RunError(
            f"run '{run.name}' has scores but no verdicts",
            where=str(run.folder / "verdicts.jsonl"),
            hint=command("evaluate", run.folder),
        )
    by_split = headlines(evaluated)
    return Report(
        name=run.name,
        data_noun=run.task.data_noun,
        facts=_facts(run.manifest),
        warnings=_warnings(run, evaluated),
        verdict=tuple(_verdict(by_split, evaluated.get("categories", {}))),
        headlines=by_split,
        teacher_note=_taught_note(run.stages.get("teach")) + _teacher_note(evaluated),
        baselines=run.plugins.meanings(),
        sections=tuple(run.plugins.report_sections(run)),
        answers=collect(run),
        manifest=run.manifest,
    )


def _verdict(headlines: tuple[Headline, ...], categories: Mapping[str, Any]) -> Iterator[str]:
    """The first set, then the set with the most silent errors, then the weakest category."""
    rated = [headline for headline in headlines if headline.student is not None]
    if not rated:
        return
    first = rated[0]
    yield f"Right on {_of(first)}."
    worst = max(rated, key=lambda rate: (rate.silent.value or 0) if rate.silent else 0)
    if worst is not first:
        yield f"Weakest on {worst.meaning}: right on {_of(worst, name=False)}."
    if weak := _weakest(categories, first):
        yield f"Weakest category of {first.split}: {weak}."


def _of(headline: Headline, *, name: bool = True) -> str:
    """``98.3 % of new questions from known templates, and silently wrong on 1.7 %``."""
    right, silent = headline.student, headline.silent
    assert right is not None
    assert right.value is not None
    rate = percent(right.value) + (f" of {headline.meaning}" if name else "")
    return rate if silent is None or silent.value is None else f"{rate}, silently wrong on {percent(silent.value)}"


def _weakest(categories: Mapping[str, Any], first: Headline) -> str:
    """The category with the lowest accuracy, if its interval is below the accuracy of the whole set."""
    scores = {name: Score.from_row(row[HEADLINE]) for name, row in categories.items() if HEADLINE in row}
    rated = {name: s for name, s in scores.items() if s.value is not None and s.high is not None}
    if not rated or first.student is None:
        return ""
    name, score = min(rated.items(), key=lambda item: (item[1].value, item[0]))
    below = score.high is not None and score.high < (first.student.value or 0)
    return f"{name} ({percent(score.value or 0)})" if below else ""


def _facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    stages = manifest["stages"]
    trained, evaluated = stages.get("train", {}), stages["evaluate"]
    latency, tokens, size = (evaluated.get(name, {}) for name in ("latency", "tokens", "size"))
    rate = evaluated.get("throughput", {}).get("per_second")
    facts = {
        "engine": evaluated["engine"],
        "student": trained.get("student", ""),
        "modality": trained.get("modality", ""),
        "objective": trained.get("objective", ""),
        "trained parameters": f"{trained['trained_parameters']:,}" if trained else "",
        "latency, one question at a time": f"p50 {latency['p50']:.3f} s, p95 {latency['p95']:.3f} s, n {latency['n']}"
        if latency.get("p50")
        else "",
        "throughput, in batches": f"{rate:,.{0 if rate >= 10 else 1}f} answers/s" if rate else "",
        "tokens per answer": f"p50 {tokens['p50']:.0f}, p95 {tokens['p95']:.0f}" if tokens.get("p50") else "",
        "size": size_on_disk(size["bytes"]) if size.get("bytes") else "",
        "seed": str(manifest["seed"]),
        "created": manifest["created"].replace("T", " ").replace("+00:00", " UTC"),
    }
    return {name: value for name, value in facts.items() if value}


def _warnings(run: Run, evaluated: Mapping[str, Any]) -> tuple[str, ...]:
    warnings = []
    verdicts = run.verdicts()
    missing = uncounted(verdicts).get("unavailable", 0)
    if missing > MOST_LOST * len(verdicts):
        share = percent(missing / len(verdicts))
        warnings.append(
            f"This run is invalid: the engine was unavailable for {share} of the answers "
            f"(at most {MOST_LOST:.0%} are allowed)."
        )
    scores = [metrics.get(HEADLINE) for metrics in evaluated["scores"]["student"].values()]
    if not any(score and score["n"] for score in scores):
        warnings.append("No answer was executed, so executable accuracy is not checked.")
    return (*warnings, *evaluated.get("notes", ()))


def headlines(evaluated: Mapping[str, Any]) -> tuple[Headline, ...]:
    """The scores on each split. `evaluated`: the result of the stage `evaluate`, with scores."""
    return tuple(_headline(split, evaluated) for split in evaluated["scores"]["student"])


def _headline(split: str, evaluated: Mapping[str, Any]) -> Headline:
    teacher = evaluated.get("teacher", {}).get("scores", {})
    headline = {
        system: Score.from_row(of_system[split][HEADLINE])
        for system, of_system in {"teacher": teacher, **evaluated["scores"]}.items()
        if HEADLINE in of_system.get(split, {})
    }
    own = headline.pop("teacher", None)
    silent = evaluated["scores"]["student"][split].get(SILENT)
    return Headline(
        split=split,
        meaning=SPLITS.get(split, f"questions of {split}"),
        systems=headline,
        silent=Score.from_row(silent) if silent and silent["value"] is not None else None,
        finding=_finding(headline),
        teacher=own,
    )


def _taught_note(taught: Mapping[str, Any] | None) -> str:
    """The questions of a teacher that the student learnt. `taught`: the result of the stage `teach`; None: none."""
    if taught is None:
        return ""
    return (
        f"The student learnt {taught['train']:,} questions of the teacher '{taught['teacher']}', among "
        f"{taught['mixed_with']:,} from templates. "
    )


def _teacher_note(evaluated: Mapping[str, Any]) -> str:
    teacher = evaluated.get("teacher")
    if teacher is None:
        return "The teacher's ceiling was not measured. Run `dstill evaluate` again to measure it."
    if teacher["why"]:
        return f"The teacher's ceiling was not measured: {teacher['why']}."
    return (
        "teacher: its own answers, scored against reference answers that were written independently of it. This is the "
        "ceiling for a student that learns from it. The student and its baselines are scored against the same "
        "references, and against the teacher's answers where a question came without one."
    )


def _finding(systems: Mapping[str, Score]) -> str:
    """Whether the intervals of the student and of the best baseline overlap."""
    student = systems.get("student")
    baselines = {name: s for name, s in systems.items() if name != "student" and s.value is not None}
    if student is None or student.low is None or student.high is None or not baselines:
        return ""
    name, best = max(baselines.items(), key=lambda item: (item[1].value, item[0]))
    if student.low > (best.high or 0):
        return f"above {name}"
    return f"below {name}" if student.high < (best.low or 0) else f"not clearly different from {name}"


# --- formats ----------------------------------------------------------------------------


def html(report: Report) -> str:
    """The HTML page. Every text is escaped, and control and bidirectional characters are made visible."""
    environment = environment_of(TEMPLATES)
    from markupsafe import Markup

    environment.filters.update(is_number=_is_number, is_wide=_is_wide)
    return environment.get_template("report.html.j2").render(
        report=report,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(_script()),
        policy=policy(),
        trusted=Markup,  # only for the plots of the sections
        columns_of=lambda rows: list(dict.fromkeys(column for row in rows.values() for column in row)),
        short_facts=SHORT_FACTS,
        few=FEW,
        many=MANY,
    )


def policy() -> str:
    """The page's content security policy: it fetches nothing, and runs no script but its own."""
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )


def _script() -> str:
    return (TEMPLATES / "report.js").read_text(encoding="utf-8")


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, which no line break should part."""
    return bool(cell) and not set(cell) - set("0123456789.,%<> []n\n–-")


def _is_wide(table: Table) -> bool:
    """Whether the table is too wide for a phone, where its cells then stand one below the other."""
    columns = list(zip(table.columns, *table.rows, strict=True))
    has_prose = any(len(cell) > PHONE_WIDTH for column in columns for cell in column)
    return sum(max(map(_width, column)) for column in columns) > PHONE_WIDTH or (len(columns) > 3 and has_prose)


def _width(cell: str) -> int:
    """The longest part of a cell that no line break parts, in characters."""
    return max(map(len, cell.split("\n") if _is_number(cell) else re.split(r"[\s_]", cell)))


def summary(report: Report) -> str:
    """The report as JSON. Non-ASCII characters are escaped, so even lone surrogates in a model's text are valid."""
    evaluated = report.manifest["stages"]["evaluate"]
    value = {
        "schema_version": SCHEMA_VERSION,
        "run": report.name,
        **report.facts,
        "warnings": list(report.warnings),
        "scores": evaluated["scores"],
        "teacher": evaluated.get("teacher", {}),
        "categories": evaluated.get("categories", {}),
        "causes": evaluated.get("causes", {}),
        "verdict": list(report.verdict),
        "findings": {headline.split: headline.finding for headline in report.headlines},
        "failures": report.answers.n_wrong,
        "sections": [{k: v for k, v in asdict(section).items() if k != "svg"} for section in report.sections],
    }
    return json.dumps(value, indent=1) + "\n"
