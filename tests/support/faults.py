"""What a teacher's endpoint can do wrong, by name: what the loopback teacher says then.

    FAULTS["429, Retry-After in seconds"]()     # a `Say`

A date is of the moment in which the fault is made, and of whole seconds: 3 from now are 2 at least.
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
    "429, Retry-After a date": lambda: limited(formatdate(time.time() + 3, usegmt=True)),
    "429, Retry-After a date that is past": lambda: limited(formatdate(time.time() - 60, usegmt=True)),
    "429 without Retry-After": lambda: error(429, "slow down"),
    "429, Retry-After garbage": lambda: limited("soon"),
    "429, Retry-After of 4,301 digits": lambda: limited("9" * 4301),
    "429, Retry-After in Arabic digits": lambda: limited("\u0661"),
    "429, Retry-After of an hour": lambda: limited("3600"),
    "429, the quota is used up": lambda: error(429, "you exceeded your current quota", code="insufficient_quota"),
    # --- the service
    "408": lambda: error(408, "too slow"),
    "409": lambda: error(409, "conflict"),
    "425": lambda: error(425, "too early"),
    "500": lambda: error(500, "oops"),
    "502 with a page": lambda: html(502),
    "503": lambda: error(503, "overloaded"),
    "200 with an error body": lambda: raw({"error": {"message": "overloaded", "code": 500}}),
    "hang": hang,
    "body cut off": cut_body,
    "JSON cut off": broken_json,
    "choices empty": lambda: raw({"choices": []}),
    "content null": lambda: answer(None),
    # --- the account and the address
    "401": lambda: error(401, "incorrect key"),
    "403": lambda: error(403, "not allowed"),
    "404": lambda: error(404, "no such model"),
    "200 with a login page": html,
    "redirect": lambda: Say(status=302, headers={"location": "/login"}),
    # --- this question
    "400, the context is too long": lambda: error(400, "too many tokens", code="context_length_exceeded"),
    "400, no structured outputs": lambda: error(400, "response_format is not supported"),
    "422": lambda: error(422, "cannot do that"),
    "a gigabyte of spaces, packed": bomb,
    "refusal": lambda: answer(None, refusal="I would rather not"),
    "content filter": lambda: answer("half an ans", finish="content_filter"),
    "cut at the token limit": lambda: answer("<rationale>because", finish="length"),
    # --- a reply, but for something
    "no usage": lambda: answer("<rationale>because</rationale><answer>1+2</answer>", usage=False),
    "not in the form that was asked": lambda: answer("It is three."),
    "slow": lambda: replace(answer("<rationale>slowly</rationale><answer>1+2</answer>"), delay=0.4),
}
