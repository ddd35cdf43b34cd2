"""Writes docs/guard.md: what the guards refuse, and what the most expensive bodies that they allow cost.

The tables of the Query DSL come from lists in the tests, that of SQL from `dstill_sql.known_answers`.

    python docs/make_guard.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parent / "guard.md"
# ruff: noqa: E501 — rows of a table are one line
BOUNDS = """
### Bounds

Allowed parts can be expensive together, so the guard adds up the whole body. These limits are set in
`[task.querydsl.guard]`:

| limit | default | what it bounds | measured by |
| --- | ---: | --- | --- |
| `patterns` | {limits.patterns:,} | States and transitions of the automata of all `regexp`, `wildcard` and `fuzzy` queries, `intervals` rules, and `include` and `exclude` of a body. Counts multiply, nested ones too. A pattern with two repeats or more counts 500 more, a character of a fuzzy term 10. A full-text query with `fuzziness`, or with `~` in a `simple_query_string`, counts 10 for each character on each field. | The states and transitions that Lucene reports. `(a?){{1000}}` has 501,501 of them and took OpenSearch 9.8 s. |
| `memory` | {limits.memory} MB | The memory of all aggregations of a body: the weight of each, times the buckets above it. A shard keeps `size * 1.5 + 10` terms. If the documents decide how many buckets there are, a sketch or hits count {limits.buckets:,} times (see below). | The growth of the heap: 225 kB for a t-digest of compression 1,000. 11 HDR histograms of 5 digits did not end in 60 s on 1 GB. |
| `buckets` | {limits.buckets:,} | The buckets of an aggregation times those above it. | The engines' own limit of 65,536. |
| `histogram_days` | {limits.histogram_days} | The days that a `date_histogram` is assumed to span if its range is unknown. | A histogram by days over the years 1 to 9999 (see below). |

A histogram fills its gaps with empty buckets unless `min_doc_count` is 1 or more. So a single outlier decides how many
buckets there are. `hard_bounds` limit them on every engine, as do the values that the project knows (doubled, as an
index grows). `missing` and `extended_bounds` add to the values. A `range` query does not limit the gaps: a document that
matches it with one value may have another value far away. With `min_doc_count` of 1 or more there are no gaps, and the
`range` query counts. If the range is unknown, it depends on the engine that the answers are for (`task.querydsl.dialect`):

- Elasticsearch 8 and 9 count the gaps before they fill them. They answer 400 if there would be more than 65,536 buckets
  in the whole response (`search.max_buckets`): in 0.2 s and without a growth of the heap for a histogram of step 1 over
  values up to 1e12. So the buckets count that the range of the hits has, or that a typical field has (100 steps of 1 or
  more, `histogram_days`), and the memory of 65,536 empty buckets. `check` warns (`unknown_range`).
- OpenSearch builds all of them before it counts: the same histogram took it 21 s and all of 1 GB. There, `histogram` needs
  `min_doc_count` of 1 or more, or `hard_bounds`, and `date_histogram` needs the same for steps below a day. All days of
  the years 1 to 9999 are 3.65 million buckets.

Before dstill runs a histogram over an unknown range on your server, by days or longer steps too, it asks the server for
the lowest and highest value of the field, and the histogram must keep the limits over that range. `dstill init` reads
these values into a file, so that no answer is refused for them: of 14,315 written answers about indices with such a
file, none is. Without the file, 1.5 % are refused for OpenSearch, and none for Elasticsearch.

The documents decide how many buckets these aggregations have, and engines keep all buckets until the end: `rare_terms`,
`ip_prefix`, `geohash_grid` and `geotile_grid` with a fine precision, a `histogram` with `min_doc_count` on a field of
unknown range, `terms` ordered by an aggregation (for that aggregation), and `terms` with `collect_mode` `depth_first`.
Simple metrics and `cardinality`, for which engines have limits, are allowed below them. Percentiles, `boxplot`,
`median_absolute_deviation`, `string_stats` and `top_hits` count as {limits.buckets:,} buckets, which usually exceeds the
limit.

These are the largest bodies that pass. They ran one at a time on one shard of 400,000 documents, on nodes with 1 GB of
heap:

| limit | bodies | largest | Elasticsearch 9.2 | OpenSearch 3.8 |
| --- | --- | ---: | ---: | ---: |
{rows}

The highest heap that `_nodes/stats` showed was 443 MB. Some of these bodies exceed limits of the engines, which refuse
them with status 400 or 503. A histogram by hours over three documents from the years 1, 2024 and 9999 did not end in
60 s on OpenSearch: the guard refuses it.

Not covered:

- The content of documents. 120,000 different days, spread over 10,000 years, took OpenSearch 52 s in a histogram by days.
- Documents dated far in the future: an open upper bound of a date range counts as now.
- Histograms over fields of a range type, where one document fills many buckets.
- Several requests at once, and several shards on a node: each needs the memory that is counted here.
"""
HEAD = """# What the guards refuse

<!-- Written by docs/make_guard.py from tests/support/hostile.py and dstill_sql.known_answers: change these, then
`make docs`. -->

Before an answer runs, the guard of its task pack refuses what changes data, reads something else or costs too much: here
is what the tests try, for the [Query DSL](#query-dsl) and for [SQL](#sql).

## Query DSL

The guard refuses each of these parts, wherever it is in a body, with the code in the first column. The tests put each
part into every place that a body has for its kind (a query into `bool`, `nested`, `function_score`, `filters`,
`highlight_query`, the filter of a sort and so on; an aggregation below others; a sort into `top_hits`): {bodies} bodies.
The guard is an allow-list: anything else is refused as well, unless its tables name it.
"""


def text() -> str:
    from support.hostile import HOSTILE, PLACES, hidden

    bodies = sum(len(list(hidden(one))) for one in HOSTILE.values())
    counts = Counter(one.code for one in HOSTILE.values())
    lines = [HEAD.format(bodies=f"{bodies:,}"), "| code | what | kind | places |", "| --- | --- | --- | ---: |"]
    for code in counts:
        lines += [
            f"| `{code}` | {name.replace('_', ' ')} | {one.kind} | {len(PLACES[one.kind])} |"
            for name, one in HOSTILE.items()
            if one.code == code
        ]
    return "\n".join([*lines, "", f"There are {len(HOSTILE)} parts.", bounds(), *sql()])


def bounds() -> str:
    from support.costly import FAMILIES, MEASURED

    from dstill_querydsl.language.guard import Limits

    rows = [
        f"| `{one.bound}` | {name} | {one.largest():,} | {MEASURED[name][0]:,} ms | {MEASURED[name][1]:,} ms |"
        for name, one in FAMILIES.items()
    ]
    return BOUNDS.format(limits=Limits(), rows="\n".join(rows))


SQL = """
## SQL

[The guard of SQL](sql.md#guard) is an allow-list, too. It refuses each of these in DuckDB, SQLite and PostgreSQL. `t` is a
table of the schema, and `a` its column. `form`: the text is not one query. What it allows may still be slow or large:
[the process of an engine](sql.md#a-process-for-an-engine) is limited, and killed if it has to be.

| what | answer | code |
| --- | --- | --- |"""


def sql() -> Iterator[str]:
    from dstill_sql.known_answers import HOSTILE
    from dstill_sql.language import guard
    from dstill_sql.language.database.schema import Schema
    from dstill_sql.language.limits import Limits
    from dstill_sql.language.statements import NotOneQuery, read

    def code(text: str) -> str:
        try:
            query = read(text, "duckdb")
        except NotOneQuery:
            return "form"
        schema = Schema.read("CREATE TABLE t (a INT)")
        return next(problem.code for problem in guard.check(query, schema, Limits(), "duckdb"))

    yield SQL
    for what, texts in HOSTILE.items():
        for place, text in enumerate(one.format(t="t", a="a") for one in texts):
            shown = (text if len(text) < 80 else f"{text[:70]} …").replace("\n", " ↵ ")
            yield f"| {'' if place else what} | `{shown}` | `{code(text)}` |"
    yield ""


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    FILE.write_text(text(), encoding="utf-8")
