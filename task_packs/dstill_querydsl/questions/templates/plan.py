"""The templates of questions by category: which operations go with which conditions.

    TEMPLATES[0]     Template(category="exact_filter", ask="list", clauses=("term",), …)
    .name            "list:term"

A template is the shape of a gold: the operation, and the kinds of its conditions. Fields are chosen later from the
mapping. One in nine shapes of a category is held out (`held_out`). Only the split `test_unseen_templates` has
these, though all their parts are in training. Refusals are the exception, since their answers say little about the
conditions: the refusal of other things (`no_field_unseen`) is held out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

__all__ = ["NEVER_HELD_OUT", "NINTH", "SHARES", "TEMPLATES", "Template", "entries"]

NINTH = 9
NEVER_HELD_OUT = ("refusal", "adversarial")  # by shape

# category: share | operations | kinds of conditions ("-": none)
_PLAN = """
exact_filter: 6 | list count | term eq boolean term+term term+eq term+boolean eq+boolean
full_text: 5 | list count | words phrase words+term phrase+term words+range phrase+since words+boolean
text_or_keyword: 4 | list count | whole inside whole+term inside+term whole+range inside+range
numeric_range: 6 | list count | range trap between range+term trap+term between+term range+range between+boolean
absolute_dates: 6 | list count | day since before after span month year day+term span+term month+range since+range
    year+term
relative_dates: 5 | list count | rolling calendar rolling+term calendar+term rolling+range calendar+range
boolean: 5 | list count | either not or_fields either+term not+term or_fields+range not+range either+not
exists: 4 | list count | has lacks has+term lacks+term has+range lacks+range has+lacks
sort_page: 6 | top bottom newest oldest page fields | - term range either term+range since
count: 3 | count | term+range range+since has+term rolling+range either+range not+since
metric: 6 | avg max min sum stats percentile distinct | - term range since either
terms: 5 | top_groups all_groups by_groups | - term range since lacks
histogram: 5 | per every steps bands | - term range either
two_level: 6 | metric_by ranked metric_per per_by by_by share | - term range since
nested: 5 | list count nested_groups nested_metric | pair inner inner_range pair+term inner+range
nested: 5 | nested_groups nested_metric | - term range
geo: 4 | list count | near box near+term box+range near+range box+term
geo: 4 | nearest | - term range
prefix: 3 | list count | prefix pattern parts prefix+term prefix+range pattern+term parts+term
ip: 3 | list count by_groups | address network address+term network+term network+range address+range
units: 3 | list count avg | in_units coded status_class in_units+term coded+range coded+term status_class+term
ambiguous: 3 | list count by_groups | named recent named+term recent+term named+range
terse: 3 | list count top | term+term term+range range+range either+term term+day term+prefix
    term+calendar status_class+term address+day
typo: 3 | list count by_groups avg | term range term+range phrase since+term
long: 2 | list count top_groups avg | term range term+range since+term
paraphrase: 3 | list count top per | term range term+range either+since words+term
schema_variant: 3 | list count top avg by_groups metric_by per | term range term+range since
refusal: 12 | no_field no_groups delete update insert no_field_unseen | - term range since term+range
adversarial: 4 | script injection other_index | - term range since
adversarial: 2 | list count avg | term range
"""
STYLES = ("terse", "typo", "long", "paraphrase")
HELD_REFUSAL = "no_field_unseen"
_HOSTILE = ("script", "injection", "other_index")


@dataclass(frozen=True, kw_only=True)
class Template:
    """The shape of a question and its gold."""

    category: str
    ask: str
    clauses: tuple[str, ...]
    style: str = ""  # one of STYLES, or a special context: poisoned, variant
    weight: float = 1.0  # relative to other templates of its plan
    held_out: bool = False

    @property
    def shape(self) -> str:
        """Operation and conditions, which its golds have in common."""
        return f"{self.ask}:{'+'.join(sorted(self.clauses)) or '-'}"

    @property
    def lane(self) -> str:
        """The unit that has a share: the category, and separately adversarial questions with a poisoned mapping."""
        return _lane(self.category, self.style)

    @property
    def name(self) -> str:
        """Style and shape."""
        return f"{self.style}/{self.shape}" if self.style else self.shape


def entries(plan: str) -> list[tuple[str, int, list[str], list[str]]]:
    """Category, share, operations and clauses of each line. An indented line continues the line above."""
    joined: list[str] = []
    for line in plan.strip().splitlines():
        if line.startswith(" "):
            joined[-1] += line
        else:
            joined.append(line)
    rows = []
    for entry in joined:
        category, _, rest = entry.partition(":")
        share, asks, clauses = rest.split("|")
        rows.append((category, int(share), asks.split(), clauses.split()))
    return rows


def _lane(category: str, style: str) -> str:
    return f"{category}, {style}" if style == "poisoned" else category


def _style(category: str, ask: str) -> str:
    if category == "adversarial":
        return "" if ask in _HOSTILE else "poisoned"
    return category if category in STYLES else "variant" if category == "schema_variant" else ""


def _templates() -> tuple[Template, ...]:
    templates: dict[str, Template] = {}
    for category, _, asks, clauses in entries(_PLAN):
        for ask, kinds in product(asks, clauses):
            parts = () if kinds == "-" else tuple(kinds.split("+"))
            template = Template(category=category, ask=ask, clauses=parts, style=_style(category, ask))
            templates.setdefault(template.name, template)
    return _with_held_out(tuple(templates.values()))


def _with_held_out(templates: tuple[Template, ...]) -> tuple[Template, ...]:
    """Mark the held-out templates. A shape is held out in every style, or in none."""
    shapes = list(dict.fromkeys(template.shape for template in templates if template.category not in NEVER_HELD_OUT))
    held = set(shapes[NINTH // 2 :: NINTH])
    return tuple(
        replace(template, held_out=template.shape in held or template.ask == HELD_REFUSAL) for template in templates
    )


TEMPLATES = _templates()
SHARES = {_lane(category, _style(category, asks[0])): share for category, share, asks, _ in entries(_PLAN)}  # by lane
