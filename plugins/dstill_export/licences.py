"""Under what terms a student's base stands, as far as the base's own files say.

licence_of("google/flan-t5-small") → "apache-2.0"       of its model card, where that is on this machine
licence_of("") → ""                                     made from nothing: there is none
"""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["UNKNOWN", "copy_terms", "licence_of"]

UNKNOWN = "unknown: see where the base comes from"
_TERMS = ("LICEN[CS]E*", "NOTICE*", "USE_POLICY*")


def licence_of(base: str) -> str:
    """Of a folder, a GGUF file or a hub id; nothing is fetched. Empty where there is no base."""
    from dstill_finetune.gguf_files import is_gguf

    if not base or base == "base":
        return ""
    if is_gguf(base):
        return _of_gguf(Path(base)) or UNKNOWN
    return _of_card(_card_of(base)) or UNKNOWN


def copy_terms(base: str, folder: Path) -> None:
    """The licence files that lie beside a base's weights go with what is made of them."""
    beside = Path(base).expanduser()
    beside = beside if beside.is_dir() else beside.parent
    if base and base != "base" and beside.is_dir() and Path(base).expanduser().exists():
        for pattern in _TERMS:
            for file in sorted(beside.glob(pattern)):
                if file.is_file():
                    shutil.copyfile(file, folder / file.name)


def _card_of(base: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    folder = Path(base).expanduser()
    if folder.is_dir():
        return folder / "README.md" if (folder / "README.md").is_file() else None
    cached = try_to_load_from_cache(base, "README.md")
    return Path(cached) if isinstance(cached, str) else None


def _of_card(file: Path | None) -> str:
    from huggingface_hub import ModelCard

    if file is None:
        return ""
    try:
        found = ModelCard.load(file, ignore_metadata_errors=True).data.to_dict()
    except ValueError:  # whatever stands at its top is no metadata
        return ""
    name = found.get("license_name") or found.get("license") or ""
    return str(name)


def _of_gguf(file: Path) -> str:
    from gguf import GGUFReader

    field = GGUFReader(file).get_field("general.license")
    return str(field.contents()) if field is not None else ""
