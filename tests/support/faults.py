"""The faults of a teacher's endpoint: name → what the loopback teacher replies.

    FAULTS["429, Retry-After in seconds"]()     # a `Say`

A date is computed when the fault is made, in whole seconds: 3 seconds from now are at least 2.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate

from support.loopback_teacher import Say, answer, bomb, broken_json, cut_body, error, hang, html, raw

__all__ = ["FAULTS"]


def limited(retry_after: str) -> Say:
    return error(429, "slow down", headers={"retry-after": retry_after})


FAULTS: Mapping[str, Callable[[], Say]] = {
    # --- rate limits
    "429, Retry-After in seconds": lambda: limited("1"),
    "429, Retry-After 0.2": lambda: limited("0.2"),
    "429, Retry-After with a date": lambda: limited(formatdate(time.time() + 3, usegmt=True)),
    "429, Retry-After with a date in the past": lambda: limited(formatdate(time.time() - 60, usegmt=True)),
    "429 without Retry-After": lambda: error(429, "slow down"),
    "429, Retry-After in words": lambda: limited("soon"),
    "429, Retry-After of 4,301 digits": lambda: limited("9" * 4301),
    "429, Retry-After in Arabic digits": lambda: limited("\u0661"),
    "429, Retry-After of an hour": lambda: limited("3600"),
    "429, quota used up": lambda: error(429, "you exceeded your current quota", code="insufficient_quota"),
    # --- the service
    "408": lambda: error(408, "too slow"),
    "409": lambda: error(409, "conflict"),
    "425": lambda: error(425, "too early"),
    "500": lambda: error(500, "oops"),
    "502 with an HTML page": lambda: html(502),
    "503": lambda: error(503, "overloaded"),
    "200 with an error body": lambda: raw({"error": {"message": "overloaded", "code": 500}}),
    "no response": hang,
    "body cut off": cut_body,
    "JSON cut off": broken_json,
    "empty `choices`": lambda: raw({"choices": []}),
    "`content` is null": lambda: answer(None),
    # --- the account and the address
    "401": lambda: error(401, "incorrect key"),
    "403": lambda: error(403, "not allowed"),
    "404": lambda: error(404, "no such model"),
    "200 with a login page": html,
    "redirect": lambda: Say(status=302, headers={"location": "/login"}),
    # --- this question
    "400, context too long": lambda: error(400, "too many tokens", code="context_length_exceeded"),
    "400, no structured outputs": lambda: error(400, "response_format is not supported"),
    "400, unsupported parameter": lambda: error(
        400, "Unsupported parameter: 'temperature' is not supported with this model.", code="unsupported_parameter"
    ),
    "422": lambda: error(422, "cannot do that"),
    "a gigabyte of spaces, compressed": bomb,
    "refusal": lambda: answer(None, refusal="I would rather not"),
    "content filter": lambda: answer("half an ans", finish="content_filter"),
    "reply cut off at the token limit": lambda: answer("<rationale>because", finish="length"),
    # --- a reply, but unusual
    "no token counts": lambda: answer("<rationale>because</rationale><answer>1+2</answer>", usage=False),
    "reply in another form": lambda: answer("It is three."),
    "slow reply": lambda: replace(answer("<rationale>slowly</rationale><answer>1+2</answer>"), delay=0.4),
}
