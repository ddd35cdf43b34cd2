"""The licence and the card of a student's base model, as far as the base's own files state them.

licence_of("google/flan-t5-small") → "apache-2.0"       from its model card, if that is on this machine
licence_of("") → ""                                     trained from scratch: no base
copy_licences("models/llama", Path("mine"))             LICENSE, NOTICE …, and its card as BASE.md
"""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["BASE_CARD", "UNKNOWN_LICENCE", "copy_licences", "licence_of"]

BASE_CARD = "BASE.md"
UNKNOWN_LICENCE = "unknown: see the source of the base model"
_FILES = ("LICEN[CS]E*", "NOTICE*", "USE_POLICY*")


def licence_of(base: str) -> str:
    """The licence of a folder, a GGUF file or a hub id; empty without a base. Downloads nothing."""
    from dstill_finetune.gguf_files import is_gguf

    if not base or base == "base":
        return ""
    if is_gguf(base):
        return _from_gguf(Path(base)) or UNKNOWN_LICENCE
    return _from_card(_card_of(base)) or UNKNOWN_LICENCE


def copy_licences(base: str, folder: Path) -> None:
    """Copy the card of the base, and the licence files of a local one, to the export."""
    if base and base != "base" and (card := _card_of(base)) is not None:
        shutil.copyfile(card, folder / BASE_CARD)
    path = Path(base).expanduser()
    if base and base != "base" and path.exists():
        source = path if path.is_dir() else path.parent
        for pattern in _FILES:
            for file in sorted(source.glob(pattern)):
                if file.is_file():
                    shutil.copyfile(file, folder / file.name)


def _card_of(base: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    folder = Path(base).expanduser()
    folder = folder.parent if folder.is_file() else folder  # a GGUF file
    if folder.is_dir():
        return folder / "README.md" if (folder / "README.md").is_file() else None
    cached = try_to_load_from_cache(base, "README.md")
    return Path(cached) if isinstance(cached, str) else None


def _from_card(file: Path | None) -> str:
    from huggingface_hub import ModelCard

    if file is None:
        return ""
    try:
        metadata = ModelCard.load(file, ignore_metadata_errors=True).data.to_dict()
    except ValueError:  # no valid metadata at the top of the card
        return ""
    return str(metadata.get("license_name") or metadata.get("license") or "")


def _from_gguf(file: Path) -> str:
    from gguf import GGUFReader

    field = GGUFReader(file).get_field("general.license")
    return str(field.contents()) if field is not None else ""
