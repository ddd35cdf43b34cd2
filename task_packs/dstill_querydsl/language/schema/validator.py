"""A compiled validator for the schema of `schema.derivation`.

In: the schema. Out: a ``jsonschema`` validator that also knows the keyword ``x-one``. It looks references up in
``$defs`` directly, because resolving them takes most of the time of a validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["compile_schema"]


def compile_schema(schema: dict[str, Any]) -> Any:
    """A Draft 2020-12 validator over `schema`; its ``iter_errors`` is what `schema.check` uses."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    prefix = "#/$defs/"
    definitions = {prefix + name: definition for name, definition in schema["$defs"].items()}

    def ref(validator: Any, target: str, instance: Any, _: Any) -> Iterator[Any]:
        yield from validator.descend(instance, definitions[target])

    def exactly_one(_: Any, besides: list[str], instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            keys = [key for key in instance if key not in besides]
            if len(keys) != 1:
                yield ValidationError(f"{len(keys)} keys instead of exactly one")

    validator = extend(Draft202012Validator, {"$ref": ref, "x-one": exactly_one})  # type: ignore[no-untyped-call]
    return validator(schema)
