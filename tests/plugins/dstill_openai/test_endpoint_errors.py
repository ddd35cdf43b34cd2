"""Endpoint errors, as `dstill generate` reports them."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.fault_table import KEY, QUESTIONS, Ran, first, generate, run, sum_of
from support.faults import FAULTS, limited
from support.loopback_teacher import LoopbackTeacher, Say, answer, error, hang, html, raw
from support.refusals import refusal

ASKED = len(QUESTIONS)


def error_message(ran: Ran) -> str:
    return str(ran.result["error"]["message"])


def assert_one_failed(ran: Ran, code: str, requests: int = ASKED) -> None:
    """One item failed under `code`, and the run went on to its end."""
    assert ran.code == 3
    assert ran.result["rejections"] == {code: 1}
    assert ran.result["accepted"] == ASKED - 1
    assert ran.requests == requests


def assert_all_accepted(ran: Ran, requests: int) -> None:
    assert (ran.code, ran.result["accepted"], ran.requests) == (0, ASKED, requests), ran


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_is_named_and_not_retried(status: int) -> None:
    """The error names host and variable; the key is not shown."""
    ran = run([error(status, f"incorrect key {KEY}")])
    assert (ran.code, ran.requests) == (6, 1)
    assert error_message(ran) == "key rejected by HOST (env OPENAI_API_KEY): incorrect key ***"
    assert KEY not in ran.err + str(ran.result)


def test_missing_model_is_named() -> None:
    """The error names the model and its setting."""
    ran = run([error(404, "The model 'toy' does not exist")])
    assert (ran.code, ran.requests) == (6, 1)
    assert "has no model 'toy'" in error_message(ran)
    assert "teacher.openai.model" in ran.result["error"]["where"]


def test_unsupported_parameter_or_long_context_fails_only_its_item(tmp_path: Path) -> None:
    """The item fails, and the run continues."""
    for name, fault, words, hint in (
        ("parameter", error(400, "response_format is not supported"), ("--json-mode", "schema"), "--json-mode off"),
        (
            "code",
            refusal("no", "response_format", "unsupported_parameter"),
            ("--json-mode", "schema"),
            "--json-mode off",
        ),
        ("context", FAULTS["400, context too long"](), (), "a smaller mapping"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        with LoopbackTeacher(reply_to=sum_of, script=[fault]) as server:
            assert_one_failed(generate(server, folder, QUESTIONS, *words), "bad_request")
        (row,) = [json.loads(line) for line in (folder / "run" / "rejects.jsonl").read_text().splitlines()]
        assert hint in row["problems"][0]["hint"]


def test_auto_continues_without_the_parameter() -> None:
    ran = run([error(400, "response_format is not supported")])
    assert_all_accepted(ran, ASKED + 1)
    assert "structured outputs are off from now on" in ran.err


LIMITS = [name for name in FAULTS if name.startswith("429") and "hour" not in name and "quota" not in name]


@pytest.mark.parametrize("name", LIMITS)
def test_retry_after_is_respected_and_reported(name: str) -> None:
    """Retry-After is respected and reported; an invalid value leads to a backoff."""
    started = time.monotonic()
    ran = run(first(FAULTS[name]))
    assert_all_accepted(ran, ASKED + 1)
    told = name.endswith(("in seconds", "a date"))
    assert ("rate-limited by HOST, next try in" in ran.err) == (told or name.endswith(("0.2", "past")))
    assert time.monotonic() - started > 1 or not told


def test_retry_after_above_the_limit_stops_resumably() -> None:
    """A pause above the limit stops the run; the error says how long it would be."""
    ran = run([limited("300")], QUESTIONS)
    assert (ran.code, ran.requests) == (7, 1)
    assert ran.result["error"]["message"].endswith("it asks for a pause of 300 s")
    assert "run again after that to resume" in ran.result["error"]["hint"]


def test_exhausted_quota_stops_at_once() -> None:
    """The run stops after one request."""
    ran = run([FAULTS["429, quota used up"]()])
    assert (ran.code, ran.requests) == (6, 1)
    assert error_message(ran).startswith("the quota at HOST is used up")


@pytest.mark.parametrize("name", ["500", "502 with an HTML page", "503", "200 with an error body"])
def test_server_error_is_retried(name: str) -> None:
    """The second try succeeds, or the item fails."""
    assert_all_accepted(run([FAULTS[name]()]), ASKED + 1)
    assert_one_failed(run([FAULTS[name](), FAULTS[name]()]), "unavailable", ASKED + 1)


def test_unreachable_host_is_named(tmp_path: Path) -> None:
    """Connection refused, unknown host, no TLS, a timeout or a truncated body: the error names the host (exit 7)."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        with LoopbackTeacher(reply_to=sum_of) as server:
            for n, (address, words) in enumerate(
                [
                    (f"http://{nobody}/v1", f"cannot reach {nobody}: ConnectError"),
                    ("https://nowhere.invalid/v1", "cannot reach nowhere.invalid: ConnectError"),
                    (f"https://127.0.0.1:{server.port}/v1", "cannot reach HOST: ConnectError: [SSL"),
                ]
            ):
                folder = tmp_path / str(n)
                folder.mkdir()
                ran = generate(server, folder, QUESTIONS, **{"teacher.openai.base_url": address})
                assert ran.code == 7
                assert error_message(ran).startswith(words)
                assert "base_url" in ran.result["error"]["hint"]
    briefly = {"teacher.openai.timeout": 1.0}
    for fault, words, settings in (
        (hang(), "HOST did not answer within 1 s", briefly),
        (FAULTS["body cut off"](), "cannot reach HOST", {}),
    ):
        ran = run([fault, fault], QUESTIONS[:1], **settings)
        assert (ran.code, ran.requests) == (7, 2)
        assert error_message(ran).startswith(words)


def test_login_page_is_not_a_reply() -> None:
    """A login page with status 200."""
    ran = run([html()])
    assert (ran.code, ran.requests) == (6, 1)
    assert error_message(ran) == "HOST did not answer as an OpenAI API (text/html)"


def test_truncated_json_fails_its_item() -> None:
    """It is retried once, then the item fails."""
    fault = FAULTS["JSON cut off"]
    assert_all_accepted(run([fault()]), ASKED + 1)
    assert_one_failed(run([fault(), fault()]), "broken", ASKED + 1)


def test_empty_and_refused_replies_have_separate_counts() -> None:
    """Empty replies are retried; refusals and filtered replies are not. Each has its own count."""
    for name in ("empty `choices`", "`content` is null"):
        assert_all_accepted(run([FAULTS[name]()]), ASKED + 1)
        assert_one_failed(run([FAULTS[name](), FAULTS[name]()]), "empty", ASKED + 1)
    assert_one_failed(run([FAULTS["refusal"]()]), "refused")
    assert_one_failed(run([FAULTS["content filter"]()]), "filtered")


def test_truncated_reply_is_retried_with_more_tokens(tmp_path: Path) -> None:
    """A truncated reply is retried once with more tokens, and never parsed."""
    whole = "<rationale>the numbers 1 and 2 together</rationale><answer>1+2</answer>"
    cut = answer(whole, finish="length")
    with LoopbackTeacher(reply_to=sum_of, script=[cut]) as server:
        assert_all_accepted(generate(server, tmp_path, QUESTIONS), ASKED + 1)
        asked = [request["max_tokens"] for request in server.requests]
    assert asked == [2048, 2048, 4 * 2048]
    assert_one_failed(
        run([cut, answer(sum_of([{"role": "user", "content": QUESTIONS[1]}])), cut]), "truncated", ASKED + 1
    )


def test_missing_usage_is_estimated(tmp_path: Path) -> None:
    """Missing usage is estimated and marked as such; caps use the estimate."""
    said = answer("<rationale>the numbers 1 and 2 together</rationale><answer>1+2</answer>", usage=False)
    ran = run([said])
    assert_all_accepted(ran, ASKED)
    assert ran.result["cost"]["usd"] is None
    assert ran.result["cost"]["replies_without_usage"] == 1


def test_key_in_an_error_is_masked() -> None:
    """A key that the endpoint echoes is masked everywhere."""
    spoken = {"message": f"no {KEY}", "type": KEY, "param": KEY, "code": KEY}
    faults = (error(401, f"bad {KEY}"), error(500, f"bad {KEY}"), html(503))
    for fault in (*faults, raw({"error": spoken}, status=400), raw({"error": spoken})):
        said = replace(fault, headers={**fault.headers, "x-said": KEY})
        ran = run([said, said], QUESTIONS[:1])
        assert ran.code != 0
        assert KEY not in json.dumps(ran.result) + ran.err


def test_failed_questions_are_reported_with_a_hint_to_retry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from support.fault_table import called

    refusal: list[Say] = [FAULTS["refusal"]()]
    with LoopbackTeacher(reply_to=sum_of, script=refusal) as server:
        assert generate(server, tmp_path, QUESTIONS).code == 3
        toy = str(Path(__file__).parents[2] / "support" / "toy.py")
        code, out, err = called(tmp_path, "--plugin", toy, "generate", "--out", "run")
    assert code == 0, err  # it was asked again, and answered
    assert "2 of 2 questions accepted" in out
