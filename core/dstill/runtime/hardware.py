"""The device of this machine, or the one that `dstill experiment plan --vram` plans for, and the available memory.

>>> planned_device("24GB").name
'a card of 24 GiB'
"""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

from dstill.api.recipe import Device
from dstill.io import system
from dstill.io.units import parse_size
from dstill.runtime import distributed

__all__ = ["available_memory", "cpu", "device", "planned_device", "total_memory"]


def planned_device(vram: str) -> Device:
    """A CUDA card of another machine with `vram` of memory ("24GB"), all of it free. Raises UsageError."""
    size = parse_size(vram, where="--vram")
    sold = f"{size / 2**30:g} GiB" if size >= 2**30 else f"{size / 2**20:g} MiB"
    return Device(name=f"a card of {sold}", kind="cuda", total=size, free=size, bf16=True, is_local=False)


def device() -> Device:
    """The device that training uses on this machine: a CUDA device if there is one, else the CPU.

    If several processes train on this machine, each gets its own GPU, or its share of the free memory.
    """
    try:
        import torch
    except ImportError:
        cuda = False
    else:
        cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(distributed.local_rank())
        free, total = torch.cuda.mem_get_info()
        return Device(
            name=torch.cuda.get_device_name(),
            kind="cuda",
            total=total,
            free=free,
            bf16=torch.cuda.is_bf16_supported(including_emulation=False),
        )
    return replace(cpu(), bf16=_cpu_bf16())


def cpu() -> Device:
    """The CPU of this machine, without a look at torch: whether it has bf16 is left open."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Device(
        name=f"CPU ({platform.machine()}, {cores} cores)",
        kind="cpu",
        total=total_memory(),
        free=available_memory() // distributed.local_world_size(),
    )


def _cpu_bf16() -> bool:
    """Whether the CPU has bf16 instructions; False if torch is too old to say."""
    try:
        import torch
    except ImportError:
        return False
    features: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(features.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def total_memory() -> int:
    """Bytes of RAM that this process may use: of the machine, or of its container if that has less."""
    physical = system.physical_memory()
    limit = _cgroup("memory.max")
    return min(physical, limit) if limit else physical


def available_memory() -> int:
    """Bytes of RAM that are free now, including caches that can be dropped."""
    available = total_memory()
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                available = min(available, int(line.split()[1]) * 1024)
    except OSError:  # not Linux: the total is the best guess
        return available
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    return min(available, limit - used) if limit and used else available


def _cgroup(name: str) -> int:
    """A value of this process's control group (v2) in bytes; 0 if there is none."""
    try:
        text = (Path("/sys/fs/cgroup") / name).read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
