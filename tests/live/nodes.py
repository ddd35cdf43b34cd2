"""Real Elasticsearch and OpenSearch nodes on loopback, from the jars of Maven Central.

    node = start("elasticsearch", folder)      # 4 to 10 seconds
    node.url                                   # http://127.0.0.1:40311
    node.stop()

No Docker and no distribution: Maven fetches the jars into the user's own ``~/.m2``, `javac`
compiles the launcher next to this file against them, and `java` runs it. The class path and
the classes are cached under ``build/live``. A node ends with the process that
started it, and removes its data. Without what it needs, `start` raises `Missing`, saying what.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["PRODUCTS", "RELEASES", "Failed", "Jdk", "Missing", "Node", "Release", "jdks", "release_for", "start"]

HERE = Path(__file__).parent
BUILD = HERE.parent.parent / "build" / "live"
START = 240.0  # seconds until a node answers, or its launcher is compiled: three of them on two cores are slow
FETCH = 600.0  # seconds for Maven, the first time
DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"


class Missing(Exception):
    """Something on this machine that a node needs; says what."""


class Failed(Exception):
    """A node that should have started and did not; holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Release:
    product: str
    version: str
    jdk: int  # the oldest that runs it
    jars: tuple[str, ...]  # group:artifact:version
    launcher: str  # file next to this one
    main: str


def _elasticsearch(version: str, jdk: int) -> Release:
    return Release(
        product="elasticsearch",
        version=version,
        jdk=jdk,
        jars=(f"org.elasticsearch:elasticsearch:{version}", f"org.elasticsearch.plugin:transport-netty4:{version}"),
        launcher="ElasticsearchNode.java",
        main="org.elasticsearch.node.ElasticsearchNode",
    )


def _opensearch(version: str, jdk: int, log4j: str) -> Release:
    modules = (
        "transport-netty4-client",
        "analysis-common",
        "lang-painless",
        "mapper-extras-client",
        "parent-join-client",
        "percolator-client",
        "aggs-matrix-stats-client",
        "geo",
    )
    return Release(
        product="opensearch",
        version=version,
        jdk=jdk,
        jars=(
            f"org.opensearch:opensearch:{version}",
            *(f"org.opensearch.plugin:{name}:{version}" for name in modules),
            f"org.apache.logging.log4j:log4j-core:{log4j}",  # the server leaves it out, and needs it
        ),
        launcher="OpenSearchNode.java",
        main="OpenSearchNode",
    )


# Of each product the newest first; an older one if the machine has an older JDK only.
RELEASES = (
    _elasticsearch("9.2.0", 21),
    _elasticsearch("8.19.5", 17),
    _opensearch("3.8.0", 21, "2.25.4"),
    _opensearch("2.19.6", 17, "2.25.4"),
)
PRODUCTS = tuple(dict.fromkeys(release.product for release in RELEASES))


# --- what the machine has ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, order=True)
class Jdk:
    version: int
    home: Path

    def tool(self, name: str) -> str:
        return str(self.home / "bin" / name)


@cache
def jdks() -> list[Jdk]:
    """Every JDK on this machine, the oldest first, asked for its version."""
    found = set()
    for home in {home.resolve() for home in _homes() if (home / "bin" / "javac").is_file()}:
        try:
            said = subprocess.run([home / "bin" / "javac", "-version"], capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if match := re.search(r"javac (\d+)", said.stdout + said.stderr):
            found.add(Jdk(version=int(match[1]), home=home))
    return sorted(found)


def _homes() -> Iterator[Path]:
    """Folders that may be a JDK's: from the environment, the usual places, and what is on PATH."""
    for name, value in os.environ.items():
        if name.startswith("JAVA_HOME") and value:  # CI images also set JAVA_HOME_21_X64 and the like
            yield Path(value)
    yield from Path("/usr/lib/jvm").glob("*")
    yield from Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home")
    if java := shutil.which("javac"):
        yield Path(java).resolve().parent.parent


def release_for(product: str, version: str | None = None) -> tuple[Release, Jdk]:
    """The newest release of `product` (or that one) that a JDK of this machine runs. Raises Missing."""
    there = jdks()
    for release in RELEASES:
        if release.product == product and version in (None, release.version):
            # The oldest that suffices: a JDK newer than the server may have lost what it uses.
            for jdk in there:
                if jdk.version >= release.jdk:
                    return release, jdk
    have = ", ".join(str(jdk.version) for jdk in there) or "none"
    raise Missing(f"no JDK that runs {product} (17, for the newest 21; found: {have})")


# --- building ---------------------------------------------------------------------------


def _class_path(release: Release) -> str:
    """The jars of a release with all that they need, fetched by Maven. Raises Missing."""
    folder = BUILD / f"{release.product}-{release.version}"
    listed = folder / f"class-path-{_hash(*release.jars)}"
    if listed.is_file():
        jars = listed.read_text()
        if all(os.path.isfile(jar) for jar in jars.split(os.pathsep)):
            return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise Missing("no mvn (Maven), which fetches the jars of a real engine")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(_pom(release))
    command = [maven, "--batch-mode", "--quiet", DEPENDENCIES, f"-Dmdep.outputFile={listed}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH)
    if done.returncode != 0:
        raise Missing(f"Maven could not fetch {release.product} {release.version}: {done.stdout[-500:]}")
    return listed.read_text()


def _pom(release: Release) -> str:
    parts = (jar.split(":") for jar in release.jars)
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in parts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>live</groupId><artifactId>node</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


def _classes(release: Release, jdk: Jdk, class_path: str) -> Path:
    """The compiled launcher."""
    source = HERE / release.launcher
    key = _hash(source.read_text(), str(jdk.version), class_path)
    folder = BUILD / f"{release.product}-{release.version}" / f"classes-{key}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            part = Path(temporary) / "classes"
            command = [jdk.tool("javac"), "-nowarn", "-proc:none", "-cp", class_path, "-d", str(part), str(source)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=START)
            if done.returncode != 0:
                raise Failed(f"the launcher of {release.product} does not compile: {done.stderr[-2000:]}")
            with contextlib.suppress(OSError):  # another worker was quicker
                part.rename(folder)
    return folder


def _hash(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


# --- running ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Node:
    release: Release
    url: str
    process: subprocess.Popen[bytes]
    home: Path
    seconds: float  # until it answered

    def stop(self) -> None:
        """End it; its data goes with it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)  # where it had no time to


def start(
    product: str,
    folder: Path,
    *,
    version: str | None = None,
    port: int = 0,
    parent: int | None = None,
    heap: str = "512m",  # four nodes run at once in the tests
) -> Node:
    """Start a node and wait until it answers. Raises Missing, Failed.

    It lives no longer than the process `parent` (default: this one); data and log lie in `folder`.
    """
    release, jdk = release_for(product, version)
    class_path = _class_path(release)
    classes = _classes(release, jdk, class_path)
    home, ready, log = folder / f"{product}-data", folder / f"{product}-port", folder / f"{product}.log"
    home.mkdir(parents=True)
    command = [
        jdk.tool("java"), "-Xms128m", f"-Xmx{heap}", "-XX:MaxDirectMemorySize=256m",
        # G1 as in a real installation: on it the parent breaker collects garbage before it refuses a request.
        "-XX:+UseG1GC", "-XX:TieredStopAtLevel=1",
        *(["--enable-native-access=ALL-UNNAMED"] if jdk.version >= 21 else []),
        "-cp", f"{classes}{os.pathsep}{class_path}", release.main,
        str(home), str(port), str(ready), str(parent or os.getpid()),
    ]  # fmt: skip
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    while not ready.exists():
        if process.poll() is not None or time.monotonic() - began > START:
            process.kill()
            process.wait()
            raise Failed(f"{product} {release.version} did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    url = f"http://127.0.0.1:{ready.read_text()}"
    return Node(release=release, url=url, process=process, home=home, seconds=time.monotonic() - began)
