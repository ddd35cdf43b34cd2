"""A gold → candidates for its corpora: small sets of documents, the most telling first.

    list(candidates(body, layout, now, seed))
    → [Candidate(name="boundaries", documents=[("c00", {…}), …]), Candidate(name="hits", …), …]

`boundaries` holds every near miss and some hits; `hits` many hits, for groups, orders and pages;
`few` a handful of both, since a page or a maximum shows only what comes first; `mixed` conditions
met by lot. The same gold and mapping give the same documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Iterator, Mapping, Sequence

from dstill_querydsl.engines.bodies import page
from dstill_querydsl.mapping.uses import uses
from dstill_querydsl.testsuites.document_filler import Filler, Pools
from dstill_querydsl.testsuites.document_specs import Sketch, Sketcher
from dstill_querydsl.testsuites.layout import Layout
from dstill_querydsl.testsuites.leaves import All, Reader, Tree, leaves
from dstill_querydsl.testsuites.mutations import walk
from dstill_querydsl.testsuites.roles import roles

__all__ = ["Candidate", "candidates"]

FIELDS = 60  # that documents hold, beside those that the gold names
MOST = 120  # documents of one candidate
FEW = 6  # further candidates of a handful


@dataclass(frozen=True, kw_only=True)
class Candidate:
    name: str
    documents: Sequence[tuple[str, dict[str, Any]]]


def candidates(body: Mapping[str, Any], layout: Layout, now: int, seed: str) -> Iterator[Candidate]:
    random = Random(seed)
    tree = All([Reader(layout, now).query(body.get(key)) for key in ("query", "post_filter")])
    sketcher = Sketcher(tree, layout, random)
    maker = _Maker(body, layout, now, random, tree)
    near = list(sketcher.near())[: MOST // 2]
    wanted = maker.wanted()
    hits = [sketcher.hit() for _ in range(wanted)]
    few = max(2, min(wanted, sum(page(body))) + 1)
    yield maker.candidate("boundaries", [*hits[: max(few, 12)], *near])
    yield maker.candidate("hits", [*hits, *near[: 2 * len(sketcher.by_key)]])
    for number in range(FEW):
        some = random.sample(near, min(len(near), 4 + number % 3))
        yield maker.candidate(f"few {number + 1}", [*hits[: few - number % 2], *some])
    yield maker.candidate("mixed", [*(sketcher.random_one() for _ in range(20)), *hits[:few]])
    for number in range(0, len(near), 3):
        yield maker.candidate(f"near {number // 3 + 1}", near[number : number + 3])


class _Maker:
    def __init__(self, body: Mapping[str, Any], layout: Layout, now: int, random: Random, tree: Tree) -> None:
        self.body, self.layout, self.now, self.random = body, layout, now, random
        self.roles = roles(body, layout)
        self.names = _names(body, layout)
        self.pools = _pools(body, layout, now, tree)

    def wanted(self) -> int:
        """Hits enough that a page more, or a group more, would show."""
        start, size = page(self.body)
        rows = start + size + 2 if "size" in self.body or "sort" in self.body else 12
        groups = max((2 * role.groups for role in self.roles.values()), default=0)
        return max(12, min(rows, MOST), groups)

    def candidate(self, name: str, sketches: Sequence[Sketch]) -> Candidate:
        filler = Filler(self.layout, self.roles, self.names, self.now, self.random, self.pools)
        return Candidate(name=name, documents=filler.documents(sketches[: 2 * MOST]))


def _names(body: Mapping[str, Any], layout: Layout) -> list[str]:
    """The fields that documents hold: those of the gold, those like them, and of a small mapping all."""
    used = [use.name for use in uses(body)]
    near = [other for name in used for other in layout.alike(name, most=5)]
    named = [layout.home(name) for name in [*used, *near]]
    inside = [home for home in layout.fillable for name in used if home.startswith(f"{name}.")][:5]
    wanted = dict.fromkeys([*(name for name in named if name in layout.fillable), *inside])
    wanted |= dict.fromkeys(list(layout.fillable)[:FIELDS])
    return list(wanted)


def _pools(body: Mapping[str, Any], layout: Layout, now: int, tree: Tree) -> Pools:
    """The gold's constants, those of aggregations' filters too."""
    reader = Reader(layout, now)
    trees = [tree]
    for path, node in walk(body.get("aggs") or body.get("aggregations") or {}):
        if path and path[-1] in ("filter", "filters") and isinstance(node, Mapping):
            trees += [reader.query(node), *(reader.query(one) for one in node.values())]
    own: dict[str, list[Any]] = {}
    family: dict[str, list[Any]] = {}
    for one in trees:
        for leaf in leaves(one):
            field = layout.fillable.get(leaf.key[1])
            if field is not None and leaf.condition.values:
                own.setdefault(field.name, []).extend(leaf.condition.values)
                family.setdefault(field.family, []).extend(leaf.condition.values)
    return Pools(own=own, family=family)
