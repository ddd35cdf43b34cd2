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
def plugin_results(with_rpn: Venv, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What plugins answer for each task, with both packs and with one of them."""
    script = Path(__file__).parent / "run_two_packs.py"
    out = with_rpn.run("python", script, cwd=tmp_path_factory.mktemp("two"))
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("task", "other"), [("querydsl", RPN), ("rpn", "querydsl")])
def test_other_pack_does_not_change_answers(plugin_results: dict[str, Any], task: str, other: str, kind: str) -> None:
    alone, together = plugin_results[f"{task} without {other}"][kind], plugin_results[f"{task} without "][kind]
    assert together
    assert together == alone


@pytest.mark.nightly
def test_package_hooks_answer_for_own_task(plugin_results: dict[str, Any]) -> None:
    """So that the test above is not passed by hooks that never answer."""
    hooked, bare = plugin_results["rpn without "], plugin_results["rpn without rpn-hooks"]
    for kind in ("prompts", "drafts", "verdicts"):
        assert hooked[kind] != bare[kind]
