"""Wide mappings: how often all fields of a gold are among the fields that a linked student reads, and how fast that is.

    python -m benchmarks.wide_mappings [QUESTIONS]      of each index; 150 unless said

Prints, for each set and each number of fields (`CUTS`), the share of questions with all their fields in percent, with a
95 % Wilson interval: `Ranking`, and the pruner of prompts with as many items. Then milliseconds of `QueryForm.read`.

    weblogs, movies, flights    three schema variants each with 200 to 900 further fields, training questions
    … shared words              among 900 fields whose names have words of the questions
    own                         100 events of GitHub's, whose 889 fields Elasticsearch would map; its training questions
    quakes                      two schema variants. Held out: weights are never chosen by it

Takes minutes, most of them for the pruner. Needs no engine.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from benchmarks.querydsl import CASES

from dstill.api.metric import wilson
from dstill.api.records import Example
from dstill.api.values import Values
from dstill.linked import Ranking, Schema, words
from dstill.linked.thesaurus import meant
from dstill_querydsl.bundle.indices import HELD_OUT, TRAINED, Index, bundled, own_index
from dstill_querydsl.form.cues import cues_of
from dstill_querydsl.form.items import items_of
from dstill_querydsl.form.query_form import FIELD_LIMIT, QueryForm
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.values import values_in
from dstill_querydsl.language.variants import rename, vary
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.prompting.pruning import Pruner
from dstill_querydsl.questions.example_splits import rules_of
from dstill_querydsl.questions.templates import questions, splits
from dstill_querydsl.questions.templates.field_limit import limit_fields
from dstill_querydsl.settings import Settings

CUTS = (10, 20, 40, 64, 96, 128, 200)
DOCUMENTS = 500  # of which values are known
_AREAS = (
    "process", "dns", "tls", "container", "cloud", "file", "registry", "threat", "agent", "network", "observer",
    "email", "faas", "device", "destination", "client", "server", "orchestrator", "package", "rule", "trace",
    "vlan",
)  # fmt: skip
_PARTS = ("response", "request", "hash", "parent", "code_signature", "geo", "os", "session", "question", "answers")
_NAMES = {"name": "keyword", "status": "keyword", "bytes": "long", "duration": "long", "path": "keyword", "ip": "ip",
          "code": "keyword", "count": "long", "version": "keyword", "size": "long"}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:?\d\d)?)?")

Asked = Sequence[tuple[str, Mapping[str, Any]]]  # questions and golds


@dataclass(frozen=True, kw_only=True)
class Wide:
    """An index, and questions about it."""

    index: Index
    asked: Asked


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    print(f"{'':<24}{'n':>5}          " + "".join(f"{cut:>20}" for cut in CUTS))
    for name, sets in _sets(count):
        for system, rows in _measured(sets):
            shares = _share([place < cut for cut, place in zip(CUTS, row, strict=True)] for row in rows)
            print(f"{name:<24}{len(rows):>5} {system:<9}" + "".join(f"{share:>20}" for share in shares), flush=True)
    print()
    for name, index, asked in _for_speed():
        print(f"{name:<24}{_speed(index, asked)}", flush=True)


# --- sets -------------------------------------------------------------------------------


def _sets(count: int) -> Iterator[tuple[str, list[Wide]]]:
    for name in TRAINED:
        index = bundled(name, DOCUMENTS)
        asked = _asked(QueryDsl(Settings(index=name, n_questions=2 * count)).examples("train"), count)
        yield name, _variants(index, asked, 3, first=100)
        yield f"{name}, shared words", [Wide(index=_among_others(index), asked=asked)]
    if CASES.is_dir():
        own = _own()
        made = splits(limit_fields(own, 40), 3 * count, 0, rules_of(Settings()))["train"]
        yield f"own, {len(_leaves(own))} fields", [Wide(index=own, asked=_asked(made, 2 * count))]
    held = bundled(HELD_OUT[0], DOCUMENTS)
    asked = _asked(questions(held, 2 * count, 0, rules_of(Settings())), count)
    yield held.name, _variants(held, asked, 2, first=0)


def _asked(examples: Iterable[Example], count: int) -> Asked:
    """Questions about the index itself that are not to be refused."""
    own = (example for example in examples if not {"mapping", "variant"} & set(example.context))
    golds = ((one.question, json.loads(one.answer or "{}")) for one in own)
    return list(islice((pair for pair in golds if "refusal" not in pair[1]), count))


def _variants(index: Index, asked: Asked, count: int, first: int) -> list[Wide]:
    wide = (one for seed in range(first, first + 100) if (one := vary(index, seed)).distractors)
    return [
        Wide(index=one.index, asked=[(question, rename(gold, one.names)) for question, gold in asked])
        for one in islice(wide, count)
    ]


def _among_others(index: Index) -> Index:
    drawn = [(area, part, name) for area in _AREAS for part in _PARTS for name in _NAMES]
    properties: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for area, part, name in random.Random(7).sample(drawn, 900):
        inner = properties.setdefault(area, {"properties": {}})["properties"]
        inner.setdefault(part, {"properties": {}})["properties"][name] = {"type": _NAMES[name]}
        held = [f"{area}-{n}" for n in range(4)] if _NAMES[name] == "keyword" else {"min": 0, "max": 900}
        values[f"{area}.{part}.{name}"] = held
    mapping = {**index.mapping, "properties": {**properties, **index.mapping["properties"]}}
    return replace(index, mapping=mapping, given_values=Values.read(values | index.values.to_json()))


def _own() -> Index:
    """The index of docs/own-index.md: mapped as Elasticsearch maps documents, with values as `init` reads them."""
    documents = [load["_source"] for load in json.loads((CASES / "corpora" / "gharchive.json").read_text())["docs"]]
    mapping: dict[str, Any] = {"properties": {}}
    for document in documents:
        _map(mapping["properties"], document)
    known = values_in(mapping, documents).to_json()
    held = Counter(name for document in documents for name in set(_paths(document)))
    most = sorted(known, key=lambda name: -held[name.removesuffix(".keyword")])[: Settings().profiled_fields]
    return own_index("own", mapping, Values.read({name: known[name] for name in most}))


def _map(properties: dict[str, Any], document: Mapping[str, Any]) -> None:
    for name, value in document.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                _map(properties.setdefault(name, {"properties": {}})["properties"], one)
            elif one is not None:
                properties.setdefault(name, _type_of(one))


def _type_of(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        text = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
        return {"type": "date"} if _DATE.fullmatch(value) else text
    return {"type": {bool: "boolean", int: "long", float: "float"}[type(value)]}


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, path)
    else:
        yield path


def _leaves(index: Index) -> list[str]:
    return [field.name for field in Fields.of(index.mapping) if field.family not in ("object", "nested")]


# --- recall -----------------------------------------------------------------------------


def _measured(sets: Sequence[Wide]) -> Iterator[tuple[str, list[list[int]]]]:
    """System → of each question, for each cut, the place of the last of its fields."""
    ranked, pruned = [], []
    for wide in sets:
        values, given = wide.index.values, wide.index.given_values is not None
        items = items_of(Fields.of(wide.index.mapping), values, ranked=given)
        names = [item.name for item in items]
        known = frozenset(names)
        ranking = Ranking(Schema(items, meant), cues=cues_of(items))
        pruner = Pruner(wide.index.mapping, values, ranked=given)
        for question, gold in wide.asked:
            wanted = {use.name for use in uses(gold)} & known
            if not wanted:
                continue
            best = [names[number] for number in ranking.best(question, words(question), max(CUTS))]
            ranked.append([_last(wanted, best)] * len(CUTS))
            # 0: all are there. The order of a pruned mapping says nothing.
            kept = (_pruned(pruner, question, cut, known) for cut in CUTS)
            pruned.append([0 if wanted <= one else sys.maxsize for one in kept])
    yield from (("ranking", ranked), ("pruner", pruned))


def _pruned(pruner: Pruner, question: str, cut: int, known: frozenset[str]) -> frozenset[str]:
    """What the pruner selects with the largest limit that gives at most `cut` items: its limit counts no sub-fields."""
    limit = cut
    while True:
        found = known.intersection(Fields.of(pruner.prune(question, limit).mapping).names)
        if len(found) <= cut or limit == 1:
            return found if len(found) <= cut else frozenset()
        limit -= max(1, min(limit - 1, (len(found) - cut) // 2))


def _last(wanted: Iterable[str], names: Sequence[str]) -> int:
    places = {name: place for place, name in enumerate(names)}
    return max(places.get(name, sys.maxsize) for name in wanted)


def _share(rows: Iterable[Sequence[bool]]) -> Iterator[str]:
    for column in zip(*rows, strict=True):
        low, high = wilson(sum(column), len(column))
        yield f"{100 * sum(column) / len(column):.1f} [{100 * low:.1f}, {100 * high:.1f}]"


# --- speed ------------------------------------------------------------------------------


def _for_speed() -> Iterator[tuple[str, Index, list[str]]]:
    asked = [question for question, _ in _asked(QueryDsl(Settings(n_questions=400)).examples("train"), 200)]
    yield "weblogs", bundled("weblogs", DOCUMENTS), asked
    if CASES.is_dir():
        yield "own", _own(), asked
    drawn = [f"{area}.{part}.{name}_{n}" for area in _AREAS for part in _PARTS for name in _NAMES for n in range(5)]
    properties: dict[str, Any] = {}
    for name in drawn[:10_000]:
        area, part, last = name.split(".")
        inner = properties.setdefault(area, {"properties": {}})["properties"].setdefault(part, {"properties": {}})
        inner["properties"][last] = {"type": "keyword"}
    values = {name: [f"{name.split('.')[0]} value {n}" for n in range(20)] for name in drawn[:10_000]}
    yield "10,000 fields", own_index("wide", {"properties": properties}, Values.read(values)), asked


def _speed(index: Index, asked: Sequence[str]) -> str:
    context = {"index": "own", "mapping": index.mapping, "values": index.values.to_json()}
    examples = [Example(id="1", question=question, context=context) for question in asked]
    form = QueryForm(IndexProfiles(Settings()).of)
    first = _milliseconds(form, examples[0])
    for example in examples:
        form.read(example)
    each = sorted(_milliseconds(form, example) for example in examples)
    long = _milliseconds(form, replace(examples[0], question=" and ".join(asked)[:2_000]))
    most = each[len(each) * 95 // 100]
    return (
        f"first question {first:.0f} ms, then {statistics.median(each):.2f} ms (95 % within {most:.2f}), "
        f"one of 2,000 characters {long:.1f} ms; {FIELD_LIMIT} fields at most"
    )


def _milliseconds(form: QueryForm, example: Example) -> float:
    began = time.process_time()
    form.read(example)
    return 1_000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
