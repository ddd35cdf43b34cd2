"""Connects to a PostgreSQL server, after checking its address and secrets, and says what is wrong if it cannot.

    connect(Engine(url="postgresql://127.0.0.1/shop", basic_auth_env="SHOP_LOGIN"), user="", plain=False)
    → psycopg.Connection, or ServiceError("cannot reach PostgreSQL at 127.0.0.1:5432", hint="is it running there, …")

The variables and files that the client library reads for itself (PGPASSWORD, ~/.pgpass, PGOPTIONS, …) do not count: a
project of somebody else could name a server that collects passwords. A connection to another machine needs TLS with a
certificate that is checked, unless the settings say otherwise (`plain`); even then no password is sent in clear text.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dstill.api.engine import Engine
from dstill.errors import AuthError, ConfigError, DstillError, ServiceError, UsageError, needs
from dstill.io.secrets import login
from dstill.io.urls import checked_url, is_loopback

__all__ = ["Address", "address_of", "connect", "library"]

FORM = "write it as postgresql://HOST:PORT/DATABASE"
_PORT = 5432
_OTHER = "answers, but is not PostgreSQL"
_ADDRESS_HINT = "is it running there, and does it listen on that address?"
_NO_TLS = "turn on TLS there (`ssl`), or --set executor.postgresql.plain=true if whoever is between may read along"
# Part of the client's message → what is wrong (empty: that it cannot be reached), and what to do. The first one counts.
_PROBLEMS = (
    ("expected authentication request", _OTHER, "check the port: PostgreSQL usually has 5432"),
    ("received invalid response to SSL negotiation", _OTHER, "check the port: PostgreSQL usually has 5432"),
    ("unsupported frontend protocol", "is too old", "dstill needs PostgreSQL 12 or newer"),
    ("does not support SSL", "", _NO_TLS),
    ("certificate verify failed", "cannot be trusted", "set engine.ca_certs to the file of the CA of its certificate"),
    (
        "does not match host name",
        "cannot be trusted",
        "its certificate is for another name: use that name in engine.url",
    ),
    ("timeout expired", "does not answer", "is it PostgreSQL, and can this machine reach it? See engine.timeout"),
    ("server closed the connection", "closed the connection", "is it PostgreSQL? If it is: does it ask for TLS?"),
    ("starting up", "is starting", "try again"),
    ("too many", "has no connection left", "close some, or raise max_connections there"),
    ("could not translate host name", "", "check the name of the host"),
)
_DENIALS = ("authentication", "no password supplied", "no pg_hba.conf entry", "role ", "permission denied for database")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a database is."""

    host: str
    port: int
    database: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def address_of(url: str) -> Address:
    """The parts of ``postgresql://HOST:PORT/DATABASE``. Raises ConfigError, UsageError."""
    if not url:
        raise UsageError("the executor 'postgresql' needs a server", where="engine.url", hint=f"--engine-url: {FORM}")
    parts = urlsplit(checked_url(url, where="engine.url", key=False, any_scheme=True))
    database = unquote(parts.path).removeprefix("/")
    if not parts.hostname or not database or "/" in database or "\0" in database:
        raise ConfigError("the address does not name one host and one database", where="engine.url", hint=FORM)
    return Address(host=parts.hostname, port=parts.port or _PORT, database=database)


def connect(engine: Engine, *, user: str, plain: bool) -> Any:
    """A new connection that commits each statement. Raises ConfigError, ServiceError, AuthError, MissingExtra."""
    psycopg = library()
    address = address_of(engine.url)
    named, password = _login(engine)
    try:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=address.database,
            user=user or named or getpass.getuser(),
            password=password,
            passfile="/dev/null/none",
            options="",
            application_name="dstill",
            client_encoding="UTF8",
            connect_timeout=max(2, int(engine.timeout)),
            target_session_attrs="any",
            gssencmode="disable",
            autocommit=True,
            prepare_threshold=None,  # a pooler may give the next statement another connection
            **_tls(engine.ca_certs, address, plain=plain),
        )
    except psycopg.Error as error:
        raise _problem(str(error), address) from None


def library() -> Any:
    """The package psycopg. Raises MissingExtra."""
    with needs("the executor postgresql", "postgresql"):
        import psycopg
    return psycopg


def _login(engine: Engine) -> tuple[str, str]:
    if engine.api_key_env or engine.api_key_file:
        raise ConfigError(
            "PostgreSQL has no API keys",
            where="engine.api_key_env" if engine.api_key_env else "engine.api_key_file",
            hint="set engine.basic_auth_env to the name of a variable that holds user:password",
        )
    return login(engine.basic_auth_env, "engine.basic_auth_env") if engine.basic_auth_env else ("", "")


def _tls(ca_certs: str, address: Address, *, plain: bool) -> dict[str, Any]:
    if ca_certs and plain:
        raise ConfigError("both ca_certs and plain are set", where="executor.postgresql.plain", hint="keep one of them")
    if ca_certs:
        if not Path(ca_certs).is_file():
            raise ConfigError(f"{ca_certs} is not a file", where="engine.ca_certs", hint="give the CA's certificate")
        return {"sslmode": "verify-full", "sslrootcert": ca_certs}
    if is_loopback(address.host):
        return {"sslmode": "prefer", "sslrootcert": "/dev/null/none"}
    if plain:
        return {"sslmode": "prefer", "sslrootcert": "/dev/null/none", "require_auth": "!password"}
    return {"sslmode": "verify-full", "sslrootcert": "system"}


def _problem(text: str, address: Address) -> DstillError:
    """The error for a message of the client library, which has no code for it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    cause = (lines[0] if lines else text).rpartition(" failed: ")[2][:200]
    if "does not exist" in cause and f'database "{address.database}"' in cause:
        return ServiceError(
            f"PostgreSQL at {address} has no database '{address.database}'", where="engine.url", hint="check its name"
        )
    for words, what, hint in _PROBLEMS:
        if words in text:
            known = f"the server at {address} {what}" if what else f"cannot reach PostgreSQL at {address}"
            return ServiceError(known, where=cause, hint=hint)
    if any(words in cause for words in _DENIALS):
        return AuthError(
            f"PostgreSQL at {address} refused the login",
            where=cause,
            hint="--set engine.basic_auth_env=NAME names a variable that holds user:password",
        )
    return ServiceError(f"cannot reach PostgreSQL at {address}", where=cause, hint=_ADDRESS_HINT)
