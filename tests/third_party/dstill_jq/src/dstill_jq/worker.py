"""Reads lines of JSON, [program, document], and writes a line for each: a list of results, or the text of an error."""

import json
import resource
import sys

import jq

MEMORY, LONGEST = 1 << 30, 1 << 20  # bytes of this process, characters of a result

resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
for line in sys.stdin:
    answer, rows = json.loads(line)
    try:
        text = jq.compile(answer).input_value(rows).text()
        reply = f"[{text.replace(chr(10), ',')}]" if len(text) < LONGEST else '"the result is too long"'
    except (ValueError, MemoryError) as error:
        reply = json.dumps(str(error) or "out of memory")
    print(reply, flush=True)
