"""Secrets do not print, and are taken out of every text."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from urllib.parse import quote

import pytest

from dstill.secrets import Secret, redact

VALUE = 'key/+"with=odd signs'


def test_a_secret_prints_as_stars() -> None:
    secret = Secret(VALUE)
    assert f"{secret} {secret!r} {secret!s} {[secret]}" == "*** Secret(***) *** [Secret(***)]"
    assert secret.reveal() == VALUE


def test_a_secret_is_not_written_to_files() -> None:
    for write in (pickle.dumps, copy.copy, json.dumps):
        with pytest.raises(TypeError):
            write(Secret(VALUE))


def test_known_secrets_are_taken_out_of_texts_in_every_spelling() -> None:
    Secret(VALUE)
    spellings = (VALUE, quote(VALUE, safe=""), json.dumps(VALUE), base64.b64encode(VALUE.encode()).decode())
    for spelling in spellings:
        text = redact(f"<{spelling}>")
        assert text in ("<***>", '<"***">')


def test_the_longer_of_two_secrets_goes_first() -> None:
    Secret("abcdef-short")
    Secret("abcdef-short-and-long")
    assert redact("abcdef-short-and-long") == "***"


def test_what_is_no_secret_stays() -> None:
    Secret("x")  # too short to be looked for
    assert redact("an ordinary text with an x") == "an ordinary text with an x"
