"""Candidates for a gold's test databases: small sets of documents, the most useful first.

    list(candidates(body, layout, now, seed, keeper))
    → [Candidate(name="boundaries", documents=[("c00", {…}), …]), Candidate(name="hits", …), …]

`boundaries` has every near miss and some hits. `hits` has many hits, for groups, orders and pages.
`few` has a few of both, since a page or a maximum shows only the first documents. `mixed` meets conditions
at random. The same gold and mapping give the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dstill_querydsl.engines.bodies import page
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.testdata.dependencies import Keeper
from dstill_querydsl.testdata.document_filler import Filler, Pools
from dstill_querydsl.testdata.document_specs import DocumentSpec, SpecMaker
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.leaves import All, Tree, TreeReader, leaves
from dstill_querydsl.testdata.mutations import walk
from dstill_querydsl.testdata.roles import roles

__all__ = ["Candidate", "candidates"]

FIELDS = 60  # of documents, besides those that the gold names
MOST = 120  # documents of one candidate
FEW = 6  # candidates with a few documents


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A candidate for a test database."""

    name: str
    documents: Sequence[tuple[str, dict[str, Any]]]


def candidates(body: Mapping[str, Any], layout: Layout, now: int, seed: str, keeper: Keeper) -> Iterator[Candidate]:
    """Candidates for the gold `body`. `now` is in milliseconds since 1970."""
    random = Random(seed)
    tree = All([TreeReader(layout, now).query(body.get(key)) for key in ("query", "post_filter")])
    spec_maker = SpecMaker(tree, layout, random)
    maker = _Maker(body, layout, now, random, tree, keeper)
    near = list(spec_maker.near_misses())[: MOST // 2]
    wanted = maker.wanted()
    hits = [spec_maker.hit() for _ in range(wanted)]
    few = max(2, min(wanted, sum(page(body))) + 1)
    yield maker.candidate("boundaries", [*hits[: max(few, 12)], *near])
    yield maker.candidate("hits", [*hits, *near[: 2 * len(spec_maker.by_key)]])
    for number in range(FEW):
        some = random.sample(near, min(len(near), 4 + number % 3))
        yield maker.candidate(f"few {number + 1}", [*hits[: few - number % 2], *some])
    yield maker.candidate("mixed", [*(spec_maker.random_one() for _ in range(20)), *hits[:few]])
    for number in range(0, len(near), 3):
        yield maker.candidate(f"near {number // 3 + 1}", near[number : number + 3])


class _Maker:
    def __init__(
        self, body: Mapping[str, Any], layout: Layout, now: int, random: Random, tree: Tree, keeper: Keeper
    ) -> None:
        self.body, self.layout, self.now, self.random = body, layout, now, random
        self.keeper = keeper
        self.roles = roles(body, layout)
        self.names = _names(body, layout)
        self.pools = _pools(body, layout, now, tree)

    def wanted(self) -> int:
        """The number of hits, enough that one more on the page or one more group would be visible."""
        start, size = page(self.body)
        rows = start + size + 2 if "size" in self.body or "sort" in self.body else 12
        groups = max((2 * role.groups for role in self.roles.values()), default=0)
        return max(12, min(rows, MOST), groups)

    def candidate(self, name: str, specs: Sequence[DocumentSpec]) -> Candidate:
        filler = Filler(self.layout, self.roles, self.names, self.now, self.random, self.pools)
        return Candidate(name=name, documents=self.keeper.keep(filler.documents(specs[: 2 * MOST]), self.random))


def _names(body: Mapping[str, Any], layout: Layout) -> list[str]:
    """The fields of documents: those of the gold, similar ones, and others up to a limit."""
    used = [use.name for use in uses(body)]
    near = [other for name in used for other in layout.similar(name, most=5)]
    named = [layout.source_field(name) for name in [*used, *near]]
    inside = [home for home in layout.fillable for name in used if home.startswith(f"{name}.")][:5]
    wanted = dict.fromkeys([*(name for name in named if name in layout.fillable), *inside])
    wanted |= dict.fromkeys(list(layout.fillable)[:FIELDS])
    return list(wanted)


def _pools(body: Mapping[str, Any], layout: Layout, now: int, tree: Tree) -> Pools:
    """The constants in the gold, also in filters of aggregations."""
    reader = TreeReader(layout, now)
    trees = [tree]
    for path, node in walk(body.get("aggs") or body.get("aggregations") or {}):
        if path and path[-1] in ("filter", "filters") and isinstance(node, Mapping):
            trees += [reader.query(node), *(reader.query(clause) for clause in node.values())]
    own: dict[str, list[Any]] = {}
    family: dict[str, list[Any]] = {}
    for top in trees:
        for leaf in leaves(top):
            field = layout.fillable.get(leaf.key[1])
            if field is not None and leaf.condition.values:
                own.setdefault(field.name, []).extend(leaf.condition.values)
                family.setdefault(field.family, []).extend(leaf.condition.values)
    return Pools(own=own, family=family)
