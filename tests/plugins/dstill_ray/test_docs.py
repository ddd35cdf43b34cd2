"""docs/ray.md and deploy/ray-job.yaml: the manifests parse, and their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from dstill.cli import build
from dstill.cli.extras import extras as known_extras


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "ray.md").read_text()


@pytest.fixture(scope="module")
def manifests(page: str, root: Path) -> list[dict[str, Any]]:
    on_page = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    return [*yaml.safe_load_all((root / "deploy" / "ray-job.yaml").read_text()), *on_page]


@pytest.fixture(scope="module")
def job(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [row for row in manifests if row.get("kind") == "RayJob"]
    assert found["apiVersion"] == "ray.io/v1"
    return dict(found["spec"])


def _pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_commands_exist(manifests: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSTILL_DISABLE", raising=False)
    group, found = build([])
    group.load()
    parent = click.Context(group, info_name="dstill", obj=found, **group.context_settings)
    entries = [found for row in manifests if (found := row.get("entrypoint") or row.get("spec", {}).get("entrypoint"))]
    assert [shlex.split(entry)[:3] for entry in entries] == [["dstill", "ray", "train"], ["dstill", "ray", "sweep"]]
    inner = group.commands["ray"]
    assert isinstance(inner, click.Group)
    for entry in entries:
        _, _, name, *words = shlex.split(entry)
        context = inner.commands[name].make_context(name, words, parent)  # every option and value is accepted
        assert context.params["run"] == "/runs/mine"


def test_every_pod_has_image_and_volume(job: dict[str, Any], manifests: list[dict[str, Any]]) -> None:
    claims = {row["metadata"]["name"]: row["spec"] for row in manifests if row.get("kind") == "PersistentVolumeClaim"}
    images = set()
    for pod in _pods(job):
        (container,) = pod["containers"]
        images.add(container["image"])
        (mount,) = container["volumeMounts"]
        assert f" {mount['mountPath']}/" in job["entrypoint"]
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
        assert "ReadWriteMany" in claims[volume["persistentVolumeClaim"]["claimName"]]["accessModes"]
    assert len(images) == 1


def test_workers_have_the_requested_resources(job: dict[str, Any]) -> None:
    words = shlex.split(job["entrypoint"])
    asked = {
        name: int(words[words.index(name) + 1]) for name in ("--workers", "--gpus-per-worker", "--cpus-per-worker")
    }
    (group,) = job["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    limits = container["resources"]["limits"]
    assert group["replicas"] == asked["--workers"]
    assert int(limits["nvidia.com/gpu"]) == asked["--gpus-per-worker"]
    assert int(limits["cpu"]) == asked["--cpus-per-worker"]


def test_ray_version_is_the_tested_one(page: str, root: Path, job: dict[str, Any]) -> None:
    job_text = (root / "deploy" / "ray-job.yaml").read_text()
    named = set(re.findall(r"(?:ray:|ray\[[a-z,]+\]==|dstill-ray:)(\d+\.\d+\.\d+)", page + job_text))
    constraints = (root / ".ci" / "constraints.txt").read_text()
    assert named == {job["rayClusterSpec"]["rayVersion"]} == set(re.findall(r"^ray==(.+)$", constraints, re.MULTILINE))


def test_extras_of_the_image_exist(page: str) -> None:
    extras = [name for found in re.findall(r"dstill\[([a-z,]+)\]", page) for name in found.split(",")]
    assert {"ray", "qlora"} <= set(extras) <= set(known_extras())
