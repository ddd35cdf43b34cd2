"""Secrets do not print, and are masked in every text."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from pathlib import Path
from urllib.parse import quote

import pytest

from dstill.errors import ConfigError
from dstill.io.secrets import Secret, redact

VALUE = 'key/+"with=odd signs'


def test_secret_prints_as_stars() -> None:
    secret = Secret(VALUE)
    assert f"{secret} {secret!r} {secret!s} {[secret]}" == "*** Secret(***) *** [Secret(***)]"
    assert secret.reveal() == VALUE


def test_secret_is_not_written_to_files() -> None:
    for write in (pickle.dumps, copy.copy, json.dumps):
        with pytest.raises(TypeError):
            write(Secret(VALUE))


def test_known_secrets_are_masked_in_every_encoding() -> None:
    Secret(VALUE)
    spellings = (VALUE, quote(VALUE, safe=""), json.dumps(VALUE), base64.b64encode(VALUE.encode()).decode())
    for spelling in spellings:
        text = redact(f"<{spelling}>")
        assert text in ("<***>", '<"***">')


def test_longer_secret_is_masked_first() -> None:
    Secret("abcdef-short")
    Secret("abcdef-short-and-long")
    assert redact("abcdef-short-and-long") == "***"


def test_other_text_is_unchanged() -> None:
    Secret("x")  # too short to be masked
    assert redact("an ordinary text with an x") == "an ordinary text with an x"


# --- key files --------------------------------------------------------------------------


def test_reads_a_key_file_private_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"sk-from-a-file-0123\n")
    path.chmod(0o600)
    assert Secret.from_file(path, "the teacher").reveal() == "sk-from-a-file-0123"
    assert redact("sk-from-a-file-0123") == "***"
    path.chmod(0o400)
    assert Secret.from_file(path, "the teacher").reveal() == "sk-from-a-file-0123"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610, 0o777])
def test_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_text("sk-from-a-file-0123")
    path.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(ConfigError) as caught:
            Secret.from_file(name, "the teacher 'openai'")
        assert f"others than its owner (mode {mode:04o}); the teacher 'openai' needs it" in caught.value.what
        assert caught.value.hint == f"chmod 600 {name}"
        assert "sk-" not in str(caught.value)


def test_malformed_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        Secret.from_file(path, "the teacher")
    with pytest.raises(ConfigError, match="cannot be read: is a directory"):
        Secret.from_file(tmp_path, "the teacher")
    for content, problem in (
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"a\nb\n", "line break"),
        (b"\xff\xfe12", "hold"),
    ):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(ConfigError, match=problem):
            Secret.from_file(path, "the teacher")
