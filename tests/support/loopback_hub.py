"""A real HTTP server on loopback with the part of the Hugging Face hub's API that dstill uses.

    with LoopbackHub() as hub:
        hub.url                                                   # http://127.0.0.1:PORT, for HF_ENDPOINT
        hub.put("datasets/acme/logs", {"data/train.jsonl": b"…"}) # a commit, as somebody else makes it
        hub.repos["acme/student"].files                           # name → content, of the newest commit

Repositories are called as in an address: ``acme/student`` is a model, ``datasets/acme/logs`` a data set. A request
without the token sees public repositories only, and writes nothing. `fail` may name requests that end with a status:
``hub.fail = {"commit datasets/acme/logs": 503}``. `hub.seen` are the requests, `hub.tokens` the keys that came.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from huggingface_hub.repocard import RepoCard

__all__ = ["LoopbackHub", "Repository"]

TOKEN = "hf_" + "loopback" * 4
LARGE = (".safetensors", ".bin", ".gguf", ".parquet", ".arrow")  # go through Git LFS
_REPO = r"(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)"


@dataclass
class Repository:
    """Its commits, oldest first: hash → name → content."""

    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        return next(reversed(self.commits.values())) if self.commits else {}

    @property
    def head(self) -> str:
        return next(reversed(self.commits))

    def commit(self, changes: Mapping[str, bytes], message: str = "") -> str:
        files = {**self.files, **changes}
        said = json.dumps([len(self.commits), {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}])
        sha = hashlib.sha1(said.encode()).hexdigest()
        self.commits[sha] = files
        self.messages.append(message)
        return sha


class LoopbackHub:
    def __init__(self, *, token: str = TOKEN) -> None:
        self.token = token
        self.repos: dict[str, Repository] = {}
        self.stored: dict[str, bytes] = {}  # sha256 → content in LFS
        self.uploads: list[str] = []  # sha256 of what was sent to LFS
        self.fail: dict[str, int] = {}
        self.seen: list[str] = []
        self.tokens: set[str] = set()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, name: str, files: Mapping[str, bytes | str], **about: Any) -> str:
        """A new commit; returns its hash."""
        repo = self.repos.setdefault(name, Repository(**about))
        return repo.commit({path: data.encode() if isinstance(data, str) else data for path, data in files.items()})


class _Refused(Exception):
    def __init__(self, status: int, message: str = "", code: str = "", **more: str) -> None:
        self.status, self.message, self.code, self.more = status, message, code, more


class _Handler(BaseHTTPRequestHandler):
    server_hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        if key := self.headers.get("authorization"):
            self.server_hub.tokens.add(key.removeprefix("Bearer "))
        try:
            status, headers, content = 200, {}, self._found(urlsplit(self.path).path)
            if isinstance(content, tuple):
                headers, content = content
        except _Refused as error:
            status, content = error.status, json.dumps({"error": error.message, **error.more}).encode()
            headers = {"x-error-code": error.code, "x-error-message": error.message}
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers = {"content-type": "application/json", **headers}
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _found(self, path: str) -> Any:
        for pattern, handle in _ROUTES:
            if match := re.fullmatch(pattern, unquote(path)):
                found = match.groupdict()
                name = found.get("name", "")
                repo = f"datasets/{name}" if (found.get("kind") or "").startswith("datasets") else name
                what = f"{handle.__name__.strip('_')} {repo}".strip()
                self.server_hub.seen.append(f"{self.command} {what}")
                if status := self.server_hub.fail.get(what):
                    raise _Refused(status, "this fails on purpose")
                found["repo"] = repo
                return handle(self, found)
        raise _Refused(404, f"no route {self.command} {path}")

    # --- what it answers ----------------------------------------------------------------

    def _writes(self) -> None:
        if self.headers.get("authorization") != f"Bearer {self.server_hub.token}":
            raise _Refused(401, "Invalid username or password.")

    def _repo(self, name: str) -> Repository:
        repo, known = (
            self.server_hub.repos.get(name),
            self.headers.get("authorization") == f"Bearer {self.server_hub.token}",
        )
        if repo is None or (repo.private and not known):
            raise _Refused(404 if known else 401, "Repository not found", "RepoNotFound")
        if repo.gated and not known:
            raise _Refused(403, "Access to it is restricted", "GatedRepo")
        return repo

    def _commit(self, repo: Repository, revision: str) -> str:
        if revision in ("main", "") and repo.commits:
            return repo.head
        if revision not in repo.commits:
            raise _Refused(404, "Revision not found", "RevisionNotFound")
        return revision

    def info(self, found: dict[str, str]) -> Any:
        repo = self._repo(found["repo"])
        sha = self._commit(repo, found.get("revision") or "main") if repo.commits else None
        files = [{"rfilename": n, "size": len(data)} for n, data in (repo.commits[sha] if sha else {}).items()]
        return {"id": found["name"], "sha": sha, "private": repo.private, "siblings": files, "tags": [], "downloads": 0}

    def tree(self, found: dict[str, str]) -> Any:
        repo = self._repo(found["repo"])
        files = repo.commits[self._commit(repo, found["revision"])]
        return [
            {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for name, data in files.items()
        ]

    def file(self, found: dict[str, str]) -> Any:
        repo = self._repo(found["repo"])
        sha = self._commit(repo, found["revision"])
        data = repo.commits[sha].get(found["path"])
        if data is None:
            raise _Refused(404, "Entry not found", "EntryNotFound")
        return {"etag": f'"{hashlib.sha1(data).hexdigest()}"', "x-repo-commit": sha}, data

    def create(self, found: dict[str, str]) -> Any:
        self._writes()
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] == "others":
            raise _Refused(403, "You don't have the rights to create a repository in 'others'.")
        name = f"datasets/{name}" if asked.get("type") == "dataset" else name
        if name in self.server_hub.repos:
            raise _Refused(409, "You already created this repo", url=f"{self.server_hub.url}/{name}")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.server_hub.repos[name] = Repository(private=private)
        self.server_hub.repos[name].commit({".gitattributes": b""})
        return {"url": f"{self.server_hub.url}/{name}"}

    def yaml(self, found: dict[str, str]) -> Any:
        metadata: Any = RepoCard(json.loads(self.body)["content"]).data
        return {"errors": [] if metadata.to_dict() else [{"message": "no metadata"}], "warnings": []}

    def preupload(self, found: dict[str, str]) -> Any:
        self._writes()
        files = self._repo(found["repo"]).files
        return {"files": [self._upload_mode(one["path"], files) for one in json.loads(self.body)["files"]]}

    def _upload_mode(self, path: str, files: Mapping[str, bytes]) -> Any:
        large, data = path.endswith(LARGE), files.get(path)
        oid = None
        if data is not None:
            oid = (
                hashlib.sha256(data).hexdigest() if large else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            )
        return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid}

    def batch(self, found: dict[str, str]) -> Any:
        self._writes()
        objects = []
        for one in json.loads(self.body)["objects"]:
            upload = {"href": f"{self.server_hub.url}/upload/{one['oid']}"}
            there = one["oid"] in self.server_hub.stored
            objects.append({**one, **({} if there else {"actions": {"upload": upload}})})
        return {"transfer": "basic", "objects": objects}

    def upload(self, found: dict[str, str]) -> Any:
        assert hashlib.sha256(self.body).hexdigest() == found["oid"]
        self.server_hub.stored[found["oid"]] = self.body
        self.server_hub.uploads.append(found["oid"])
        return {}

    def commit(self, found: dict[str, str]) -> Any:
        self._writes()
        repo, changes, message = self._repo(found["repo"]), {}, ""
        for line in self.body.splitlines():
            one = json.loads(line)
            value = one["value"]
            if one["key"] == "header":
                message = value["summary"]
            elif one["key"] == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif one["key"] == "lfsFile":
                changes[value["path"]] = self.server_hub.stored[value["oid"]]
            else:
                raise _Refused(400, f"not expected: {one['key']}")
        sha = repo.commit(changes, message)
        return {"commitUrl": f"{self.server_hub.url}/{found['repo']}/commit/{sha}", "commitOid": sha}


_ROUTES = [
    (r"/api/repos/create", _Handler.create),
    (r"/api/validate-yaml", _Handler.yaml),
    (rf"/api/{_REPO}", _Handler.info),
    (rf"/api/{_REPO}/revision/(?P<revision>.+)", _Handler.info),
    (rf"/api/{_REPO}/tree/(?P<revision>.+)", _Handler.tree),
    (rf"/api/{_REPO}/preupload/(?P<revision>.+)", _Handler.preupload),
    (rf"/api/{_REPO}/commit/(?P<revision>.+)", _Handler.commit),
    (r"/upload/(?P<oid>[0-9a-f]{64})", _Handler.upload),
    (r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _Handler.batch),
    (r"/(?P<kind>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler.file),
]
