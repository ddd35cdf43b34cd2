"""`dstill data review`: the terminal mode over a pipe, its summary, and refused arguments."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.api.metric import wilson
from dstill.api.records import Record
from dstill.quality.review import FILE
from dstill.runs.folder import RunFolder, data_file
from dstill.runs.review_log import decisions
from dstill.runs.run import Run
from dstill_review.command import duration

MakeRun = Callable[..., Run]


@pytest.fixture
def review(review_project: Path, boxes_pack: Path, cli: Callable[..., Any]) -> Callable[..., Any]:
    r"""Review in a terminal: ``review(run.folder, "--tui", typed="a\nr\n")``."""

    def call(*words: object, typed: str = "", command: str = "data review") -> Any:
        return cli("--plugin", boxes_pack, *command.split(), *words, stdin=typed.encode(), toy=False)

    return call


# --- the terminal -----------------------------------------------------------------------


def test_terminal_review_records_decisions(make_run: MakeRun, review: Any) -> None:
    run = make_run(6, review__reviewer="somebody")
    ended = review(run.folder, "--tui", "--json", typed="a\nR\n\n?\nu\na\ns\nq\n")
    facts = json.loads(ended.out.splitlines()[-1])
    assert (ended.code, ended.err) == (0, "")
    assert (facts["judged"], facts["accepted"], facts["rejected"], facts["skipped"]) == (2, 2, 0, 1)
    assert (facts["low"], facts["high"]) == pytest.approx(wilson(2, 2))
    assert [d.decision for d in decisions(run)] == ["accept", "accept", "skip"]
    assert "undone: reject of q" in ended.out
    assert "r  reject: training does not use the row" in ended.out
    assert re.search(r"2 of 6 judged, accepted 100.0% \[34.2%, 100.0%\]", ended.out)
    for part in ("what does box", "rationale: box", '"say": "word', "it says word", "say: text"):
        assert part in ended.out
    assert Run.open(run.folder, plugins=run.plugins).manifest["stages"]["review"]["judged"] == 2


def test_end_of_input_quits_and_the_next_review_resumes(make_run: MakeRun, review: Any) -> None:
    run = make_run(3)
    first = review(run.folder, "--tui", typed="a\n")
    assert (first.code, first.out.splitlines()[-1]) == (0, f"next: dstill data review {run.folder}")
    judged = RunFolder.read(run.folder)
    assert judged.status == f"review: 1 of {judged.stages['review']['sample']} rows judged"  # as `runs list` shows it
    second = review(run.folder, "--tui", typed="a\nr\n")
    assert second.out.splitlines()[-1] == f"next: dstill train {run.folder}"
    assert "all rows are judged" in second.out
    assert "accepted without edits: 66.7 % [20.8, 93.9]" in second.out
    assert "3 of 3 rows judged: 2 accepted, 1 rejected, 0 edited; 0 skipped" in second.out


def test_terminal_review_accepts_an_edit(make_run: MakeRun, review: Any) -> None:
    run = make_run(1)
    typed = 'e\n{"script":1}\n\ne\n\n\ne\n{"say": "better"}\nbecause\n'
    ended = review(run.folder, "--tui", typed=typed)
    assert "error: refused: scripts are not allowed /script" in ended.out
    assert "nothing was changed" in ended.out
    (decision,) = decisions(run)
    assert (decision.decision, decision.answer, decision.rationale) == ("edit", '{"say":"better"}', "because")


def test_row_without_a_rationale_needs_none(make_run: MakeRun, review: Any, record: Callable[..., Record]) -> None:
    run = make_run([record(1, rationale="")])
    ended = review(run.folder, "--tui", typed='e\n{"say": "better"}\n\n')
    assert "error:" not in ended.out
    (decision,) = decisions(run)
    assert (decision.decision, decision.answer, decision.rationale) == ("edit", '{"say":"better"}', "")


def test_rows_cannot_inject_terminal_escapes(make_run: MakeRun, review: Any, record: Callable[..., Record]) -> None:
    bad = "\x1b[2J\u202e\x07"
    run = make_run([record(1, bad, question=bad, rationale=bad, answer=json.dumps({"say": bad}))])
    ended = review(run.folder, "--tui", typed="q\n")
    assert ended.code == 0
    assert not set("\x1b\u202e\x07") & set(ended.out)
    assert r"\u001b[2J\u202e\u0007" in ended.out


def test_ctrl_c_keeps_the_decisions(make_run: MakeRun, review_project: Path, boxes_pack: Path) -> None:
    run = make_run(3)
    command = [
        sys.executable,
        "-m",
        "dstill",
        "--plugin",
        str(boxes_pack),
        "data",
        "review",
        str(run.folder),
        "--tui",
        "--json",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=review_project, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write("a\n")
        process.stdin.flush()
        while "1 of 3 judged" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    hint = f"resume with: dstill data review {run.folder} --tui"
    assert err.splitlines() == [
        "error: stopped; 1 of 3 rows are judged and saved",
        f"where: {run.folder}",
        f"hint: {hint}",
    ]
    assert json.loads(out.splitlines()[-1])["error"]["hint"] == hint
    assert [d.decision for d in decisions(run)] == ["accept"]


# --- reviewed rows ----------------------------------------------------------------------


def test_sample_size_follows_the_options(make_run: MakeRun, review: Any) -> None:
    run = make_run(300)
    for words, size in (((), 169), (("--ci-half-width", "0.1"), 73), (("--all",), 300)):
        facts = json.loads(review(run.folder, "--tui", "--json", *words).out.splitlines()[-1])
        assert (facts["sample"], facts["left"]) == (size, size)


def test_long_review_says_how_long_it_takes() -> None:
    assert duration(80, 8_000, 0.05) == ""
    assert (
        duration(367, 8_000, 0.05)
        == "367 rows take about 2.0 hours, at 20 s for a row; --ci-half-width 0.1 needs 95 rows"
    )
    assert duration(8_000, 8_000, 1.0) == "8000 rows take about 44.4 hours, at 20 s for a row"


def test_splits_can_be_selected(make_run: MakeRun, review: Any, record: Callable[..., Record]) -> None:
    rows = [record(1), record(2, split="validation"), record(3, split="test")]
    run = make_run(rows)
    facts = json.loads(review(run.folder, "--tui", "--json").out.splitlines()[-1])
    assert (facts["rows"], facts["splits"]) == (2, ["train", "validation"])
    facts = json.loads(review(run.folder, "--tui", "--json", "--split", "test", typed="r\n").out.splitlines()[-1])
    assert (facts["rows"], facts["rejected"]) == (1, 1)
    assert not run.records("test")


def test_changed_row_is_judged_again(make_run: MakeRun, review: Any, record: Callable[..., Record]) -> None:
    run = make_run(2)
    review(run.folder, "--tui", typed="a\na\n")
    run.write(data_file("train"), [record(0), record(1, answer='{"say":"new"}')])
    run.save()
    facts = json.loads(review(run.folder, "--tui", "--json", typed="r\n").out.splitlines()[-1])
    assert (facts["judged"], facts["accepted"], facts["rejected"]) == (2, 1, 1)
    # undo removes the decision on the current row; decisions on earlier versions do not apply
    facts = json.loads(review(run.folder, "--tui", "--json", typed="u\nu\nu\nq\n").out.splitlines()[-1])
    assert facts["judged"] == 0
    assert [d.decision for d in decisions(run)] == ["accept"]


def test_decision_counts_in_the_new_category(make_run: MakeRun, review: Any, record: Callable[..., Record]) -> None:
    run = make_run(2)
    review(run.folder, "--tui", typed="a\n")
    run.write(data_file("train"), [record(n, category="renamed") for n in range(2)])
    run.save()
    facts = json.loads(review(run.folder, "--tui", "--json", typed="q\n").out.splitlines()[-1])
    assert facts["categories"] == {"renamed": {"sample": 2, "judged": 1, "accepted": 1}}


# --- refused arguments ------------------------------------------------------------------


def test_unknown_run_is_refused(review: Any, review_project: Path) -> None:
    assert review("nowhere").code == 2


def test_run_without_a_dataset_is_refused(make_run: MakeRun, review: Any) -> None:
    ended = review(make_run([]).folder, "--tui")
    assert ended.code == 4
    assert ended.err.splitlines()[0] == "error: no rows to review in train, validation"
    assert "dstill generate --out" in ended.err


def test_unknown_split_is_refused(make_run: MakeRun, review: Any) -> None:
    ended = review(make_run().folder, "--split", "tets")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error: no split 'tets'. Did you mean 'test'?")


def test_invalid_interval_width_is_refused(make_run: MakeRun, review: Any) -> None:
    ended = review(make_run().folder, "--ci-half-width", "0")
    assert ended.code == 2
    assert "review.ci_half_width: got 0.0, wanted a number from 0.005 to 0.5" in ended.err


def test_port_in_use_is_refused(make_run: MakeRun, review: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = review(make_run().folder, "--port", port)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        f"error: port {port} is taken",
        "where: --port",
        "hint: omit --port to use any free port, or use --tui",
    ]


def test_missing_libraries_name_the_extra(make_run: MakeRun, review: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill.runtime.http.find_spec", lambda name: None)
    ended = review(make_run().folder)
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "error: the review page needs the extra 'review' (starlette is not installed)",
        "hint: pip install 'dstill[review]'",
    ]


def test_damaged_decisions_are_an_error(make_run: MakeRun, review: Any) -> None:
    run = make_run()
    (run.folder / FILE).write_text("not a row\n{}\n")
    ended = review(run.folder, "--tui")
    assert ended.code == 5
    assert ended.err.splitlines()[0].startswith("error: review.jsonl is damaged: line 1")
    assert (run.folder / FILE).read_text() == "not a row\n{}\n"


def test_decisions_of_a_newer_version_are_refused(make_run: MakeRun, review: Any) -> None:
    run = make_run()
    (run.folder / FILE).write_text('{"schema_version":3}\n')
    ended = review(run.folder, "--tui")
    assert ended.code == 5
    assert "review.jsonl has schema version 3, this dstill knows 1" in ended.err


def test_second_review_names_the_running_one(make_run: MakeRun, review: Any, serve: Any) -> None:
    run = make_run()
    served = serve(run.folder)
    for command in ("data review", "train"):
        ended = review(run.folder, command=command)
        assert ended.code == 5
        assert f"run 'run' is locked by pid {served.process.pid} on host" in ended.err
    code, _, err = served.ended(by=signal.SIGINT)
    assert code == 130
    assert err.splitlines()[0] == "error: stopped; 0 of 12 rows are judged and saved"
    assert review(run.folder, "--tui").code == 0  # the lock went with it


def test_train_requires_a_review(make_run: MakeRun, review: Any) -> None:
    ended = review(make_run(4).folder, command="train")
    assert ended.code == 4
    assert (
        ended.err.splitlines()[0] == "error: nobody has reviewed the dataset: `dstill data review` shows 4 of its rows"
    )
    assert "--allow-unreviewed" in ended.err
