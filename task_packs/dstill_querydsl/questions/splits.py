"""The questions of a configuration by split, made when a split is asked for.

splits = Splits(Settings(index="movies"), seed=0, profiles=profiles)
splits.examples("test_unseen_data")     questions about `quakes`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from dstill.api.records import Example
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
from dstill_querydsl.questions.example_splits import splits_of, unseen_data
from dstill_querydsl.settings import Settings

__all__ = ["Splits"]


class Splits:
    """All splits, from templates and, if the settings ask for it, phrased freely."""

    def __init__(self, config: Settings, seed: int, profiles: IndexProfiles) -> None:
        self._config, self._seed, self._profiles = config, seed, profiles

    def examples(self, split: str) -> Iterable[Example]:
        """The questions of one split."""
        return self._unseen_data if split == "test_unseen_data" else self._splits.get(split, ())

    @cached_property
    def _from_templates(self) -> Mapping[str, list[Example]]:
        return splits_of(self._config, self._seed)

    @cached_property
    def _unseen_data(self) -> list[Example]:
        return unseen_data(self._config, self._seed, self._from_templates.get("train", ()))

    @cached_property
    def _splits(self) -> Mapping[str, list[Example]]:
        if not self._config.free_phrasing:
            return self._from_templates
        from dstill_querydsl.questions.free_phrasing.in_splits import with_free_phrasing

        profile = self._profiles.of(Example(id="", question="", context={"index": self._config.index}))
        assert profile is not None  # since the index has questions
        return with_free_phrasing(self._from_templates, self._unseen_data, profile, self._config, self._seed)
