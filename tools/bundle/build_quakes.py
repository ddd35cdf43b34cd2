"""Documents of `quakes` from vega-datasets' `earthquakes.json`: a week of USGS's feed, in order of time.

In: the npm archive's bytes. Out: (id, source), the id being USGS's own:

    ("ci37868143", {"time": "2018-02-07T01:26:13.840Z", "mag": 2.0, "place": "4km W of Castaic, CA", …})

Names are those of the feed; `region` is what stands after the last comma of `place`. Links, code, ids and the
offset of the local time are left out, and so is what is null.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

__all__ = ["documents"]

MEMBER = "package/data/earthquakes.json"


def documents(archive: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        member = files.extractfile(MEMBER)
        assert member is not None
        features = json.load(member)["features"]
    for feature in sorted(features, key=lambda feature: (feature["properties"]["time"], feature["id"])):
        yield feature["id"], _quake(feature)


def _quake(feature: dict[str, Any]) -> dict[str, Any]:
    said = feature["properties"]
    lon, lat, depth = feature["geometry"]["coordinates"]
    _, comma, region = said["place"].rpartition(", ")
    quake = {
        "time": _iso(said["time"]),
        "updated": said["updated"],  # milliseconds, as the feed has it
        "mag": _float(said["mag"]),
        "magType": said["magType"],
        "place": said["place"],
        "region": region if comma else None,
        "title": said["title"],
        "type": said["type"],
        "status": said["status"],
        "net": said["net"],
        "sources": _listed(said["sources"]),
        "products": _listed(said["types"]),
        "alert": said["alert"],
        "tsunami": bool(said["tsunami"]),
        "sig": said["sig"],
        "location": {"lat": lat, "lon": lon},
        "depth": _float(depth),
        "intensity": _known({"felt": said["felt"], "cdi": _float(said["cdi"]), "mmi": _float(said["mmi"])}),
        "quality": _known({"nst": said["nst"], **{key: _float(said[key]) for key in ("dmin", "rms", "gap")}}),
    }
    return _known(quake)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, {})}


def _listed(text: str) -> list[str]:
    """``,ci,us,`` is two."""
    return [item for item in text.split(",") if item]


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _iso(milliseconds: int) -> str:
    time = datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{time}.{milliseconds % 1000:03d}Z"
