"""TLS and secrets against a real node: a proxy before it speaks TLS, and demands a key.

Nodes from Maven Central's jars have no security of their own, so the proxy stands for it: with
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


def opened(url: str, **settings: Any) -> str:
    """What answers there."""
    fingerprint = settings.pop("ca_fingerprint", "")
    with HttpEngine(Engine(url=url, **settings), ca_fingerprint=fingerprint) as engine:
        return str(engine.capabilities)


def problem_of(url: str, **settings: Any) -> DstillError:
    with pytest.raises(DstillError) as caught:
        opened(url, **settings)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3, lines  # what, where, what to do
    return caught.value


def test_a_ca_file_is_trusted(secured: EngineProxy, ca: Authority, tmp_path: Path) -> None:
    assert opened(secured.url, ca_certs=str(ca.file(tmp_path))).startswith("Elasticsearch ")


def test_a_fingerprint_is_trusted(secured: EngineProxy, ca: Authority) -> None:
    with_colons = ":".join(ca.fingerprint[n : n + 2] for n in range(0, 64, 2)).upper()
    for fingerprint in (ca.fingerprint, with_colons):
        assert opened(secured.url, ca_fingerprint=fingerprint).startswith("Elasticsearch ")


def test_data_is_loaded_and_searched_over_tls(secured: EngineProxy, ca: Authority) -> None:
    with HttpEngine(Engine(url=secured.url), writable=True, ca_fingerprint=ca.fingerprint) as engine:
        assert engine.index(INDEX, {}, [("1", {"level": "error"})]) == 1
        outcome = engine.search(INDEX, {"query": {"match": {"level": "error"}}})
    assert outcome.kind is OutcomeKind.OK
    assert [hit["_id"] for hit in outcome.raw["hits"]["hits"]] == ["1"]


def test_a_ca_that_nobody_knows_is_not_trusted(secured: EngineProxy) -> None:
    problem = problem_of(secured.url)
    assert isinstance(problem, ServiceError)
    assert problem.what == f"cannot trust the engine at {secured.url}"
    assert "engine.ca_certs" in problem.hint


def test_another_ca_is_not_trusted(secured: EngineProxy, tmp_path: Path) -> None:
    problem = problem_of(secured.url, ca_certs=str(Authority.make("other").file(tmp_path)))
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert "CERTIFICATE_VERIFY_FAILED" in problem.where


def test_another_fingerprint_is_not_trusted(secured: EngineProxy, ca: Authority) -> None:
    problem = problem_of(secured.url, ca_fingerprint=Authority.make("other").fingerprint)
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert ca.fingerprint in problem.where  # what it sent instead


def test_the_public_certificate_of_the_ca_is_not_enough(elasticsearch_url: str, ca: Authority, tmp_path: Path) -> None:
    """Whoever sees the CA's certificate can send it along; the fingerprint must hold for who signed."""
    impostor = Authority(Authority.make("ca").key, ca.certificate)
    with EngineProxy(elasticsearch_url, tls=impostor.server(tmp_path)) as proxy:
        problem = problem_of(proxy.url, ca_fingerprint=ca.fingerprint)
    assert isinstance(problem, ServiceError)
    assert "cannot trust" in problem.what
    assert not proxy.asked


@pytest.mark.parametrize("by", ["file", "fingerprint"])
def test_an_expired_certificate_is_not_trusted(elasticsearch_url: str, ca: Authority, tmp_path: Path, by: str) -> None:
    settings = {"ca_certs": str(ca.file(tmp_path))} if by == "file" else {"ca_fingerprint": ca.fingerprint}
    with EngineProxy(elasticsearch_url, tls=ca.server(tmp_path, expired=True)) as proxy:
        problem = problem_of(proxy.url, **settings)
    assert isinstance(problem, ServiceError)
    assert "certificate has expired" in problem.where
    assert "renew it" in problem.hint
    assert not proxy.asked


def test_a_certificate_for_another_name_is_not_trusted(secured: EngineProxy, ca: Authority, tmp_path: Path) -> None:
    elsewhere = secured.url.replace("127.0.0.1", "localhost")
    problem = problem_of(elsewhere, ca_certs=str(ca.file(tmp_path)))
    assert "for another name" in problem.hint


def test_tls_where_there_is_none_and_none_where_there_is(
    secured: EngineProxy, elasticsearch_url: str, ca: Authority
) -> None:
    assert "https://" in problem_of(secured.url.replace("https:", "http:")).hint
    to_plain = elasticsearch_url.replace("http:", "https:")
    assert "TLS" in problem_of(to_plain).hint
    assert "TLS" in problem_of(to_plain, ca_fingerprint=ca.fingerprint).hint


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
def test_settings_that_cannot_be(secured: EngineProxy, settings: dict[str, str], where: str) -> None:
    problem = problem_of(secured.url, **settings)
    assert isinstance(problem, ConfigError)
    assert problem.where == where


def test_a_ca_without_tls_is_a_mistake(elasticsearch_url: str) -> None:
    problem = problem_of(elasticsearch_url, ca_fingerprint="0" * 64)
    assert isinstance(problem, ConfigError)
    assert "plain http" in problem.what


# --- secrets ----------------------------------------------------------------------------


def test_a_key_is_sent_where_one_is_demanded(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", "dG95OnNlY3JldA==")
    monkeypatch.setenv("TOY_OLD_KEY", "b2xkOnNlY3JldA==")
    with EngineProxy(elasticsearch_url, authorization="ApiKey dG95OnNlY3JldA==") as proxy:
        assert opened(proxy.url, api_key_env="TOY_KEY").startswith("Elasticsearch ")
        for settings in ({}, {"api_key_env": "TOY_OLD_KEY"}):
            problem = problem_of(proxy.url, **settings)
            assert isinstance(problem, AuthError)
            assert "(401)" in problem.what
            assert "secret" not in str(problem)


def test_user_and_password_are_sent_where_they_are_demanded(
    elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = "reader:a password: with colons"
    monkeypatch.setenv("TOY_LOGIN", login)
    monkeypatch.setenv("TOY_OTHER", "reader:another")
    wanted = f"Basic {base64.b64encode(login.encode()).decode()}"
    with EngineProxy(elasticsearch_url, authorization=wanted) as proxy:
        assert opened(proxy.url, basic_auth_env="TOY_LOGIN").startswith("Elasticsearch ")
        problem = problem_of(proxy.url, basic_auth_env="TOY_OTHER")
    assert isinstance(problem, AuthError)
    assert "another" not in str(problem)


def test_a_key_without_the_privilege_is_told_which_one(elasticsearch_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
