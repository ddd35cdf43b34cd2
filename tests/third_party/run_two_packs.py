"""Run by `test_two_packs` inside an environment with two packs; prints one JSON object.

For each task, with both packs and with one of them disabled: the prompts of a few questions,
and what the plugins make of a few replies and answers.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Draft, Example
from dstill.api.task import Task
from dstill.plugins import Plugins, load

OTHERS = {"querydsl": "rpn,rpn-hooks,rpn-modality", "rpn": "querydsl"}
# In the form of both packs and of neither.
REPLIES = ("<rationale>because</rationale><answer>{}</answer>", "because\nanswer: {}", "{}", "")


def collect(plugins: Plugins, task: Task, executor: Executor | None) -> dict[str, list[str]]:
    examples = list(itertools.islice(task.examples("test"), 3))
    shots = list(itertools.islice(task.examples("train"), 2))
    golds = [example.answer or "" for example in examples]
    drafts = [
        plugins.parse_reply(task, reply.format(gold) if "{}" in reply else reply)
        for gold in (*golds, "3 4 +", '{"query":{"match_all":{}}}')
        for reply in REPLIES
    ]
    pairs = [(example, draft) for example in examples for draft in (*_drafts(example), *drafts)]
    return {
        "prompts": [repr(plugins.build_prompt(task, example, shots)) for example in examples],
        "drafts": [repr(draft) for draft in drafts],
        "problems": [repr(plugins.check_draft(task, example, draft)) for example, draft in pairs if draft],
        "verdicts": [repr(plugins.judge_answer(task, example, draft, executor)) for example, draft in pairs],
    }


def _drafts(example: Example) -> tuple[Draft, Draft]:
    """The gold, and the gold the long way round (in reverse Polish notation: times one)."""
    gold = example.answer or ""
    return Draft(answer=gold), Draft(answer=f"{gold} 1 *")


def main() -> None:
    result: dict[str, Any] = {}
    for name, other in OTHERS.items():
        for off in ("", other, *(["rpn-hooks"] if name == "rpn" else [])):
            plugins = load(disabled=set(off.split(",")))
            plugins.require_healthy()
            task = plugins.task(name)()
            # the Query DSL is followed to VALID: what runs it is no hook's business
            executor = plugins.executor(task.executors[0])().open(task, Engine()) if name == "rpn" else None
            result[f"{name} without {off}"] = collect(plugins, task, executor)
    print(json.dumps(result))


main()
