"""LoRA's memory against full fine-tuning's, planned and measured on the CPU, for three sizes of a decoder.

    python -m tests.benchmarks.savings      a table, and build/savings.json

Each training runs in a process of its own, on batches of 4 × 128 tokens, where weights and not activations decide.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests/support

from support.planned import Case, measured

OUT = Path("build") / "savings.json"
SIZES = {
    "40 M": Case(kind="llama", hidden=512, layers=10, modality="full", batch=4, source=96, target=32),
    "90 M": Case(kind="llama", hidden=768, layers=11, modality="full", batch=4, source=96, target=32),
    "150 M": Case(kind="llama", hidden=1024, layers=11, modality="full", batch=4, source=96, target=32),
}


def rows() -> Iterator[dict[str, Any]]:
    """``{"size", "parameters", "planned": share saved, "measured": share saved, and the bytes}`` of each size."""
    for size, case in SIZES.items():
        full, lora = (measured(replace(case, modality=name)) for name in ("full", "lora"))
        yield {
            "size": size,
            "parameters": full["parameters"],
            "planned": round(1 - lora["predicted"] / full["predicted"], 3),
            "measured": round(1 - lora["measured"] / full["measured"], 3),
            "full": {key: full[key] for key in ("predicted", "measured")},
            "lora": {key: lora[key] for key in ("predicted", "measured")},
        }


def main() -> None:
    found = []
    for row in rows():
        found.append(row)
        print(f"{row['size']:>6}  planned {row['planned']:.0%} less, measured {row['measured']:.0%} less", flush=True)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
