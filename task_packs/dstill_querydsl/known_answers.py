"""Answers whose verdict is known for every index, which `dstill pack check querydsl` tries.

EQUAL      pairs of one body in two spellings        DIFFERENT  pairs with different results
HOSTILE    bodies that must never reach an engine: scripts, other indices, pages and states that cost an engine much
"""

from __future__ import annotations

__all__ = ["DIFFERENT", "EQUAL", "HOSTILE"]

EQUAL = (
    ('{"query":{"match_all":{}}}', '{ "query": { "match_all": {} } }'),
    ('{"size":5,"query":{"match_all":{}}}', '{"query":{"match_all":{}},"size":5}'),
    ('{"query":{"bool":{"filter":{"match_all":{}}}}}', '{"query":{"bool":{"filter":[{"match_all":{}}]}}}'),
)
DIFFERENT = (
    ('{"size":3,"query":{"match_all":{}}}', '{"size":4,"query":{"match_all":{}}}'),
    ('{"query":{"match_all":{}}}', '{"query":{"match_none":{}}}'),
    ('{"query":{"match_all":{}}}', '{"query":{"bool":{"must_not":[{"match_all":{}}]}}}'),
)
HOSTILE = (
    '{"query":{"script":{"script":{"source":"while (true) {}"}}}}',
    '{"query":{"bool":{"filter":[{"script":{"script":{"source":"while (true) {}"}}}]}}}',
    '{"runtime_mappings":{"x":{"type":"keyword","script":{"source":"emit(\'a\')"}}},"query":{"match_all":{}}}',
    '{"aggs":{"a":{"scripted_metric":{"map_script":"1","combine_script":"1","reduce_script":"1"}}}}',
    '{"query":{"terms":{"_id":{"index":"other","id":"1","path":"ids"}}}}',
    '{"query":{"wrapper":{"query":"eyJtYXRjaF9hbGwiOnt9fQ=="}}}',
    '{"from":1000000000,"size":10000,"query":{"match_all":{}}}',
    '{"pit":{"id":"46ToAwMDaWR5BXV1aWQy"},"query":{"match_all":{}}}',
)
