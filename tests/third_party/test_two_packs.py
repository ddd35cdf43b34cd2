"""Two packs side by side: neither changes the other's prompts, drafts or verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.third_party.conftest import Venv

KINDS = ("prompts", "drafts", "problems", "verdicts")
RPN = "rpn,rpn-hooks,rpn-modality"


@pytest.fixture(scope="module")
def seen(with_rpn: Venv, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What plugins answer for each task, with both packs and with one of them."""
    script = Path(__file__).parent / "study_two_packs.py"
    out = with_rpn.run("python", script, cwd=tmp_path_factory.mktemp("two"))
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("task", "other"), [("querydsl", RPN), ("rpn", "querydsl")])
def test_a_pack_s_answers_are_the_same_with_and_without_the_other(
    seen: dict[str, Any], task: str, other: str, kind: str
) -> None:
    alone, together = seen[f"{task} without {other}"][kind], seen[f"{task} without "][kind]
    assert together
    assert together == alone


def test_the_package_s_own_hooks_answer_for_its_own_task(seen: dict[str, Any]) -> None:
    """So that the test above is not passed by hooks that never answer."""
    hooked, bare = seen["rpn without "], seen["rpn without rpn-hooks"]
    for kind in ("prompts", "drafts", "verdicts"):
        assert hooked[kind] != bare[kind]
