"""Imports LiteLLM so that it reads no file of the current folder and sends nothing but the requests.

    library().acompletion(model="anthropic/claude-sonnet-4-5", messages=[…])

By default, LiteLLM loads a ``.env`` file of the current folder or one above it into the environment, where it could
name other addresses for the user's keys, and fetches a list of prices. Both are switched off before the import.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from dstill.errors import needs

__all__ = ["library"]

# Read by LiteLLM during its import.
SWITCHES = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@cache
def library() -> Any:
    """The module `litellm`. Raises MissingExtra."""
    before = {name: os.environ.get(name) for name in SWITCHES}
    os.environ.update(SWITCHES)
    try:
        with needs("the teacher 'litellm'", "litellm"):
            import litellm
    finally:  # child processes get the user's environment
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    litellm.telemetry = False
    litellm.suppress_debug_info = True  # it prints advice to stdout
    litellm.drop_params = True  # parameters that a model does not take are left out
    return litellm
