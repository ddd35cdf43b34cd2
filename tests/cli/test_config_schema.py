"""`dstill config schema`: what it says of a file is what dstill says when it reads the file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

Cli = Callable[..., Any]


@pytest.fixture
def schema(cli: Cli) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cli("config", "schema").out)
    Draft7Validator.check_schema(found)
    return found


def test_every_default_fits_its_key(cli: Cli, schema: dict[str, Any]) -> None:
    file = tomllib.loads(cli("config", "show", "--defaults").out)
    assert list(Draft7Validator(schema).iter_errors(file)) == []
    train = schema["properties"]["train"]["properties"]
    assert (train["r"]["type"], train["r"]["minimum"]) == ("integer", 1)
    assert train["r"]["description"]
    assert schema["properties"]["task"]["properties"]["toy"]["properties"]["prefix"]["type"] == "string"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("[train]\nr = 8", True),
        ("[train]\nr = 0", False),
        ('[train]\nr = "8"', False),
        ("[train]\nrank = 8", False),
        ("[nothing]\nr = 8", False),
        ('[evaluate]\nsplits = "test"', True),
        ('[evaluate]\nsplits = ["test", 1]', False),
        ('[review]\nrequired = "never"', True),
        ('[review]\nrequired = "perhaps"', False),
        ('[task.toy]\nprefix = "hey "\n[task.toy.limits]\nmost = 9', True),
    ],
)
def test_schema_agrees_with_dstill(cli: Cli, schema: dict[str, Any], text: str, fits: bool) -> None:
    assert Draft7Validator(schema).is_valid(tomllib.loads(text)) == fits
    Path("other.toml").write_text(text)
    assert (cli("--config", "other.toml", "config", "show").code == 0) == fits
