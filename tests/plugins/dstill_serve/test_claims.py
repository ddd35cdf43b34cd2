"""The claims of callers: only a token that the key signed, and that is valid now, has any."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.signed import KEY, encoded, signed

from dstill.io.secrets import Secret
from dstill_serve.claims import claims_of

SECRET = Secret(KEY)
NOW = int(time.time())
GOOD = signed({"tenant": "acme"})
HEAD, BODY, SIGNATURE = GOOD.split(".")


def test_a_signed_token_has_the_claims_that_are_single_values() -> None:
    end = NOW + 9_000
    given = {"tenant": "ä", "level": 3, "share": 0.5, "admin": True, "exp": end}
    assert claims_of(signed({**given, "roles": ["x"], "more": {}, "nothing": None}), SECRET) == given


OTHERS = [
    "",
    "..",
    "...",
    KEY,
    HEAD,
    f"{HEAD}.{BODY}",
    f"{HEAD}.{BODY}.",
    f".{BODY}.{SIGNATURE}",
    f"{GOOD}.x",
    f"x.{GOOD}",
    f"{HEAD}.{encoded({'tenant': 'other', 'exp': NOW + 9_000})}.{SIGNATURE}",
    f"{encoded({'alg': 'none'})}.{BODY}.",
    f"{encoded({'alg': 'none'})}.{BODY}.{SIGNATURE}",
    f"{HEAD}.{BODY}.{SIGNATURE[:-2]}",
    f"{HEAD}.{BODY}.é",
    signed({"tenant": "acme"}, key=f"{KEY}x"),
    signed({"tenant": "acme"}, key=""),
    signed({"tenant": "acme"}, alg="none"),
    signed({"tenant": "acme"}, alg="HS512"),
    signed({"tenant": "acme"}, alg=["HS256"]),
    signed({"tenant": "acme"}, crit=["exp"]),
    signed({"tenant": "acme", "exp": NOW - 1}),
    signed({"tenant": "acme", "exp": None}),
    signed({"tenant": "acme", "exp": str(NOW + 9_000)}),
    signed({"tenant": "acme", "exp": True}),
    signed({"tenant": "acme", "exp": float("nan")}),
    signed({"tenant": "acme", "nbf": NOW + 9_000}),
    signed({"tenant": "acme", "nbf": "x"}),
    signed({"tenant": "x" * 8_000}),
]


@pytest.mark.parametrize("token", OTHERS, ids=range(len(OTHERS)))  # tokens have the time
def test_any_other_token_has_none(token: str) -> None:
    assert claims_of(token, SECRET) is None


def test_each_change_of_a_token_takes_its_claims() -> None:
    letters: Any = "AB"
    for place in range(len(GOOD) - 1):  # the last letter has bits that mean nothing
        other = letters[GOOD[place] == "A"]
        assert claims_of(f"{GOOD[:place]}{other}{GOOD[place + 1 :]}", SECRET) is None
