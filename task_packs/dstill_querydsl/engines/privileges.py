"""What the configured key may do on a server, asked with a client that can ask nothing else.

    str(privileges(Engine(url=…, api_key_env="KEY"), capabilities, "logs"))
    → "can write (write, delete_index)"

Elasticsearch says it to every key. One without security has no such request; OpenSearch has none that
tells a key of its own rights to write, so that there it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from dstill.api.engine import Engine
from dstill_querydsl.engines.connect import connect
from dstill_querydsl.engines.node import Wire
from dstill_querydsl.engines.server_version import Capabilities

__all__ = ["Privileges", "privileges", "read_only_key"]

PATH = "/_security/user/_has_privileges"
NEEDED = ("read", "view_index_metadata")
WRITES = ("write", "create_index", "delete_index", "manage")  # of an index
CLUSTER = ("manage", "manage_security")
_JSON = {"accept": "application/json", "content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Privileges:
    writes: tuple[str, ...] | None  # what the key may do beside reading; None: cannot tell
    lacks: tuple[str, ...] = ()  # of what reading needs
    why: str = ""  # it cannot be told, or that it was not the server that said it

    def __str__(self) -> str:
        if self.why:
            return self.why
        may = f"can write ({', '.join(self.writes)})" if self.writes else "cannot write"
        return f"{may}; lacks {', '.join(self.lacks)}" if self.lacks else may


def privileges(settings: Engine, capabilities: Capabilities, index: str) -> Privileges:
    """Of the key on `index` (empty: on any index). Never raises for what the server says."""
    from elastic_transport import ApiError, TransportError

    if capabilities.product != "Elasticsearch":
        return _unknown(f"{capabilities.product} does not say it")
    permit = Wire(permit=lambda method, path: (method, path) == ("POST", PATH), plain=not capabilities.own)
    client = connect(settings, permit)
    asked = {"names": [index or "*"], "privileges": [*NEEDED, *WRITES], "allow_restricted_indices": False}
    try:
        reply = client.perform_request("POST", PATH, headers=_JSON, body={"cluster": list(CLUSTER), "index": [asked]})
        return _read(reply.body, index or "*")
    except ApiError as error:
        if error.meta.status == 400 and "no handler found" in str(error.body):
            return Privileges(writes=WRITES, why="there is no security on this server: whoever reaches it can write")
        return Privileges(
            writes=None, why=f"cannot tell whether the key can write: the server says {error.meta.status}"
        )
    except TransportError as error:
        return Privileges(writes=None, why=f"cannot tell whether the key can write: {str(error.message)[:100]}")
    finally:
        client.close()


def _read(reply: Any, name: str) -> Privileges:
    try:
        on_index: Mapping[str, bool] = reply["index"][name]
        on_cluster: Mapping[str, bool] = reply["cluster"]
    except (KeyError, TypeError):
        return _unknown("the server's reply has another form")
    may = [privilege for privilege in WRITES if on_index.get(privilege)]
    may += [f"cluster {privilege}" for privilege in CLUSTER if on_cluster.get(privilege)]
    return Privileges(writes=tuple(may), lacks=tuple(one for one in NEEDED if not on_index.get(one)))


def _unknown(why: str) -> Privileges:
    return Privileges(writes=None, why=f"cannot tell whether the key can write: {why}")


_ELASTICSEARCH = """\
A key that only reads, and ends after 30 days (asked as a user who may make keys):
  curl -u USER -X POST '{url}/_security/api_key' -H 'content-type: application/json' -d '
    {{"name": "dstill", "expiration": "30d", "role_descriptors": {{"dstill": {{"cluster": ["monitor"],
      "indices": [{{"names": ["{index}"], "privileges": ["read", "view_index_metadata"]}}]}}}}}}'
  export SEARCH_KEY=…    # "encoded" of the reply
and in dstill.toml:
  [engine]
  api_key_env = "SEARCH_KEY"    # the variable's name, never the key"""
_OPENSEARCH = """\
A role that only reads (asked as an administrator); map a user of its own to it, and give that user an end:
  curl -u USER -X PUT '{url}/_plugins/_security/api/roles/dstill' -H 'content-type: application/json' -d '
    {{"cluster_permissions": ["cluster:monitor/main"], "index_permissions": [{{"index_patterns": ["{index}"],
      "allowed_actions": ["read", "indices:admin/mappings/get", "indices:admin/validate/query"]}}]}}'
  export SEARCH_LOGIN=…    # user:password
and in dstill.toml:
  [engine]
  basic_auth_env = "SEARCH_LOGIN"    # the variable's name, never the password"""


def read_only_key(product: str, url: str, index: str) -> str:
    """How a person makes a key (OpenSearch: a role) that reads one index and nothing else."""
    text = _OPENSEARCH if product == "OpenSearch" else _ELASTICSEARCH
    return text.format(url=url.rstrip("/"), index=index or "YOUR-INDEX")
