"""The facts that dstill knows of this plugin"s parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["TEACHER"]

TEACHER = declare("litellm", "dstill_litellm.teacher:LiteLLMTeacher", distributions=("litellm",))
