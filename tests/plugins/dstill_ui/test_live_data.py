"""Questions about data that somebody names on the start page: a real database and a real server, asked by the bases."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support import served
from tests.plugins.dstill_ui.conftest import TOKEN, Client

from dstill import plugins
from dstill.cli.options import App
from dstill.io.secrets import Secret
from dstill_querydsl.engines import EmbeddedEngine, HttpEngine
from dstill_ui.access import Access
from dstill_ui.serving import listening, opened

MAPPING = {"properties": {"city": {"type": "keyword"}, "weight": {"type": "long"}}}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The address of a database with three orders, two of them from Oslo."""
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT, price REAL)")
        rows = [(1, "Oslo", 5.0), (2, "Oslo", 7.5), (3, "Turku", 9.0)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def engine() -> Iterator[HttpEngine]:
    with EmbeddedEngine() as running:
        for name in ("dstill-parcels", "dstill-tickets"):
            running.index(name, MAPPING, [("1", {"city": "Oslo", "weight": 3}), ("2", {"city": "Turku", "weight": 4})])
        yield running


@pytest.fixture
def open_pages(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Client]]:
    """``open_pages()``: the pages of a project without a run, with all plugins."""
    (project / "runs").mkdir()
    monkeypatch.delenv("DSTILL_DISABLE", raising=False)

    def start(*, token: str = "", execute: bool = True) -> Client:
        stack = contextlib.ExitStack()
        listener = stack.enter_context(listening("127.0.0.1", 0))
        port = listener.getsockname()[1]
        access = Access(host="127.0.0.1", port=port, token=Secret(token) if token else None)
        how: dict[str, Any] = {"access": access, "execute": execute, "students": 2}
        server = stack.enter_context(opened(App(plugins.load()), Path("runs"), **how))
        return Client(port, access=access, stop=run(server, listener, stack))

    with served.threads() as run:
        yield start


def choose(client: Client, address: str, name: str = "", **headers: str) -> Any:
    """The reply to the form of the start page."""
    form = urlencode({"address": address, "name": name})
    return client("POST", "/data", form, **{"origin": client.address, **headers})


def ask(client: Client, chosen: Any, question: str) -> Any:
    """The answer on the page to which `chosen` leads."""
    assert chosen.status == 303, chosen.text
    name = chosen.headers["location"].removeprefix("./data/").removesuffix("/")
    assert 'id="question"' in client.opened(name, "").text
    return client.change(f"/data/{name}/v1/query", {"question": question, "execute": True}).json


def test_asks_a_database(open_pages: Callable[..., Client], database: str) -> None:
    client = open_pages()
    assert 'name="address"' in client.get("/").text
    answered = ask(client, choose(client, database), "how many orders are from Oslo?")
    assert answered["outcome"] == "ok"
    assert "orders where city is 'Oslo'" in answered["read_back"]
    assert f">{database}</a>" in client.get("/").text  # to come back to it


def test_lists_the_indices_of_a_server(open_pages: Callable[..., Client], engine: HttpEngine) -> None:
    client, address = open_pages(), engine.settings.url
    page = choose(client, address)
    assert re.findall(r'<button name="name" value="(.*?)">', page.text) == ["dstill-parcels", "dstill-tickets"]
    assert choose(client, address, "no-such-index").text == page.text
    answered = ask(client, choose(client, address, "dstill-parcels"), "how many parcels are from Oslo?")
    assert answered["result"]["total"]["value"] == 1
    assert f">dstill-parcels at {address}</a>" in client.get("/").text


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "where are your data?"),
        ("shop.db", "refused address"),
        ("postgresql://ada:secret@127.0.0.1/shop", "holds a user or password"),
        ("mongo://127.0.0.1/shop", "no engine of dstill takes an address"),
        ("http://127.0.0.1:9", "cannot reach an engine"),
    ],
)
def test_says_what_is_wrong_with_an_address(open_pages: Callable[..., Client], address: str, message: str) -> None:
    reply = choose(open_pages(), address)
    assert reply.status == 409
    assert message in reply.text
    assert "secret" not in reply.text


def test_database_that_is_missing_is_not_listed(open_pages: Callable[..., Client], tmp_path: Path) -> None:
    client, address = open_pages(), f"sqlite:///{tmp_path}/missing.db"
    name = choose(client, address).headers["location"].removeprefix("./data/").removesuffix("/")
    assert "missing.db" in client.opened(name, "").text
    assert f">{address}</a>" not in client.get("/").text


def test_only_the_pages_own_form_names_data(open_pages: Callable[..., Client], database: str) -> None:
    client = open_pages()
    assert choose(client, database, origin="http://elsewhere.example").status == 403
    assert client.get("/data/0123456789abcdef/").status == 404


@pytest.mark.parametrize("limits", [{"token": TOKEN}, {"execute": False}], ids=["with a token", "without execution"])
def test_pages_of_a_team_or_without_execution_take_no_address(
    open_pages: Callable[..., Client], database: str, limits: dict[str, Any]
) -> None:
    client = open_pages(**limits)
    if "token" in limits:
        client.login()
    assert 'name="address"' not in client.get("/").text
    assert choose(client, database).status == 404
