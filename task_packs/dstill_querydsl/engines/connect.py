"""Creates the client for a server, after checking its address, secrets and limits.

    connect(Engine(url="http://127.0.0.1:9200"), Wire(permit=reads)) → elasticsearch.Elasticsearch

Sends no request, but reads the server's certificates if a fingerprint is set. Secrets come from environment variables
or from a file that only its owner can read, and never go over plain http to another machine.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from dstill.api.engine import Engine
from dstill.errors import ConfigError, needs
from dstill.io.secrets import Secret, login, value_of
from dstill.io.urls import checked_url, is_loopback
from dstill_querydsl.engines.node import CONNECTIONS, Wire, node_class
from dstill_querydsl.engines.tls import pinned

__all__ = ["GRACE", "connect"]

GRACE = 5.0  # seconds that a request may take longer than the engine's own timeout


def connect(engine: Engine, wire: Wire, ca_fingerprint: str = "") -> Any:
    """A client for `engine`. Raises ConfigError for an invalid address or secret, MissingExtra without the package."""
    with needs("searching", "elasticsearch"):
        from elasticsearch import Elasticsearch
    url = _address(engine.url)
    wire.max_seconds = engine.timeout + GRACE
    return Elasticsearch(
        f"{url.scheme}://{_host(url)}:{url.port or {'http': 80, 'https': 443}[url.scheme]}{url.path}",
        node_class=node_class(wire),
        connections_per_node=CONNECTIONS,
        request_timeout=engine.timeout + GRACE,
        max_retries=0,  # the client's own retries do not read Retry-After
        retry_on_timeout=False,
        **_secrets(engine, url),
        **_certificates(engine, url, ca_fingerprint),
    )


def _address(text: str) -> SplitResult:
    return urlsplit(checked_url(text, where="engine.url", key=False))


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    return f"[{host}]" if ":" in host else host


def _secrets(engine: Engine, url: SplitResult) -> dict[str, Any]:
    secrets: dict[str, Any] = {}
    if engine.api_key_env:
        secrets["api_key"] = value_of(engine.api_key_env, "engine.api_key_env")
    elif engine.api_key_file:
        secrets["api_key"] = Secret.from_file(Path(engine.api_key_file), "the engine").reveal()
    if engine.basic_auth_env:
        secrets["basic_auth"] = login(engine.basic_auth_env, "engine.basic_auth_env")
    if len(secrets) > 1:
        raise ConfigError("both api_key_env and basic_auth_env are set", where="engine", hint="keep one of them")
    if secrets and url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ConfigError(
            f"refused to send a key to {url.hostname} over plain http",
            where="engine.url",
            hint="use https (with ca_certs or ca_fingerprint if the server has its own CA)",
        )
    return secrets


def _certificates(engine: Engine, url: SplitResult, fingerprint: str) -> dict[str, Any]:
    if (engine.ca_certs or fingerprint) and url.scheme != "https":
        setting = "ca_certs" if engine.ca_certs else "ca_fingerprint"
        raise ConfigError(
            f"{setting} is set, but the engine's address is plain http",
            where="engine.url",
            hint="use https://HOST:PORT, or remove the setting",
        )
    if engine.ca_certs and fingerprint:
        raise ConfigError(
            "both ca_certs and ca_fingerprint are set",
            where="engine.ca_certs, executor.http.ca_fingerprint",
            hint="keep one of them",
        )
    if fingerprint:
        return {"ssl_context": pinned(url.hostname or "", url.port or 443, fingerprint, engine.timeout)}
    return {"ssl_context": _context(engine.ca_certs)} if engine.ca_certs else {}


def _context(file: str) -> ssl.SSLContext:
    hint = "give the CA's certificate in PEM format (http_ca.crt)"
    try:
        return ssl.create_default_context(cafile=file)
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist", where="engine.ca_certs", hint=hint) from None
    except OSError as error:  # includes ssl's errors
        message = f"{file} is not a readable certificate"
        raise ConfigError(message, where="engine.ca_certs", hint=f"{hint}; {error}"[:300]) from None
