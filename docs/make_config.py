"""Writes docs/config.md: every configuration key of dstill and its own plugins, from their dataclasses.

    python docs/make_config.py         # `make docs`

A key's description is the `help` in the metadata of its field. Keys that match a pattern of RARE come last. A test
asserts that the file is what this makes.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
from make_cli import built_in

from dstill import config, plugins
from dstill.cli.options import Setting

FILE = Path(__file__).parent / "config.md"
HEAD = """# Configuration keys

<!-- Written by docs/make_config.py from the code: change a key's help there, then `make docs`. -->

Set a key in `dstill.toml`, in the environment, or with `--set KEY=VALUE` for one command:

    [train]                            # dstill.toml
    r = 8

    export DSTILL_TRAIN__R=8           # the environment
    dstill train RUN --set train.r=8   # one command

[Quickstart](quickstart.md#configuration) says which of these wins, and which commands read which file. An unknown key,
a wrong type or a value out of range is an error.

The variable of a key is `DSTILL_` and the key in capitals, with `__` for each dot. In brackets: the values that the key
accepts, and the option of commands that sets it. A key without a default is empty. Plugins from other packages may add
sections of their own. Keys that hardly anybody needs are [at the end](#rarely-needed).

In a run or project from somebody else, keys with ⚠ need [your permission](trust.md). In a run from somebody else, keys
with "⚠ looser" need it for a value that is looser than the default.
"""
# patterns of keys that hardly anybody needs
RARE = (
    "generate.shots_by",
    "generate.max_duplicate_rate",
    "augment.*",
    "cost.*",
    "review.port",
    "train.auto_modality",
    "train.label_weight",
    "train.prompt",
    "train.task_prefix",
    "train.warmup_ratio",
    "train.weight_decay",
    "train.torch_compile",
    "train.optim",
    "train.save_*",
    "train.eval_steps",
    "train.early_stopping_*",
    "train.lora_*",
    "train.target_modules",
    "train.test_largest_batch",
    "train.threads",
    "train.report_*",
    "evaluate.agreement",
    "evaluate.second_executor",
    "evaluate.machine_usd_per_hour",
    "task.querydsl.*_fields",
    "task.querydsl.text_sample_size",
    "task.querydsl.corpora",
    "task.querydsl.guard.*",
    "task.sql.test_databases",
    "task.sql.guard.*",
    "teacher.litellm.*",
    "teacher.openai.key_header",
    "teacher.openai.extra_*",
    "teacher.openai.secret_headers",
    "teacher.openai.max_tokens_name",
    "teacher.openai.price*",
    "teacher.openai.max_wait",
    "teacher.openai.batch_poll",
    "teacher.replay.*",
    "teacher.local.*",
    "student.*",
    "executor.*",
)
RARE_BUT_NEEDED = ("*.guard.fields", "*.guard.denied", "*.guard.rows", "executor.http.index",
    "executor.postgresql.schema_name", "executor.postgresql.user",
    "teacher.litellm.model", "teacher.local.model", "teacher.replay.file")  # fmt: skip


def main() -> None:
    FILE.write_text(text())


def text() -> str:
    """The whole file."""
    group, app = built_in()
    found = config.load(use_files=False, sections=plugins.part_sections(app.plugins))
    options = _options(group)
    sections: dict[tuple[bool, str], list[str]] = {}
    defaults = found.flat()
    for key, field in config.fields(found).items():
        place = sections.setdefault((is_rare(key), key.rpartition(".")[0]), [])
        place.append(_row(key, field, defaults[key], options.get(key, [])))
    classes = _classes("", found.settings)
    for name, section in found.parts.items():
        classes.update(_classes(name, section))
    parts = {False: HEAD, True: "\n## Rarely needed\n"}
    for (rare, name), rows in sections.items():
        heading = "###" if rare else "##"
        parts[rare] += f"\n{heading} `[{name}]`\n\n{_first_line(classes[name])}\n\n{''.join(rows)}"
    return parts[False] + parts[True]


def is_rare(key: str) -> bool:
    """Whether hardly anybody needs the key."""
    return any(fnmatch(key, rare) for rare in RARE) and not any(fnmatch(key, needed) for needed in RARE_BUT_NEEDED)


def _row(key: str, field: dataclasses.Field[Any], default: Any, options: list[str]) -> str:
    wanted = re.sub(r"(\d{4,})(\.0)?", lambda number: f"{int(number[1]):,}", config.wanted_of(field))
    wanted = re.sub(r"^(a whole number|a number|text|true or false|one of) ?|^a ", "", wanted)
    wanted = re.sub(r"^from (\S+) to ", r"\1–", wanted).replace("of at least", "≥")
    values = " ".join(filter(None, (_default(default), wanted and f"({wanted})")))
    mark = {"": "", "limits": "⚠ looser"}.get(field.metadata.get("trust", ""), "⚠")
    return f"- {' '.join(filter(None, (f'**`{key}`**', values, field.metadata['help'], *options, mark)))}\n"


def _default(value: Any) -> str:
    return f"`{json.dumps(value)}`" if value not in (None, "") else ""


def _first_line(cls: type[Any]) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n")[0].replace("``", "`")


def _classes(name: str, section: Any) -> dict[str, type[Any]]:
    """Section → its dataclass, nested ones too."""
    found = {name: type(section)}
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            found.update(_classes(f"{name}.{field.name}".lstrip("."), value))
    return found


def _options(group: click.Group) -> Mapping[str, list[str]]:
    """Key → the options that set it, as ``(`--seed`)``."""
    found: dict[str, list[str]] = {}
    for param in _params(group):
        option = f"(`{param.opts[0]}`)"
        if isinstance(param, Setting) and option not in found.setdefault(param.key, []):
            found[param.key].append(option)
    return found


def _params(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for _, inner in sorted(command.commands.items()):
            yield from _params(inner)


if __name__ == "__main__":
    main()
