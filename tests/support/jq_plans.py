"""Plans (`dstill.synthesis`) as jq programs: so a student that learnt plans answers in jq, and never saw a program.

write(plan)     [.[] | select(.genre == "crime")] | length
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from dstill.linked.names import words_in
from dstill.synthesis.plans import Aggregate, Comparison, Condition, Having, Place, Plan, Skip
from dstill.synthesis.subjects import Attribute, Entity, Kind, Subject

NAMES, FEW = ("name", "title"), 30
SIGNS = {"=": "=="}
FUNCTIONS = {"avg": "add / length", "sum": "add", "min": "min", "max": "max"}
TEXTS = {"contains": "contains", "starts": "startswith", "ends": "endswith"}


def subject_of(name: str, rows: Sequence[dict[str, Any]]) -> Subject:
    """A document as a subject: its objects are one entity, with an attribute for each path."""
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for path, value in leaves(row):
            columns.setdefault(path, []).append(value)
    attributes = [attribute(path, values) for path, values in columns.items()]
    noun = " ".join(words_in(name)).lower().removesuffix("s")
    return Subject(entities=(Entity(name=name, noun=noun, attributes=attributes),))


def leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """The paths of an object that lead to a text, a number or a list of texts."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from leaves(inner, f"{path}.{key}")
        elif inner is not None:
            yield f"{path}.{key}", inner


def attribute(path: str, values: list[Any]) -> Attribute:
    """Of a list, entities cannot be sorted and grouped by it (`groups`)."""
    last, listed = path.rpartition(".")[2], isinstance(values[0], list)
    flat = [text for value in values for text in (value if listed else [value])]
    numeric, known = all(isinstance(value, (int, float)) for value in flat), tuple(dict.fromkeys(flat))[:FEW]
    kind: Kind = "number" if numeric else "name" if last.lower() in NAMES else "category"
    return Attribute(name=path, noun=" ".join(words_in(last)).lower(), kind=kind, values=known, groups=not listed)


def write(plan: Plan) -> str:
    """The program. Raises Skip for what it cannot say."""
    if any(place.via for place in plan.shown if isinstance(place, Place)):
        raise Skip("there is one kind of object")
    rows, figures = selected(plan), [shown for shown in plan.shown if isinstance(shown, Aggregate)]
    if plan.group:
        return grouped(plan, f"[{rows}]")
    if figures:
        return several([f"([{rows}] | {measure(figure)})" for figure in figures], lone=True)
    if plan.order:
        rows = f"[{rows}] | {ordered(plan, path(plan.order))}{cut(plan)} | .[]"
    shown = several([path(place) for place in plan.shown])
    return f"[{rows} | {shown}] | unique | .[]" if plan.distinct else f"{rows} | {shown}"


def selected(plan: Plan) -> str:
    """The objects that meet the conditions."""
    conditions = [condition(one) for one in plan.conditions]
    if not conditions:
        return ".[]"
    return f".[] | select({(' or ' if plan.any_of else ' and ').join(f'({one})' for one in conditions)})"


def condition(one: Condition) -> str:
    if not isinstance(one, Comparison) or one.among or one.operator in ("above_average", "below_average"):
        raise Skip("an object is compared with no others")
    left, values = path(one.place), [json.dumps(value) for value in one.values]
    if one.other:
        return f"{left} {one.operator} {path(one.other)}"
    if one.operator in ("is_null", "not_null"):
        return f"{left} {'==' if one.operator == 'is_null' else '!='} null"
    if one.operator in ("yes", "no"):
        return left if one.operator == "yes" else f"({left} | not)"
    if one.operator == "between":
        return f"{left} >= {values[0]} and {left} <= {values[1]}"
    if one.operator in TEXTS:
        return f"({left} | ascii_downcase | {TEXTS[one.operator]}({values[0].lower()}))"
    if not one.place.attribute.groups:
        found = " or ".join(f"({left} | index({value}))" for value in values)
        return f"({found} | not)" if one.operator == "!=" else found
    sign = SIGNS.get(one.operator, "==" if one.operator == "in" else one.operator)
    return " or ".join(f"{left} {sign} {value}" for value in values)


def grouped(plan: Plan, rows: str) -> str:
    keys = [path(place) for place in plan.group]
    program = f"{rows} | group_by({several(keys)})"
    if plan.having:
        program += f" | map(select({having(plan.having)}))"
    if plan.order:
        by = measure(plan.order) if isinstance(plan.order, Aggregate) else f".[0]{path(plan.order)}"
        program += f" | {ordered(plan, by)}{cut(plan)}"
    shown = [f"({measure(part)})" if isinstance(part, Aggregate) else f".[0]{path(part)}" for part in plan.shown]
    return f"{program} | map({several(shown)})"


def having(one: Having) -> str:
    return f"({measure(one.measure)}) {SIGNS.get(one.operator, one.operator)} {one.number:g}"


def measure(figure: Aggregate) -> str:
    """Of an array of objects."""
    if figure.place is None:
        return "length"
    if figure.function == "count_distinct":
        return f"map({path(figure.place)}) | unique | length"
    return f"map({path(figure.place)}) | {FUNCTIONS[figure.function]}"


def ordered(plan: Plan, by: str) -> str:
    return f"sort_by({by}){' | reverse' if plan.descending else ''}"


def cut(plan: Plan) -> str:
    return f" | .[:{plan.limit}]" if plan.limit is not None else ""


def path(place: Place | Aggregate) -> str:
    if not isinstance(place, Place) or place.via:
        raise Skip("there is one kind of object")
    return place.attribute.name


def several(parts: list[str], *, lone: bool = False) -> str:
    """One part as it is, several as an array."""
    if len(parts) == 1:
        return parts[0][1:-1] if lone else parts[0]
    return f"[{', '.join(parts)}]"
