"""Settings of the teacher ``openai``."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.loopback_teacher import LoopbackTeacher, answer, error
from support.openai_asking import ask, opened

from dstill.api.records import Price
from dstill.config import Generate
from dstill.errors import AuthError, ConfigError, ServiceError
from dstill.io.urls import checked_url, is_local
from dstill.teacher.cost import caps

LOCAL = "http://127.0.0.1:9/v1"


def test_unset_or_empty_key_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable and the teacher that needs it; its value is not shown."""
    monkeypatch.delenv("MY_KEY", raising=False)
    cases = {None: "is not set", "": "is empty", "  ": "is empty", "sk-abc\n": "holds a line break", "sk-ä": "holds"}
    for value, problem in cases.items():
        if value is not None:
            monkeypatch.setenv("MY_KEY", value)
        with pytest.raises(ConfigError) as caught:
            opened(LOCAL, api_key_env="MY_KEY")
        assert caught.value.exit_code == 2
        assert f"environment variable MY_KEY {problem}" in caught.value.what
        assert "the teacher 'openai' needs it" in caught.value.what
        assert "sk-" not in str(caught.value)


def test_key_file_precedes_the_variable_and_is_named_if_refused(key: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-of-the-file\n")
    with pytest.raises(ConfigError, match="others than its owner"):
        opened(LOCAL, api_key_file=str(path))
    path.chmod(0o600)
    with LoopbackTeacher(script=[answer("yes"), error(401, "bad key sk-of-the-file")]) as server:
        ask(opened(server.base_url, api_key_file=str(path)))
        assert server.keys == ["Bearer sk-of-the-file"]
        with pytest.raises(AuthError, match=r"key rejected by 127.0.0.1:\d+ \(file .*key\): bad key \*\*\*"):
            ask(opened(server.base_url, api_key_file=str(path)))


def test_unsafe_base_url_is_refused(key: str) -> None:
    """Addresses that must not get a key."""
    cases = {
        "file:///etc/passwd": "file: is not http or https",
        "ftp://example.org/v1": "ftp: is not http or https",
        "https://user:hunter22@example.org/v1": "it holds a user or password",
        "https://hunter22@example.org/v1": "it holds a user or password",
        "http://example.org/v1": "the key would cross a public network in clear text",
        "http://8.8.8.8/v1": "the key would cross a public network in clear text",
        "http://134744072/v1": "the key would cross a public network in clear text",
        "http://[::ffff:8.8.8.8]/v1": "the key would cross a public network in clear text",
        "http://127.0.0.1.example.org/v1": "the key would cross a public network in clear text",
        "example.org/v1": "it does not begin with http",
        "//example.org/v1": "it does not begin with http",
        "": "it does not begin with http",
        "https://": "it names no host",
        "https://example.org:many/v1": "port",
        "https://[::1/v1": "invalid IPv6",
        "https://example.org/v1 \n": "space or a control character",
        "https://example.org/v1?key=1": "query or fragment",
        "http://[::1]evil.example:9200/v1": "next to an address in brackets",
        "http://evil.example[::1]:80/v1": "next to an address in brackets",
        "http://[::1][::1]/v1": "next to an address in brackets",
        "http://evil．example/v1": "not a plain name",
        "http://evil。example/v1": "not a plain name",
        "http://127。0。0。1/v1": "not a plain name",
        "http://localhost./v1": "not a plain name",
        "http://[fe80::1%25eth0]/v1": "not a plain name",
        "http://localhost\\.evil.example/v1": "not a plain name",
        "http://EVIL.EXAMPLE/v1": "the key would cross a public network in clear text",
        "http://0x08.0x08.0x08.0x08/v1": "the key would cross a public network in clear text",
    }
    for url, reason in cases.items():
        with pytest.raises(ConfigError) as caught:
            opened(url)
        assert caught.value.exit_code == 2
        assert reason in caught.value.what
        assert caught.value.where == "teacher.openai.base_url"
        assert "hunter22" not in str(caught.value)


def test_key_of_a_file_needs_a_safe_url_too(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-of-the-file")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="the key would cross a public network in clear text"):
        opened("http://example.org/v1", api_key_env="", api_key_file=str(path))


def test_safe_urls_are_accepted(key: str) -> None:
    for url in (
        "https://api.openai.com/v1",
        LOCAL,
        "http://[::1]:8000/v1",
        "http://localhost/v1",
        "http://vllm:8000/v1",
    ):
        opened(url + "/")
    assert checked_url("http://example.org/v1/", where="", key=False) == "http://example.org/v1"


@pytest.mark.parametrize("host", ["192.168.1.5", "10.0.0.1", "fe80::1", "gpu-box.lan", "gpu", "::ffff:127.0.0.1"])
def test_private_network_hosts_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_server_bypasses_the_proxy(
    key: str, host: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a loopback server must not leave this machine."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with LoopbackTeacher() as server, LoopbackTeacher() as proxy:
        monkeypatch.setenv(variable, proxy.base_url.removesuffix("/v1"))
        assert ask(opened(server.base_url.replace("127.0.0.1", host))).text
        assert proxy.keys == []
        assert server.keys == [f"Bearer {key}"]


def test_clear_text_key_stays_on_the_private_network(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy may be on another network; without a key it is allowed."""
    with LoopbackTeacher() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        ask(opened("http://gpu.internal/v1", api_key_env=""))
        assert proxy.keys == ["Bearer none"]
        with pytest.raises(ServiceError):
            ask(opened("http://gpu.internal/v1", max_retries=0))
        assert proxy.keys == ["Bearer none"]


def test_sdk_environment_variables_apply_to_openai_only(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "hunter22")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-One: hunter22\nX-Two: hunter22")
    with LoopbackTeacher() as server:
        ask(opened(server.base_url))
        assert "hunter22" not in str(server.headers)
        assert key in str(server.headers)


def test_model_must_be_named(key: str) -> None:
    with pytest.raises(ConfigError, match="no model is set"):
        opened(LOCAL, model="")


# --- prices -----------------------------------------------------------------------------

OPENAI = "https://api.openai.com/v1"


def test_listed_price_is_that_of_the_provider_at_the_address(key: str) -> None:
    listed = Price(prompt=0.4, completion=1.6)
    assert opened(OPENAI, model="gpt-4.1-mini").price == listed
    assert opened("https://mine.openai.azure.com/openai/v1", model="gpt-4.1-mini").price == listed
    assert opened("https://gateway.example/v1", model="gpt-4.1-mini").price is None
    assert opened(OPENAI, model="nobody-s-model").price is None
    assert opened(LOCAL, model="gpt-4.1-mini").price is None  # your own server, or a gateway: see `price_of`


def test_prices_of_the_user_come_first(key: str) -> None:
    own = {"gpt-4.1-mini": (1.0, 2.0)}
    assert opened(OPENAI, model="gpt-4.1-mini", prices=own).price == Price(prompt=1.0, completion=2.0)
    given = opened(LOCAL, model="our-deployment", price_of="openai:gpt-4.1-mini").price
    assert given == Price(prompt=0.4, completion=1.6)


@pytest.mark.parametrize(
    ("named", "problem"),
    [
        ("opanai:gpt-4.1-mini", "no provider 'opanai'. Did you mean 'openai'?"),
        ("openai:gtp-4.1-mini", "no model 'gtp-4.1-mini' of openai. Did you mean 'gpt-4.1-mini'?"),
        ("gpt-4.1-mini", "no provider 'gpt-4.1-mini'"),
    ],
)
def test_price_of_an_unlisted_model_is_refused(named: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(LOCAL, api_key_env="", price_of=named)
    assert problem in caught.value.what
    assert caught.value.where == "teacher.openai.price_of"


def test_cap_in_dollars_needs_no_price_of_the_user(key: str) -> None:
    teacher = opened(OPENAI, model="gpt-4.1-mini")
    assert caps(Generate(max_usd=1.0), teacher).max_usd == 1.0
    with pytest.raises(ConfigError, match="no price for model 'nobody-s-model'"):
        caps(Generate(max_usd=1.0), opened(OPENAI, model="nobody-s-model"))
