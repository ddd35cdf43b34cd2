"""Writes a run's report in three formats.

    write(run)  →  {"html": runs/a/report.html, "json": …/report.json, "markdown": …/report.md}

The page is self-contained: it embeds its style, script and plots. Its content security policy forbids the browser
to fetch anything or to run any script but that one, which it identifies by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import SCHEMA_VERSION, Score
from dstill.cli.console import visible
from dstill.errors import RunError, needs
from dstill.io.shell import command
from dstill.io.units import size_on_disk
from dstill.pipeline.data_monitor import MOST_LOST
from dstill_evaluate.metrics import uncounted
from dstill_report.content import Headline, Report
from dstill_report.failures import collect
from dstill_report.markdown import markdown
from dstill_report.text import interval, percent, shown, words

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["gather", "html", "summary", "write"]

TEMPLATES = Path(__file__).parent / "templates"
SPLITS = {
    "test": "unseen questions, from templates seen in training",
    "test_unseen_templates": "templates that training never saw",
    "test_unseen_data": "data that training never saw",
}
OTHER_METRICS = ("exact_match", "valid", "executed", "silent_error_rate", "refusal_precision", "refusal_recall")


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
    student = evaluated["scores"]["student"]
    first = next(iter(student))
    return Report(
        name=run.name,
        data_noun=run.task.data_noun,
        facts=_facts(run.manifest),
        warnings=_warnings(run, evaluated),
        headlines=tuple(_headline(split, evaluated) for split in student),
        teacher_note=_teacher_note(evaluated),
        baselines=run.plugins.meanings(),
        other_metrics={name: Score.from_row(student[first][name]) for name in OTHER_METRICS if name in student[first]},
        sections=tuple(run.plugins.report_sections(run)),
        failures=collect(run),
        manifest=run.manifest,
    )


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
    scores = [metrics.get("executable_accuracy") for metrics in evaluated["scores"]["student"].values()]
    if not any(score and score["n"] for score in scores):
        warnings.append("No answer was executed, so executable accuracy is not checked.")
    return (*warnings, *evaluated.get("notes", ()))


def _headline(split: str, evaluated: Mapping[str, Any]) -> Headline:
    teacher = evaluated.get("teacher", {}).get("scores", {})
    found = {
        system: Score.from_row(of_system[split]["executable_accuracy"])
        for system, of_system in {"teacher": teacher, **evaluated["scores"]}.items()
        if "executable_accuracy" in of_system.get(split, {})
    }
    own = found.pop("teacher", None)
    return Headline(split=split, meaning=SPLITS.get(split, ""), systems=found, finding=_finding(found), teacher=own)


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
        return f"The student's interval is above that of the best baseline ({name})."
    if student.high < (best.low or 0):
        return f"The student's interval is below that of the best baseline ({name})."
    return (
        f"The intervals of the student and of the best baseline ({name}) overlap. "
        "See “Against the baselines” for a paired comparison, question by question."
    )


# --- formats ----------------------------------------------------------------------------


def html(report: Report) -> str:
    """The HTML page. Every text is escaped, and control and bidirectional characters are made visible."""
    with needs("a report", "report"):
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup

    def safe(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def content(text: str) -> Markup:
        """`text` for use between tags: quotation marks stay, which keeps pages with much JSON small."""
        return Markup(visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))

    environment.filters.update(content=content)
    environment.filters.update(percent=percent, interval=interval, shown=shown, words=words, is_number=_is_number)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        report=report,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        trusted=Markup,  # only for the plots of the sections
    )


def _is_number(cell: str) -> bool:
    """Whether a cell is right-aligned."""
    return bool(cell) and not set(cell) - set("0123456789.,%<> []n\n–-")


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
        "findings": {headline.split: headline.finding for headline in report.headlines},
        "failures": report.failures.total,
        "sections": [{k: v for k, v in asdict(section).items() if k != "svg"} for section in report.sections],
    }
    return json.dumps(value, indent=1) + "\n"
