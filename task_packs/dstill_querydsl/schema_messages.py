from dstill.records import Problem
from dstill_querydsl.strict import escape
def problem(error):
    pointer = "".join("/" + escape(str(step)) for step in error.absolute_path)
    return Problem(layer="schema", code=str(error.validator), message=error.message[:200], pointer=pointer)
