"""Writes docs/guard.md: what the guards refuse, and what the most expensive bodies that they allow cost.

The tables of the Query DSL come from lists in the tests, that of SQL from `dstill_sql.known_answers`.

    python docs/make_guard.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parent / "guard.md"
SHOWN = 8  # answers or parts for each code
# ruff: noqa: E501 — rows of a table are one line
BOUNDS = """
### Bounds

Allowed parts can be expensive together, so the guard adds up the whole body. These limits are set in
`[task.querydsl.guard]`:

| limit | default | what it bounds |
| --- | ---: | --- |
| `patterns` | {limits.patterns:,} | States and transitions of the automata of all `regexp`, `wildcard` and `fuzzy` queries, `intervals` rules, and `include` and `exclude`, as Lucene reports them. Counts multiply, nested ones too. A pattern with two repeats or more counts 500 more, a character of a fuzzy term 10. A full-text query with `fuzziness`, or with `~` in a `simple_query_string`, counts 10 for each character on each field. |
| `memory` | {limits.memory} MB | All aggregations of a body: the weight of each (the measured growth of the heap), times the buckets above it. A shard keeps `size * 1.5 + 10` terms. |
| `buckets` | {limits.buckets:,} | The buckets of an aggregation times those above it. The engines' own limit is 65,536. |
| `histogram_days` | {limits.histogram_days} | The days that a `date_histogram` is assumed to span if its range is unknown. |

A histogram fills its gaps with empty buckets unless `min_doc_count` is 1 or more, so a single outlier decides how many
there are. `hard_bounds` limit them on every engine, as do the values that the project knows (doubled, as an index grows).
`missing` and `extended_bounds` add to the values. A `range` query does not limit the gaps: a document may have a second
value far away. Without gaps, the `range` query counts. If the range is unknown, `task.querydsl.dialect` decides:

- Elasticsearch 8 and 9 count gaps before they fill them, and answer 400 above 65,536 buckets (`search.max_buckets`). So the
  buckets of the hits' range count, or of a typical field (100 steps of 1 or more, `histogram_days`). `check` warns
  (`unknown_range`).
- OpenSearch builds all of them first. There, `histogram` needs `min_doc_count` of 1 or more, or `hard_bounds`; so does
  `date_histogram` for steps below a day.

Before dstill runs a histogram over an unknown range on your server, it asks the server for the lowest and highest value of
the field, and applies the limits to that range. `dstill init` reads these values into a file.

Where the documents decide how many buckets there are (`rare_terms`, `ip_prefix`, `geohash_grid` and `geotile_grid` with a
fine precision, a `histogram` with `min_doc_count` on a field of unknown range, `terms` ordered by an aggregation or with
`collect_mode` `depth_first`), simple metrics and `cardinality` are allowed below.
Percentiles, `boxplot`, `median_absolute_deviation`, `string_stats` and `top_hits` count as {limits.buckets:,} buckets, which
usually exceeds the limit.

The largest bodies that pass ran one at a time on one shard of 400,000 documents, on nodes with 1 GB of heap (highest heap:
443 MB). Engines refuse some of them with status 400 or 503. The slowest for each limit:

| limit | bodies | largest | Elasticsearch 9.2 | OpenSearch 3.8 |
| --- | --- | ---: | ---: | ---: |
{rows}

Not covered:

- The content of documents. 120,000 different days, spread over 10,000 years, took OpenSearch 52 s in a histogram by days.
- Documents dated far in the future: an open upper bound of a date range counts as now.
- Histograms over fields of a range type, where one document fills many buckets.
- Several requests at once, and several shards on a node: each needs the memory that is counted here.
"""
HEAD = """# What the guards refuse

<!-- Written by docs/make_guard.py from tests/support/hostile.py and dstill_sql.known_answers: change these, then
`make docs`. -->

Before an answer runs, the guard of its task pack refuses what changes data, reads something else or costs too much. Here is
what the tests try.

## Whose rows

    [task.sql.guard.rows]                   # or task.querydsl.guard.rows, by index: field = value AND …
    orders = "tenant = {{caller.tenant}}"
    countries = ""                          # all rows

adds a condition to each table of a query, and each body. What has no entry (or `"*"`) is refused.
`{{caller.…}}` is a claim of the [caller's token](serve.md#access), or of `guard.caller`. A caller without it runs nothing.

In the Query DSL, hits have no scores, and what depends on other documents is refused: `fuzzy`, `global`,
`min_doc_count: 0` … What has a condition has no [known values](own-index.md) or ranges, and `serve` no example questions:
train before you set it. A view needs its own entry. Not covered: how long answers take, the order of unsorted rows;
`init` and `doctor`.

## Query DSL

The guard is an allow-list: it refuses each of these parts, wherever it is, and anything that its tables lack.
The tests put {parts} parts into every place: {bodies} bodies.

| code | refused parts |
| --- | --- |
"""


def text() -> str:
    from support.hostile import HOSTILE, hidden

    parts: dict[str, list[str]] = {}
    for name, one in HOSTILE.items():
        parts.setdefault(one.code, []).append(name.replace("_", " "))
    bodies = sum(len(list(hidden(one))) for one in HOSTILE.values())
    rows = [f"| `{code}` | {_listed(names, SHOWN)} |" for code, names in parts.items()]
    return "\n".join([HEAD.format(bodies=f"{bodies:,}", parts=len(HOSTILE)) + rows[0], *rows[1:], bounds(), *sql()])


def _listed(names: list[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def bounds() -> str:
    from support.costly import FAMILIES, MEASURED

    from dstill_querydsl.language.guard import Limits

    slowest = {one.bound: name for name, one in sorted(FAMILIES.items(), key=lambda item: MEASURED[item[0]][0])}
    rows = [
        f"| `{bound}` | {name} | {FAMILIES[name].largest():,} | {MEASURED[name][0]:,} ms | {MEASURED[name][1]:,} ms |"
        for bound, name in slowest.items()
    ]
    return BOUNDS.format(limits=Limits(), rows="\n".join(rows))


SQL = """
## SQL

[The guard of SQL](sql.md#guard) is an allow-list, too. It refuses answers such as these in DuckDB, SQLite and PostgreSQL. `t` is a
table of the schema, and `a` its column. `form`: the text is not one query. What it allows may still be slow or large:
[the process of an engine](sql.md#a-process-for-an-engine) is limited, and killed if it has to be.

| what | code | answers |
| --- | --- | --- |"""


def sql() -> Iterator[str]:
    from dstill_sql.known_answers import HOSTILE
    from dstill_sql.language import guard
    from dstill_sql.language.database.schema import SqlSchema
    from dstill_sql.language.limits import Limits
    from dstill_sql.language.statements import NotOneQuery, read

    def code(text: str) -> str:
        try:
            query = read(text, "duckdb")
        except NotOneQuery:
            return "form"
        schema = SqlSchema.read("CREATE TABLE t (a INT)")
        return next(problem.code for problem in guard.check(query, schema, Limits(), "duckdb"))

    yield SQL
    for what, texts in HOSTILE.items():
        answers: dict[str, list[str]] = {}
        for text in (one.format(t="t", a="a") for one in texts):
            shown = (text if len(text) < 80 else f"{text[:70]} …").replace("\n", " ↵ ")
            answers.setdefault(code(text), []).append(f"`{shown}`")
        for place, (name, found) in enumerate(answers.items()):
            yield f"| {'' if place else what} | `{name}` | {_listed(found, SHOWN)} |"
    yield ""


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    FILE.write_text(text(), encoding="utf-8")
