"""The templates of questions by category: which operations go with which clauses.

    TEMPLATES[0]    Template(category="exact_filter", ask="list", clauses=("status",), …)
    .name           "list:status"

A template is the shape of a gold: the operation and the fields. A question that groups by a field
has no filter on it, since nobody asks for "the top users of user uma".

One in nine combinations of a category is held out (`held_out`), spread evenly over operations and clauses. Only
the split `test_unseen_templates` has these, though all their parts are in training.
Refusals are the exception, since their answers say little about the clauses: the refusal of other things
(`no_field_unseen`) is held out.
"""

from __future__ import annotations

from itertools import product

from dstill_querydsl.questions.plan import NEVER_HELD_OUT, NINTH, Template, entries

__all__ = ["TEMPLATES"]


# category: share of all questions | operations | clauses
_PLAN = """
exact_filter: 7 | list count
    | status path host user browser method+service host+status user+path cache+host upstream
full_text: 6 | list count
    | words phrase words+status phrase+host agent_words+user
text_or_keyword: 6 | list count
    | path path_words city path+status path_words+user city+status
numeric_range: 7 | list count
    | duration size status_range duration+host size+user status_range+path
absolute_dates: 8 | list count
    | day since before after between month day+status between+user since+path
relative_dates: 6 | list count
    | rolling calendar rolling+status calendar+host rolling+user calendar+path
boolean: 6 | list count
    | either_status either_host either_user+status not_status+host not_user+path not_host+day not_method+user
      either_path+status
exists: 4 | list count
    | has_error+host no_user+path has_referrer+status no_cache+path no_upstream+status has_upstream+user
sort_page: 6 | newest slowest largest oldest fastest fields
    | status path user+status day
sort_page: 1 | page
    | host method user service country has_error
count: 4 | count
    | country+status cache+path browser+host day+path duration+service rolling+user ip method+path referrer+status
metric: 7 | avg_duration max_duration min_duration sum_size avg_size max_size sum_duration stats_duration percentile
      distinct_ip distinct_user distinct_path distinct_city
    | host path day
terms: 7 | top_path top_country top_user top_ip top_city all_status all_host all_service by_status by_country by_method
      by_browser by_cache by_upstream
    | host day user
histogram: 6 | per_hour per_day per_week per_month every_hours steps_duration steps_size bands
    | host path status
two_level: 6 | avg_duration_by_country max_duration_by_service sum_size_by_host avg_duration_by_browser
      ranked_path_avg_duration ranked_user_sum_size ranked_host_avg_duration avg_duration_per_day sum_size_per_week
      per_day_status per_week_service share_service share_host share_country
    | path day user
prefix: 4 | list count
    | prefix prefix+status prefix+user prefix+day prefix+host
ip: 5 | list count
    | ip network ip+status network+status network+path
units: 6 | list count
    | status_class+host country+status_class country+day country+path country+duration status_class+user
ambiguous: 4 | list count by_path
    | slow+path slow+user recent+host large+user failed+path recent+status failed+host slow+country
terse: 5 | terse terse_count
    | status+path host+status country+status user+day calendar+host status_class+path prefix+status ip+day
refusal: 10 | no_field no_groups delete update insert
    | status path user day
adversarial: 3 | script injection other_index
    | status path host
"""


def _templates() -> list[Template]:
    found: dict[str, Template] = {}
    for category, share, asks, clauses in entries(_PLAN):
        pairs = list(product(enumerate(asks), enumerate(clauses)))
        pairs = [pair for pair in pairs if not set(pair[1][1].split("+")) & set(pair[0][1].split("_"))]
        for (row, ask), (column, kinds) in pairs:
            template = Template(
                category=category,
                ask=ask,
                clauses=tuple(kinds.split("+")),
                weight=share / len(pairs),
                held_out=(column - 2 * row) % NINTH == NINTH // 2 and category not in NEVER_HELD_OUT,
            )
            found.setdefault(template.name, template)
    held = Template(category="refusal", ask="no_field_unseen", clauses=("host",), weight=2, held_out=True)
    return [*found.values(), held]


TEMPLATES = tuple(_templates())
