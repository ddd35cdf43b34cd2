"""TLS and secrets against a real node: a proxy before it speaks TLS, and demands a key.

Nodes from Maven Central's jars have no security of their own, so the proxy provides it: with
certificates made here, and with the answers that a secured Elasticsearch gives.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.engine_proxy import EngineProxy, refused

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill.errors import AuthError, ConfigError, DstillError, ServiceError
from dstill_querydsl.engines import HttpEngine

pytestmark = pytest.mark.live
INDEX = "dstill-tls"


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority.make("ca")


@pytest.fixture(scope="module")
def secured(elasticsearch_url: str, ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProxy]:
    with EngineProxy(elasticsearch_url, tls=ca.server(tmp_path_factory.mktemp("tls"))) as proxy:
        yield proxy


def product_at(url: str, **settings: Any) -> str:
    """What answers there."""
    fingerprint = settings.pop("ca_fingerprint", "")
    with HttpEngine(Engine(url=url, **settings), ca_fingerprint=fingerprint) as engine:
        return str(engine.capabilities)


def connection_error(url: str, **settings: Any) -> DstillError:
    with pytest.raises(DstillError) as caught:
        product_at(url, **settings)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3, lines  # what, where, what to do
    return caught.value


def test_trusts_ca_file(secured: EngineProxy, ca: Authority, tmp_path: Path) -> None:
    assert product_at(secured.url, ca_certs=str(ca.file(tmp_path))).startswith("Elasticsearch ")


def test_trusts_fingerprint(secured: EngineProxy, ca: Authority) -> None:
    with_colons = ":".join(ca.fingerprint[n : n + 2] for n in range(0, 64, 2)).upper()
    for fingerprint in (ca.fingerprint, with_colons):
        assert product_at(secured.url, ca_fingerprint=fingerprint).startswith("Elasticsearch ")


def test_loads_and_searches_data_over_tls(secured: EngineProxy, ca: Authority) -> None:
    with HttpEngine(Engine(url=secured.url), writable=True, ca_fingerprint=ca.fingerprint) as engine:
        assert engine.index(INDEX, {}, [("1", {"level": "error"})]) == 1
        outcome = engine.search(INDEX, {"query": {"match": {"level": "error"}}})
    assert outcome.kind is OutcomeKind.OK
    assert [hit["_id"] for hit in outcome.raw["hits"]["hits"]] == ["1"]


def test_rejects_unknown_ca(secured: EngineProxy) -> None:
    problem = connection_error(secured.url)
    assert isinstance(problem, ServiceError)
    assert problem.what == f"cannot trust the engine at {secured.url}"
    assert "engine.ca_certs" in problem.hint


def test_rejects_other_ca(secured: EngineProxy, tmp_path: Path) -> None:
    problem = connection_error(secured.url, ca_certs=str(Authority.make("other").file(tmp_path)))
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert "CERTIFICATE_VERIFY_FAILED" in problem.where


def test_rejects_other_fingerprint(secured: EngineProxy, ca: Authority) -> None:
    problem = connection_error(secured.url, ca_fingerprint=Authority.make("other").fingerprint)
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert ca.fingerprint in problem.where  # what it sent instead


def test_fingerprint_must_match_signing_certificate(elasticsearch_url: str, ca: Authority, tmp_path: Path) -> None:
    """Whoever sees the CA's certificate can send it along; the fingerprint must hold for who signed."""
    impostor = Authority(Authority.make("ca").key, ca.certificate)
    with EngineProxy(elasticsearch_url, tls=impostor.server(tmp_path)) as proxy:
        problem = connection_error(proxy.url, ca_fingerprint=ca.fingerprint)
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert not proxy.asked


@pytest.mark.parametrize("by", ["file", "fingerprint"])
def test_rejects_expired_certificate(elasticsearch_url: str, ca: Authority, tmp_path: Path, by: str) -> None:
    settings = {"ca_certs": str(ca.file(tmp_path))} if by == "file" else {"ca_fingerprint": ca.fingerprint}
    with EngineProxy(elasticsearch_url, tls=ca.server(tmp_path, expired=True)) as proxy:
        problem = connection_error(proxy.url, **settings)
    assert isinstance(problem, ServiceError)
    assert "certificate has expired" in problem.where
    assert "renew it" in problem.hint
    assert not proxy.asked


def test_rejects_certificate_for_other_name(secured: EngineProxy, ca: Authority, tmp_path: Path) -> None:
    elsewhere = secured.url.replace("127.0.0.1", "localhost")
    problem = connection_error(elsewhere, ca_certs=str(ca.file(tmp_path)))
    assert "for another name" in problem.hint


def test_reports_tls_mismatch(secured: EngineProxy, elasticsearch_url: str, ca: Authority) -> None:
    assert "https://" in connection_error(secured.url.replace("https:", "http:")).hint
    to_plain = elasticsearch_url.replace("http:", "https:")
    assert "TLS" in connection_error(to_plain).hint
    assert "TLS" in connection_error(to_plain, ca_fingerprint=ca.fingerprint).hint


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"ca_fingerprint": "abc"}, "executor.http.ca_fingerprint"),
        ({"ca_fingerprint": "z" * 64}, "executor.http.ca_fingerprint"),
        ({"ca_certs": "/no/such/file"}, "engine.ca_certs"),
        ({"ca_certs": __file__}, "engine.ca_certs"),
        ({"ca_certs": __file__, "ca_fingerprint": "0" * 64}, "engine.ca_certs, executor.http.ca_fingerprint"),
    ],
)
def test_refuses_contradictory_settings(secured: EngineProxy, settings: dict[str, str], where: str) -> None:
    problem = connection_error(secured.url, **settings)
    assert isinstance(problem, ConfigError)
    assert problem.where == where


def test_refuses_ca_without_tls(elasticsearch_url: str) -> None:
    problem = connection_error(elasticsearch_url, ca_fingerprint="0" * 64)
    assert isinstance(problem, ConfigError)
    assert "plain http" in problem.what


# --- secrets ----------------------------------------------------------------------------


def test_sends_required_key(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", "dG95OnNlY3JldA==")
    monkeypatch.setenv("TOY_OLD_KEY", "b2xkOnNlY3JldA==")
    with EngineProxy(elasticsearch_url, authorization="ApiKey dG95OnNlY3JldA==") as proxy:
        assert product_at(proxy.url, api_key_env="TOY_KEY").startswith("Elasticsearch ")
        for settings in ({}, {"api_key_env": "TOY_OLD_KEY"}):
            problem = connection_error(proxy.url, **settings)
            assert isinstance(problem, AuthError)
            assert "(401)" in problem.what
            assert "secret" not in str(problem)


def test_sends_required_user_and_password(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    login = "reader:a password: with colons"
    monkeypatch.setenv("TOY_LOGIN", login)
    monkeypatch.setenv("TOY_OTHER", "reader:another")
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}"
    with EngineProxy(elasticsearch_url, authorization=wanted) as proxy:
        assert product_at(proxy.url, basic_auth_env="TOY_LOGIN").startswith("Elasticsearch ")
        problem = connection_error(proxy.url, basic_auth_env="TOY_OTHER")
    assert isinstance(problem, AuthError)
    assert "another" not in str(problem)


def test_names_missing_privilege_of_key(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that may not read the index: its name, and the privilege that is missing."""
    monkeypatch.setenv("TOY_KEY", "dG95OnNlY3JldA==")
    denied = (
        "action [indices:data/read/search] is unauthorized for API key id [toy] of user [me] on indices [logs], "
        "this action is granted by the index privileges [read,all]"
    )
    with (
        EngineProxy(elasticsearch_url, authorization="ApiKey dG95OnNlY3JldA==") as proxy,
        HttpEngine(Engine(url=proxy.url, api_key_env="TOY_KEY")) as engine,
    ):
        proxy.next("_search", refused(403, "security_exception", denied))
        with pytest.raises(AuthError) as caught:
            engine.search("logs", {})
        proxy.next("_search", refused(401, "security_exception", "api key is expired"))
        with pytest.raises(AuthError, match="expired"):
            engine.search("logs", {})
    assert caught.value.exit_code == 6
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0] == "the engine refused searching 'logs' (403)"
    assert "index privileges [read,all]" in lines[1]
    assert "privilege" in lines[2]
