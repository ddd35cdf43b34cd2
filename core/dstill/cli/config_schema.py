"""The command `config schema`: a JSON Schema of dstill.toml, with which editors complete keys and check values.

    config_schema(config)    {"$schema": "…", "properties": {"train": {"properties": {"r": {"type": "integer", …}}}}}

It has the keys of the plugins that are installed. What is more than a type, an enumeration or a range, such as an
address without a password, is only checked when dstill reads the file.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from typing import Any

import click

from dstill import config as configuration
from dstill.cli.console import say
from dstill.cli.groups import Command
from dstill.cli.options import App, pass_app
from dstill.config import Config
from dstill.io.json_schema import Schema, any_value, flag, integer, list_of, number, record, table_of, text
from dstill.io.strict_json import dumps

__all__ = ["config_schema", "schema"]

DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that TOML editors know
_TYPES = {str: text, int: integer, float: number, bool: flag}


@click.command("schema", cls=Command, examples=["dstill config schema > dstill.schema.json"])
@pass_app
def schema(app: App) -> None:
    """Print a JSON Schema of dstill.toml, for editors.

    Editors with the Even Better TOML extension, and taplo, read it if the first line of dstill.toml is
    `#:schema ./dstill.schema.json`.
    """
    say(dumps(config_schema(app.config(use_files=False))))


def config_schema(config: Config) -> Schema:
    """The schema of a file with the keys of `config`."""
    defaults = config.flat()
    tree: dict[str, Any] = {}
    for key, field in configuration.fields(config).items():
        *tables, name = key.split(".")
        table = tree
        for step in tables:
            table = table.setdefault(step, {})
        table[name] = field, defaults[key]
    return {"$schema": DRAFT, "title": configuration.FILE, **_table(tree)}


def _table(tree: dict[str, Any]) -> Schema:
    properties = {name: _table(of) if isinstance(of, dict) else _value(*of) for name, of in tree.items()}
    return record(properties, optional=properties, closed=True)


def _value(field: dataclasses.Field[Any], default: Any) -> Schema:
    kind: Any = field.type
    about = field.metadata["help"]
    value_schema: Schema = {"description": about}
    if typing.get_origin(kind) is typing.Literal:
        value_schema["enum"] = list(typing.get_args(kind))
    elif typing.get_origin(kind) is collections.abc.Mapping:
        value_schema = table_of(_for_table(typing.get_args(kind)[1]), about)
    elif kind in _TYPES:
        value_schema = _TYPES[kind](about)
    else:
        value_schema = {**list_of(text(), about), "type": ["array", "string"]}
    limits = {"minimum": field.metadata.get("low"), "maximum": field.metadata.get("high"), "default": default}
    return value_schema | {name: value for name, value in limits.items() if value is not None}


def _for_table(kind: Any) -> Schema:
    """The schema of the values of a table."""
    if kind in (str, Any):
        return text() if kind is str else any_value("text, a number, true or false")
    return list_of(number(minimum=0), minItems=2, maxItems=2)
