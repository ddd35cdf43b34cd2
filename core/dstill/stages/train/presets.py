"""Presets: settings that suit the base of a student fill in what the user did not set.

config, preset = with_preset(config, student, modality="lora")
print(preset)   # preset chat decoder: prompt=chat, learning_rate=0.0002, …; yours: max_length=512
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dstill.api.student import Student
from dstill.config import Config

__all__ = ["AppliedPreset", "with_preset"]


@dataclass(frozen=True, kw_only=True)
class AppliedPreset:
    """A preset, and what became of its settings, by the fields of `Recipe`."""

    name: str
    used: Mapping[str, Any]  # filled in
    yours: Mapping[str, Any]  # set by the user: the user's values

    def __str__(self) -> str:
        used, yours = (", ".join(f"{key}={value}" for key, value in of.items()) for of in (self.used, self.yours))
        return f"preset {self.name}: {used or 'nothing to set'}" + (f"; yours: {yours}" if yours else "")


def with_preset(config: Config, student: Student, modality: str = "") -> tuple[Config, AppliedPreset | None]:
    """`config` with the preset of `student` for the settings that nobody set; None: there is no preset.

    `modality` is the chosen one; empty: none is yet, so settings that depend on it keep their defaults.
    """
    train = config.settings.train
    preset = student.preset(train, modality)
    if preset is None:
        return config, None
    own = {key.removeprefix("train.") for key in config.chosen if key.startswith("train.")}
    own.update(key for group in preset.together if not own.isdisjoint(group) for key in group)
    used = {key: value for key, value in preset.recipe.items() if key not in own}
    yours = {key: getattr(train, key) for key in preset.recipe if key not in used}
    settings = replace(config.settings, train=replace(train, **used))
    return replace(config, settings=settings), AppliedPreset(name=preset.name, used=used, yours=yours)
