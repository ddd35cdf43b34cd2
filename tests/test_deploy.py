"""The files in deploy/: they parse, name what exists, and the image's steps make a server that writes nothing.

The image itself is built where a container daemon runs, every night.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import click
import pytest
import yaml

from dstill.cli import build
from dstill.cli.extras import extras

TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture(scope="module")
def deploy(root: Path) -> Path:
    return root / "deploy"


@pytest.fixture(scope="module")
def steps(deploy: Path) -> list[tuple[str, str]]:
    """Instruction and words of each line of the Dockerfile, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (deploy / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def compose(deploy: Path) -> dict[str, Any]:
    """The compose file with values of variables."""
    text = (deploy / "compose.yaml").read_text().replace("${STUDENT:?see .env.example}", "../runs/mine")
    return dict(yaml.safe_load(re.sub(r"\$\{\w+:\?see .env.example\}", "name", text)))


@pytest.fixture(scope="module")
def manifests(deploy: Path) -> dict[str, dict[str, Any]]:
    return {row["kind"]: row for row in yaml.safe_load_all((deploy / "kubernetes.yaml").read_text())}


def _of(steps: list[tuple[str, str]], instruction: str) -> list[str]:
    return [words for name, words in steps if name == instruction]


def _accepted(words: Sequence[str]) -> dict[str, Any]:
    """The parameters of ``dstill serve …`` as click reads them."""
    group, found = build([])
    group.load()
    parent = click.Context(group, info_name="dstill", obj=found, **group.context_settings)
    assert words[0] == "serve"
    return group.commands["serve"].make_context("serve", list(words[1:]), parent).params


def test_dockerfile_passes_its_linter(deploy: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([linter, "--no-color", deploy / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


def test_image_runs_without_root_on_a_health_route(steps: list[tuple[str, str]]) -> None:
    from dstill_serve.auth import OPEN_PATHS

    [user] = _of(steps, "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    [health] = _of(steps, "HEALTHCHECK")
    [(port, route)] = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", health)
    assert route in OPEN_PATHS
    assert _of(steps, "EXPOSE") == [port]
    [command] = _of(steps, "CMD")
    assert str(_accepted(json.loads(command))["port"]) == port


def test_extras_of_the_image_exist(steps: list[tuple[str, str]]) -> None:
    chosen = next(words for words in _of(steps, "ARG") if words.startswith("EXTRAS=")).partition("=")[2].split(",")
    assert "serve" in chosen
    assert set(chosen) <= set(extras())


def test_context_has_what_the_image_copies(deploy: Path, steps: list[tuple[str, str]]) -> None:
    kept = (deploy / "Dockerfile.dockerignore").read_text().split()
    copied = [word for words in _of(steps, "COPY") if "--from" not in words for word in words.split()[:-1]]
    assert kept == ["*", *(f"!{file}" for file in copied)]


def test_compose_file_follows_the_specification(compose: dict[str, Any]) -> None:
    from compose_spec import PyCompose

    PyCompose.from_json(json.dumps(compose)).validate()


def test_compose_mounts_files_that_exist(deploy: Path, compose: dict[str, Any]) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", ())]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(files) >= 5
    assert [file for file in files if not (deploy / file).exists()] == []
    assert [mount for mount in mounts if mount.startswith("./") and not mount.endswith(":ro")] == []


def test_compose_variables_are_in_the_example(deploy: Path) -> None:
    used = set(re.findall(r"\$\{(\w+)", (deploy / "compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=", (deploy / ".env.example").read_text(), re.MULTILINE))
    assert used == given


def test_compose_publishes_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(ports) >= 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("engine", ["elasticsearch", "postgresql"])
def test_compose_student_is_locked_down_and_its_command_is_accepted(compose: dict[str, Any], engine: str) -> None:
    service = compose["services"][f"student-{engine}"]
    assert service["profiles"] == [engine] == compose["services"][engine]["profiles"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    given = _accepted(shlex.split(service["command"]))
    assert given["run"] == "/student"
    assert given["token_env"] in service["environment"]


def test_prometheus_asks_the_student_with_its_token(deploy: Path, compose: dict[str, Any]) -> None:
    [job] = yaml.safe_load((deploy / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    [secret] = compose["services"]["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert compose["secrets"][secret] == {"environment": "DSTILL_TOKEN"}
    [[target]] = [config["targets"] for config in job["static_configs"]]
    alias, _, port = target.partition(":")
    for service in (compose["services"][f"student-{engine}"] for engine in ("elasticsearch", "postgresql")):
        assert alias in service["networks"]["default"]["aliases"]
        assert f"127.0.0.1:{port}:{port}" in service["ports"]


def test_kubernetes_manifest_is_valid(manifests: dict[str, dict[str, Any]]) -> None:
    from kubernetes_validate import latest_version, validate

    for manifest in manifests.values():
        validate(manifest, latest_version(), strict=True)


def test_kubernetes_pod_is_locked_down_and_its_command_is_accepted(manifests: dict[str, dict[str, Any]]) -> None:
    from dstill_serve.auth import OPEN_PATHS

    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    given = _accepted(container["args"])
    variables = {variable["name"] for variable in container["env"]}
    assert given["token_env"] in variables
    assert all(word.partition("_env=")[2] in variables for word in container["args"] if "_env=" in word)
    [port] = container["ports"]
    assert given["port"] == port["containerPort"]
    [published] = manifests["Service"]["spec"]["ports"]
    assert published["targetPort"] == port["name"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in OPEN_PATHS
        assert container[probe]["httpGet"]["port"] == port["name"]


# --- every night -------------------------------------------------------------------------


def _healthy(address: str, alive: Any) -> dict[str, Any]:
    """The first reply of /healthz. Connections wait until the server is ready."""
    for _ in range(120):
        assert alive(), "the server ended"
        try:
            with urlopen(f"{address}/healthz", timeout=10) as reply:
                return dict(json.load(reply))
        except (URLError, OSError):
            time.sleep(1)
    raise AssertionError("it never listened")


def _answer(address: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    body = json.dumps({"question": "how many requests failed"}).encode()
    with urlopen(Request(f"{address}/v1/query", body, headers), timeout=60) as reply:
        return dict(json.load(reply))


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Fails if a file in `folder` was made, changed or removed."""

    def files() -> dict[str, tuple[int, int]]:
        return {str(file): (file.stat().st_mtime_ns, file.stat().st_size) for file in folder.rglob("*")}

    before = files()
    yield
    assert files() == before


@pytest.mark.nightly
@pytest.mark.slow
def test_steps_of_the_image_make_a_server(
    steps: list[tuple[str, str]], wheel: Path, root: Path, demo: Any, tmp_path: Path
) -> None:
    """Its RUN and CMD, as a script in a fresh environment: no torch, and nothing is written beside the environment."""
    inputs = tmp_path / "wheel"
    inputs.mkdir()
    for file in (wheel, root / ".ci" / "constraints.txt"):
        shutil.copy(file, inputs)
    [run] = _of(steps, "RUN")
    chosen = next(words for words in _of(steps, "ARG") if words.startswith("EXTRAS="))
    script = run.replace("/opt/dstill", f"{tmp_path}/venv").replace("/wheel", str(inputs))
    subprocess.run(["sh", "-euc", f"{chosen}; {script}"], check=True, timeout=1200)
    assert not list((tmp_path / "venv").glob("lib/python*/site-packages/torch"))

    [command] = _of(steps, "CMD")
    words = [str(demo.folder) if word == "/student" else word for word in json.loads(command)]
    words[words.index("0.0.0.0")] = "127.0.0.1"
    environment = {"PATH": os.environ["PATH"], "DSTILL_TOKEN": TOKEN, "PYTHONDONTWRITEBYTECODE": "1"}
    nobody = {"HOME": "/proc/nobody"}  # where nothing can be made
    with _read_only(demo.folder), _read_only(tmp_path):
        server = subprocess.Popen(
            [tmp_path / "venv" / "bin" / "dstill", *words, "--no-execute", "--port", "8917", "--json"],
            cwd=tmp_path,
            env={**environment, **nobody},
        )
        try:
            assert _healthy("http://127.0.0.1:8917", lambda: server.poll() is None)["model"] == "ready"
            assert _answer("http://127.0.0.1:8917")["ok"]
        finally:
            server.terminate()
            assert server.wait(30) == 0


@pytest.mark.nightly
@pytest.mark.slow
def test_image_is_built_and_serves(wheel: Path, root: Path, demo: Any, tmp_path: Path) -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode:
        pytest.skip("no container daemon")

    def docker(*words: object) -> str:
        ended = subprocess.run(["docker", *map(str, words)], capture_output=True, text=True, timeout=1800)
        assert ended.returncode == 0, ended.stderr[-2000:]
        return ended.stdout.strip()

    for file, folder in ((wheel, "dist"), (root / ".ci" / "constraints.txt", ".ci")):
        (tmp_path / folder).mkdir()
        shutil.copy(file, tmp_path / folder)
    docker("build", "--file", root / "deploy" / "Dockerfile", "--tag", "dstill-test", tmp_path)
    locked = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
    mount = ("--volume", f"{demo.folder}:/student:ro", "--env", f"DSTILL_TOKEN={TOKEN}", "--publish", "127.0.0.1::8000")
    command = ("serve", "/student", "--host", "0.0.0.0", "--token-env", "DSTILL_TOKEN", "--no-execute")
    name = docker("run", "--detach", *locked, *mount, "dstill-test", *command)
    try:
        address = f"http://{docker('port', name, '8000').splitlines()[0]}"
        running = lambda: docker("inspect", "--format", "{{.State.Running}}", name) == "true"  # noqa: E731
        assert _healthy(address, running)["model"] == "ready"
        assert _answer(address)["ok"]
    finally:
        docker("rm", "--force", name)
