"""A compiled validator for the schema of `schema.derivation`.

In: the schema. Out: a ``jsonschema`` validator that also knows the keyword ``x-one`` and
looks references up in ``$defs`` directly, which is most of the time that validation takes.
"""

from __future__ import annotations

from typing import Any, Iterator

__all__ = ["compile_schema"]


def compile_schema(schema: dict[str, Any]) -> Any:
    """A Draft 2020-12 validator over `schema`; its ``iter_errors`` is what `schema.check` uses."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    prefix = "#/$defs/"
    definitions = {prefix + name: definition for name, definition in schema["$defs"].items()}

    def ref(validator: Any, target: str, instance: Any, _: Any) -> Iterator[Any]:
        yield from validator.descend(instance, definitions[target])

    def one(validator: Any, beside: list[str], instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            chosen = [key for key in instance if key not in beside]
            if len(chosen) != 1:
                yield ValidationError(f"{len(chosen)} keys where one is wanted")

    validator = extend(Draft202012Validator, {"$ref": ref, "x-one": one})  # type: ignore[no-untyped-call]
    return validator(schema)
