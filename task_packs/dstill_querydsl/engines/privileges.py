"""Asks a server for the privileges of the configured key, with a client that can make no other request.

    str(privileges(Engine(url=…, api_key_env="KEY"), capabilities, "logs"))
    → "can write (write, delete_index)"

Elasticsearch tells every key its privileges, unless security is off. OpenSearch has no such request, so the answer
there is "cannot tell".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.engine import Engine
from dstill_querydsl.engines.connect import connect
from dstill_querydsl.engines.node import JSON, Wire
from dstill_querydsl.engines.server_version import Capabilities

__all__ = ["Privileges", "privileges", "read_only_key"]

PATH = "/_security/user/_has_privileges"
READ_RIGHTS = ("read", "view_index_metadata")
WRITE_RIGHTS = ("write", "create_index", "delete_index", "manage")  # on an index
CLUSTER = ("manage", "manage_security")


@dataclass(frozen=True, kw_only=True)
class Privileges:
    """The privileges of a key. ``str()`` is a sentence for people."""

    writes: tuple[str, ...] | None  # privileges beyond reading; None: unknown
    lacks: tuple[str, ...] = ()  # missing privileges that reading needs
    why: str = ""  # why they are unknown, or that the server has no security

    def __str__(self) -> str:
        if self.why:
            return self.why
        may = f"can write ({', '.join(self.writes)})" if self.writes else "cannot write"
        return f"{may}; lacks {', '.join(self.lacks)}" if self.lacks else may


def privileges(settings: Engine, capabilities: Capabilities, index: str, ca_fingerprint: str = "") -> Privileges:
    """The privileges of the configured key on `index` (empty: on any index). Never raises for a server's reply."""
    from elastic_transport import ApiError, TransportError

    if capabilities.product != "Elasticsearch":
        return _unknown(f"{capabilities.product} does not reveal it")
    permit = Wire(permit=lambda method, path: (method, path) == ("POST", PATH), plain=not capabilities.own)
    client = connect(settings, permit, ca_fingerprint)
    on_index = {"names": [index or "*"], "privileges": [*READ_RIGHTS, *WRITE_RIGHTS], "allow_restricted_indices": False}
    body = {"cluster": list(CLUSTER), "index": [on_index]}
    try:
        reply = client.perform_request("POST", PATH, headers=JSON, body=body)
        return _read(reply.body, index or "*")
    except ApiError as error:
        if error.meta.status == 400 and "no handler found" in str(error.body):
            return Privileges(writes=WRITE_RIGHTS, why="this server has no security: whoever reaches it can write")
        return _unknown(f"the server returned {error.meta.status}")
    except TransportError as error:
        return _unknown(str(error.message)[:100])
    finally:
        client.close()


def _read(reply: Any, name: str) -> Privileges:
    try:
        on_index: Mapping[str, bool] = reply["index"][name]
        on_cluster: Mapping[str, bool] = reply["cluster"]
    except (KeyError, TypeError):
        return _unknown("the server's reply has an unknown form")
    may = [privilege for privilege in WRITE_RIGHTS if on_index.get(privilege)]
    may += [f"cluster {privilege}" for privilege in CLUSTER if on_cluster.get(privilege)]
    return Privileges(writes=tuple(may), lacks=tuple(need for need in READ_RIGHTS if not on_index.get(need)))


def _unknown(why: str) -> Privileges:
    return Privileges(writes=None, why=f"cannot tell whether the key can write: {why}")


_ELASTICSEARCH = """\
To create a key that can only read and expires after 30 days, as a user who may create keys:
  curl -u USER -X POST '{url}/_security/api_key' -H 'content-type: application/json' -d '
    {{"name": "dstill", "expiration": "30d", "role_descriptors": {{"dstill": {{"cluster": ["monitor"],
      "indices": [{{"names": ["{index}"], "privileges": ["read", "view_index_metadata"]}}]}}}}}}'
  export SEARCH_KEY=…    # "encoded" from the reply
and in dstill.toml:
  [engine]
  api_key_env = "SEARCH_KEY"    # the variable's name, never the key"""
_OPENSEARCH = """\
To create a role that can only read, as an administrator (then map a separate, temporary user to it):
  curl -u USER -X PUT '{url}/_plugins/_security/api/roles/dstill' -H 'content-type: application/json' -d '
    {{"cluster_permissions": ["cluster:monitor/main"], "index_permissions": [{{"index_patterns": ["{index}"],
      "allowed_actions": ["read", "indices:admin/mappings/get", "indices:admin/validate/query"]}}]}}'
  export SEARCH_LOGIN=…    # user:password
and in dstill.toml:
  [engine]
  basic_auth_env = "SEARCH_LOGIN"    # the variable's name, never the password"""


def read_only_key(product: str, url: str, index: str) -> str:
    """Instructions to create a key (OpenSearch: a role) that can only read one index."""
    text = _OPENSEARCH if product == "OpenSearch" else _ELASTICSEARCH
    return text.format(url=url.rstrip("/"), index=index or "YOUR-INDEX")
