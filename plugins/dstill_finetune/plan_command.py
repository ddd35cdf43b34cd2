"""``dstill plan``: what each modality needs in memory, which one would be taken, and the line that trains.

    $ dstill plan --student hf:./llama-7b --vram 24GB
    modality     need       free  verdict  reason
    full      105.1 GiB  24.0 GiB  no       needs 105.1 GiB, 24.0 GiB free
    lora       26.9 GiB  24.0 GiB  no       needs 26.9 GiB, 24.0 GiB free
    qlora      17.6 GiB  24.0 GiB  chosen
    dstill train RUN --student hf:./llama-7b --modality qlora …

Works for a machine that is not this one (``--vram``); a hub id needs its configuration only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from dstill import hardware
from dstill.cli.app import App, app, json_option, set_option, setting
from dstill.cli.console import emit, table
from dstill.errors import UsageError
from dstill.making import make_modalities, make_student
from dstill.parts import Choice, Device, Modality, Reason, Recipe, Shape
from dstill.plugins import Plugins
from dstill_finetune.precision import resolved

__all__ = ["plan"]

GIB = 2**30
