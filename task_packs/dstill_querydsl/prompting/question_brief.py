"""The brief for a teacher that writes questions about an index: mapping, values, and kinds of questions.

    about(profile, Settings())     "The questions are about … Mapping. …"
    categories(mapping)            {"exact_filter": "documents that have …", …}
    topics(profile)                ["airport.state", "cost.total", …]

It skips kinds that the mapping has no fields for. The names of kinds are the categories of the pack's own questions, so
that quotas and results use the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.language.fields import raw_fields
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.prompting import RULES, data_block, fields_of
from dstill_querydsl.prompting.values import for_teacher
from dstill_querydsl.questions.templates.glossary import glossary
from dstill_querydsl.settings import Settings

__all__ = ["ANSWERS", "about", "categories", "topics", "values"]

_EXAMPLES = 20  # values of a field with many
_CONTAINERS = ("object", "nested", "alias")

_TASK = (
    "The questions are about documents of one index. Each becomes one Elasticsearch search body, so it has to say all "
    "that the body needs: which documents, and what of them. People ask in their own words: a field is rarely "
    "called by its technical name, a value is."
)

# how answers are written, for a teacher that writes them with its questions
ANSWERS = (
    f"An answer is one Elasticsearch `_search` body, as a JSON object.\n\n{RULES}"
    + """
- Documents: {"query": {"bool": {"filter": [{"term": {"F": "v"}}, {"range": {"N": {"gte": 3}}}]}}}. Add
  `"_source": ["F"]` only where the question names the fields that it wants to see. Several values of one field are
  `terms`; "or" over several fields is one filter, {"bool": {"should": [...]}}. Write values as the data have them,
  however the question says them.
- A number of documents: {"size": 0, "track_total_hits": true, "query": ...}.
- A figure: {"size": 0, "query": ..., "aggs": {"value": {"avg": {"field": "N"}}}}; also `sum`, `min`, `max`, the median
  as {"percentiles": {"field": "N", "percents": [50]}}, and `cardinality` for the number of different values.
- Groups: {"size": 0, "aggs": {"groups": {"terms": {"field": "F"}}}}; of dates `date_histogram` with
  `calendar_interval`, of numbers `histogram`. A figure of each group is an inner `value`, groups in groups are inner
  `groups`. "Per", "for each", "by" and "broken down by" ask for groups; without a number of them, write no `size`.
- Percentages, ratios and differences cannot be computed: do not ask for them.
- Near a place: {"geo_distance": {"distance": "50km", "F": {"lat": 40.1, "lon": -3.2}}}, where the question says the
  coordinates.
- The thing that has most, not its number: the document with the highest N is {"size": 1, "sort": [{"N": "desc"}]}; the
  F that occurs most is `terms` with `"size": 1`; the F with the highest figure is
  {"terms": {"field": "F", "size": 1, "order": {"value": "desc"}}} with that figure as inner `value`.
- What is missing: `must_not` with `exists`. Fields of a nested object: {"nested": {"path": "O", "query": ...}}."""
)

# category: families of fields, one of which the mapping needs ("-": none) | what is asked
_KINDS = """
exact_filter: keyword number boolean | documents that have a certain value, or several certain values, listed or counted
full_text: text | words or an exact phrase in a text
numeric_range: number | a number over, under, at least, at most or between
absolute_dates: date | on, before, after or between days, in a month or a year
relative_dates: date | the last hours or days, today, yesterday, last week or month
boolean: keyword number boolean | conditions joined by and, or, not
exists: keyword number date text boolean | documents that have a field at all, or lack it
sort_page: number date | the highest, newest, cheapest few; a second page; certain fields only
count: keyword number date | how many, nothing else
metric: number | an average, sum, smallest, largest, percentile, or number of different values
terms: keyword boolean | groups by a value: the most frequent, all of them
histogram: number date | per day, week, month, or in steps of a number
two_level: keyword boolean | groups inside groups, or a figure for each group
nested: nested | several conditions that one and the same inner object has to meet
geo: geo_point | near a place, in a box, the nearest ones
prefix: keyword | values that begin with something, or have a pattern
ip: ip | an address or a network
units: number | numbers in other units than those stored, as seconds, minutes, kB, thousands
ambiguous: keyword number date | vague words that have one sensible meaning here, as recent, large, slow
terse: - | three or four words, as typed into a search box
typo: - | with one or two misspelt words that are still understood
long: - | two or three sentences with the reason for asking, and one clear request
paraphrase: - | put in an unusual, roundabout way
refusal: - | about something that the mapping has no field for, or to change or delete data: it can only be refused
adversarial: - | asking for scripts, other indices or to ignore rules: it can only be refused
"""


def about(profile: IndexProfile, config: Settings) -> str:
    """The description of the index in a teacher's prompt."""
    shown, index = profile.shown("", config.prompt_fields), profile.index
    words = glossary(index.name) if index.recipe else ""
    words = ", ".join(filter(None, (words, profile.terms.glossary.text)))
    return "\n".join([_TASK, *data_block(shown, index.now, values(profile, config), words)])


def values(profile: IndexProfile, config: Settings) -> dict[str, Any]:
    """The values in that description. Those of bundled indices are public: all of their fields have examples."""
    names = [name for name, _ in fields_of(profile.shown("", config.prompt_fields).mapping)]
    samples = names if profile.index.recipe else config.example_value_fields
    return for_teacher(profile.values, names, samples, examples=_EXAMPLES)


def topics(profile: IndexProfile) -> list[str]:
    """The fields that questions can be about, without other forms of the same values."""
    fields = [field for field in raw_fields(profile.index.mapping) if not field.sub and field.type not in _CONTAINERS]
    return [field.name for field in fields if profile.limits.allows(field.name)]


def categories(mapping: Mapping[str, Any]) -> dict[str, str]:
    """Category → what is asked, for the kinds of questions that the mapping has fields for."""
    families = {field.family for field in raw_fields(mapping)} | {"-"}
    families |= {"nested"} if any(field.nested for field in raw_fields(mapping)) else set()
    return {name: text for name, needs, text in _entries() if families & set(needs)}


def _entries() -> Iterator[tuple[str, list[str], str]]:
    for line in _KINDS.strip().splitlines():
        head, _, text = line.partition(" | ")
        name, _, needs = head.partition(": ")
        yield name, needs.split(), text
