"""A foreign or damaged run folder: every command says so, and touches nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import ODD, Project, fewer, places, replace_at

RUN = Path("runs/a")
COMMANDS = (
    ("runs", "list"),
    ("runs", "show", RUN),
    ("report", RUN, "--to", "inspect"),
    ("report", RUN, "--to", "lm-eval"),
    ("experiment", "compare", RUN, f"{RUN}:untrained"),
    ("predict", RUN, "add 3 and 4"),
    ("experiment", "plan", RUN),
    ("runs", "trace", RUN, "test-add-2-1"),
    ("data", "curate", RUN),
    ("evaluate", RUN),
    ("train", RUN, "--restart"),
    ("generate", "--out", RUN),
    ("export", RUN),
    ("report", RUN),
)
SOME = st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=2)  # one may leave something for the next


@given(data=st.data())
@settings(max_examples=fewer(10))
def test_survives_other_manifest_values(project: Project, data: st.DataObject) -> None:
    with project.copy() as made:
        file = RUN / "run.json"
        manifest = json.loads(file.read_text())
        for _ in range(data.draw(st.integers(1, 3))):
            path = data.draw(st.sampled_from(places(manifest)))
            manifest = replace_at(manifest, path, data.draw(ODD), remove=data.draw(st.booleans()))
        file.write_text(json.dumps(manifest))
        project.check_commands(made, *data.draw(SOME))


@given(data=st.data())
@settings(max_examples=fewer(10))
def test_survives_other_row_values(project: Project, data: st.DataObject) -> None:
    with project.copy() as made:
        file = data.draw(st.sampled_from(sorted(RUN.rglob("*.jsonl"))))
        rows = [json.loads(line) for line in file.read_text().splitlines()] or [{}]
        number = data.draw(st.integers(0, len(rows) - 1))
        path = data.draw(st.sampled_from(places(rows[number])))
        rows[number] = replace_at(rows[number], path, data.draw(ODD), remove=data.draw(st.booleans()))
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        project.check_commands(made, *data.draw(SOME))


@given(data=st.data())
@settings(max_examples=fewer(10))
def test_survives_damaged_files(project: Project, data: st.DataObject) -> None:
    with project.copy() as made:
        ours = [p for p in sorted(RUN.rglob("*")) if p.is_file() and p.name not in ("pairs.json", "config.toml")]
        file = data.draw(st.sampled_from(ours))  # the toy's own file, and settings, are others' tests
        content = bytearray(file.read_bytes())
        for _ in range(data.draw(st.integers(1, 5))):
            at = data.draw(st.integers(0, len(content)))
            content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        deep = data.draw(st.sampled_from([b"", b"", b"[" * 50_000, b'{"a":' * 50_000, b'{"n":' + b"9" * 50_000]))
        file.write_bytes(deep or bytes(content))
        project.check_commands(made, *data.draw(SOME))


@given(
    commands=SOME,
    number=st.integers(0, 200),
    kind=st.sampled_from(["link to a file", "link to a folder", "link to nothing", "link to itself", "fifo", "folder"]),
)
@settings(max_examples=fewer(10))
def test_refuses_links_and_fifos(project: Project, commands: list[tuple[object, ...]], number: int, kind: str) -> None:
    with project.copy() as made:
        absent = [
            RUN / name for name in ("review.jsonl", "export", "checkpoints", "baselines", "exports", "report.html")
        ]
        entries = [*sorted(RUN.rglob("*")), *absent]
        path = entries[number % len(entries)]
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        match kind:
            case "fifo":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case _:
                to = {"link to a file": "outside/file", "link to a folder": "outside", "link to nothing": "outside/new"}
                path.symlink_to(made / to[kind] if kind in to else path.absolute())
        project.check_commands(made, *commands)
