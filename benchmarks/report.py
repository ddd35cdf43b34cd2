"""How long `dstill report` takes for a run of 1,000 wrong answers, and how large its page is.

The bars are 10 s and 3 MB. Every answer is the gold of another question, with a contrast as an engine's results would
give it: rows as long as real ones, and no engine or student needed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from benchmarks.measure import Figure, figure, interleaved, process

from dstill import Run, config, plugins
from dstill.api.records import Cause, Example, Level, Prediction, Record, ResultDiff, Verdict

ITEMS = 1_000
FOUND = '1,423 hits\nw00017 {"http.response.status_code": 503}\nw00031\nw00040\nw00052\n6 lines alike'


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as place:
        folder = _run(Path(place) / "weblogs")
        dstill = str(Path(sys.executable).with_name("dstill"))
        measured = interleaved(process(dstill, "report", str(folder)), process(sys.executable, "-c", "pass"), pairs=3)
        size = (folder / "report.html").stat().st_size / 1e6
    seconds = statistics.median(mine for mine, _ in measured)
    note = f"median {seconds:.1f} s, the bar is 10 s; {size:.2f} MB, the bar is 3 MB; against python -c pass"
    yield figure(f"dstill report of {ITEMS:,} failures", measured, note)


def _run(folder: Path) -> Path:
    loaded = plugins.load()
    flags = {"project.task": "querydsl", "task.querydsl.n_questions": 1_500}
    settings = config.load(use_files=False, environment={}, flags=flags, sections=plugins.part_sections(loaded))
    run = Run.create(folder, config=settings, plugins=loaded)
    examples = list(islice(run.task.examples("train"), ITEMS))
    run.write("dataset/data/test.jsonl", [_record(example) for example in examples])
    answers = [examples[n - 1].answer or "" for n in range(ITEMS)]
    pairs = list(zip(examples, answers, strict=True))
    run.write("predictions.jsonl", [Prediction(id=one.id, text=answer, seconds=0.1) for one, answer in pairs])
    verdicts = [_wrong(example) for example in examples]
    run.write("verdicts.jsonl", verdicts)
    scores = {name: loaded.metric(name)()(verdicts).to_row() for name in loaded.names("metrics")}
    run.manifest["stages"]["evaluate"] = {"engine": "none", "scores": {"student": {"test": scores}}}
    run.save()
    return run.folder


def _record(example: Example) -> Record:
    return Record(
        id=example.id,
        question=example.question,
        rationale=example.rationale or "",
        answer=example.answer or "",
        context=example.context,
        category=example.category,
        template=example.template,
        split="test",
    )


def _wrong(example: Example) -> Verdict:
    return Verdict(
        id=example.id,
        reached=Level.EXECUTED,
        checked=Level.CORRECT,
        exact=False,
        outcome="ok",
        reason="ran, with another result than the reference",
        result_diff=ResultDiff(gold=FOUND, answer=FOUND.replace("w000", "w009")),
        cause=Cause(label="wrong field", detail="user.name, not url.path"),
        category=example.category,
        template=example.template,
        split="test",
    )
