"""Takes the pictures of the manual: review, report, playground and ui in a real Chromium, on the demo's questions.

    python docs/make_screenshots.py                     # `make screenshots`: needs chromium
    python docs/make_screenshots.py report RUN          # those of one page; of a run that is there
    python docs/make_screenshots.py playground RUN
    python docs/make_screenshots.py ui RUN
    python docs/make_screenshots.py ask                 # `dstill ask`, with a database of a garage

Runs are made in a temporary folder, those of report and playground by `dstill demo`, and so is the garage: nothing of
the machine is in the pictures.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parent.parent
PICTURES = Path(__file__).parent / "pictures"
WIDE, NARROW = {"width": 1100, "height": 700}, {"width": 390, "height": 760}
TALL = {"width": 1100, "height": 1000}
WRONG = '{"query":{"term":{"http.response.status":404}}}'
KINDS = ('"refusal"', '"aggs"', '"filter"')  # of answers, one of each is asked for; the last is in the picture
DSTILL = [sys.executable, "-m", "dstill"]

sys.path.insert(0, str(ROOT / "tests"))  # for support/browser.py


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    page, *given = sys.argv[1:] or [""]
    with tempfile.TemporaryDirectory() as place:
        if page in ("", "review"):
            _review(place)
        if page in ("", "ask"):
            _ask(place)
        if page in ("review", "ask"):
            return
        run = Path(given[0]) if given else _demo(place)
        if page in ("", "report"):
            _report(run)
        if page in ("", "playground"):
            _playground(run)
        if page in ("", "ui"):
            _ui(run)


def _shrink(file: Path) -> None:
    """A page has few colours: a palette of them takes a third of the bytes."""
    from PIL import Image

    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(64)
    small.save(file, optimize=True)


def _pictures(page: Any, name: str, views: Iterator[tuple[str, Any]]) -> None:
    for view, prepare in views:
        prepare()
        file = PICTURES / f"{name}-{view}.png"
        page.screenshot(path=file, animations="disabled")
        _shrink(file)


@contextlib.contextmanager
def _served(*command: str, cwd: str = ".") -> Iterator[str]:
    """The address that a command says to open, while it serves."""
    process = subprocess.Popen([*DSTILL, *command], cwd=cwd, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        yield next(line.split()[1].rstrip(",") for line in process.stderr if line.startswith("open "))
    finally:
        process.terminate()
        process.communicate()


# --- the report -------------------------------------------------------------------------


def _demo(place: str) -> Path:
    subprocess.run([*DSTILL, "demo", "--task", "querydsl", "--out", "demo"], cwd=place, check=True)
    return Path(place) / "demo"


def _report(run: Path) -> None:
    from support.browser import chromium

    subprocess.run([*DSTILL, "report", str(run), "--quiet"], check=True)
    with chromium() as browser:
        page = browser.new_page(viewport=TALL, color_scheme="light", reduced_motion="reduce")
        page.goto((run / "report.html").absolute().as_uri())
        _pictures(page, "report", _parts_of_the_report(page))


def _parts_of_the_report(page: Any) -> Iterator[tuple[str, Any]]:
    yield "light", lambda: None
    page.locator(".answer:visible summary").first.click()
    page.emulate_media(color_scheme="dark")
    yield "dark", lambda: page.evaluate("document.getElementById('answers').scrollIntoView()")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    yield "narrow", lambda: page.locator(".answer[open]").evaluate("element => element.scrollIntoView()")


# --- the playground ---------------------------------------------------------------------


def _playground(run: Path) -> None:
    from support.browser import chromium

    with _served("serve", str(run), "--port", "0") as address, chromium() as browser:
        page = browser.new_page(viewport={**TALL, "height": 1250}, color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        page.locator("#main").wait_for()
        for question in _asked(run):
            page.locator("#question").fill(question)
            page.keyboard.press("Enter")
            page.locator("#asked", has_text=question).wait_for(timeout=120_000)
        page.locator("#ran").wait_for(timeout=120_000)
        _pictures(page, "playground", _parts_of_the_playground(page))


def _asked(run: Path) -> list[str]:
    """Questions of the first split that the student got right."""
    from dstill import Run

    opened = Run.open(run)
    right = {v.id for v in opened.verdicts() if v.correct or (v.refused and v.expects_refusal)}
    rows = [row for row in opened.records("test") if row.id in right]
    return [next(row.question for row in rows if kind in row.answer) for kind in KINDS]


def _parts_of_the_playground(page: Any) -> Iterator[tuple[str, Any]]:
    yield "light", lambda: page.evaluate("scrollTo(0, 0)")
    yield "dark", lambda: page.emulate_media(color_scheme="dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    yield "narrow", lambda: page.evaluate("scrollTo(0, 0)")


# --- the team's pages -------------------------------------------------------------------


def _ui(run: Path) -> None:
    from support.browser import chromium

    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(run, Path(place) / "runs" / "first")
        made = ["generate", "--task", "querydsl", "--set", "task.querydsl.n_questions=300", "--out", "runs/second"]
        subprocess.run([*DSTILL, *made], cwd=place, check=True)
        with _served("ui", "--port", "0", cwd=place) as address, chromium() as browser:
            page = browser.new_page(viewport={**WIDE, "height": 450}, color_scheme="light")
            page.goto(address)
            page.locator("#choose").wait_for()
            _pictures(page, "ui", iter([("light", lambda: None)]))


# --- ask --------------------------------------------------------------------------------

GARAGE = """
CREATE TABLE mechanics (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, mechanic_id INTEGER REFERENCES mechanics(id), customer_id INTEGER REFERENCES customers(id),
  status TEXT, labour_min INTEGER, labour_price_eur REAL, parts_price_eur REAL, promised_on DATE, finished_on DATE
);
"""
GLOSSARY = """
[late]
condition = "finished_on > promised_on"
also = ["overdue"]

[revenue]
measure = "labour_price_eur + parts_price_eur"
"""
ASKED: Mapping[str, tuple[str, ...]] = {  # name of the picture → questions, one after the other
    "question-back": ("average price of jobs",),
    "follow-up": ("how many jobs are done", "how many of those are overdue"),
    "refused": ("mechanics who speak Dutch",),
    "glossary": ("total revenue by town",),
    "unsure": ("which jobs are expensive",),
    "dark": ("jobs per month",),
    "narrow": ("jobs over 4 hours",),
}


def _ask(place: str) -> None:
    from support.browser import chromium

    garage, glossary = Path(place) / "garage.db", Path(place) / "glossary.toml"
    _fill(garage)
    glossary.write_text(GLOSSARY)
    about = ["--engine-url", f"sqlite:///{garage}", "--set", f"task.sql.glossary={glossary}"]
    with _served("ask", *about, "--page") as address, chromium() as browser:
        page = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
        page.goto(address)
        page.locator("#main").wait_for()
        _pictures(page, "ask", ((name, lambda name=name: _put(page, name)) for name in ASKED))


def _put(page: Any, name: str) -> None:
    """Ask the questions of a picture in its view."""
    page.emulate_media(color_scheme="dark" if name == "dark" else "light")
    page.set_viewport_size(NARROW if name == "narrow" else WIDE)
    if page.locator("#anew").is_visible():
        page.locator("#anew").click()
    for question in ASKED[name]:
        page.locator("#question").fill(question)
        page.keyboard.press("Enter")
        page.locator("#history li", has_text=question).first.wait_for(timeout=60_000)
    page.evaluate("document.getElementById('answer').scrollIntoView()")


def _fill(garage: Path) -> None:
    """240 invented jobs."""
    random = Random(0)
    with contextlib.closing(sqlite3.connect(garage)) as database:
        database.executescript(GARAGE)
        database.executemany("INSERT INTO mechanics VALUES (?, ?)", enumerate(["Sam", "Ana", "Lotte", "Piotr"], 1))
        for n in range(1, 41):
            name = (
                f"{random.choice(['Ines', 'Tom', 'Mia', 'Raj'])} {random.choice(['Berg', 'Silva', 'Novak', 'Okoye'])}"
            )
            town = random.choice(["Springfield", "Oakdale", "Milton", "Riverton"])
            database.execute("INSERT INTO customers VALUES (?, ?, ?)", (n, name, town))
        for n in range(1, 241):
            promised, minutes = date(2026, 1, 5) + timedelta(days=n), random.randrange(15, 300, 15)
            (status,) = random.choices(["done", "waiting for parts", "in progress"], [8, 2, 1])
            finished = str(promised + timedelta(days=random.randrange(-1, 4))) if status == "done" else None
            job = (n, random.randrange(1, 5), random.randrange(1, 41), status, minutes, round(minutes * 1.1, 2))
            prices = round(random.random() * 400, 2), str(promised), finished
            database.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * 9)})", (*job, *prices))
        database.commit()


# --- the review -------------------------------------------------------------------------


def _review(place: str) -> None:
    made = ["generate", "--task", "querydsl", "--set", "task.querydsl.n_questions=300", "--out", "weblogs"]
    subprocess.run([*DSTILL, *made], cwd=place, check=True)
    with _served("data", "review", "weblogs", cwd=place) as address:
        _judge(address)


def _judge(address: str) -> None:
    from support.browser import chromium

    with chromium() as browser:
        page = browser.new_page(viewport=WIDE, color_scheme="light")
        page.goto(address)
        for count, key in enumerate("aaraaaaa", 1):
            page.locator("#question").wait_for()
            page.keyboard.press(key)
            page.locator("#judged", has_text=f"{count} of ").wait_for()
        page.locator("#result", has_text="hits").wait_for()
        _pictures(page, "review", _parts_of_the_review(page))


def _parts_of_the_review(page: Any) -> Iterator[tuple[str, Any]]:
    yield "light", lambda: None
    yield "dark", lambda: page.emulate_media(color_scheme="dark")
    page.emulate_media(color_scheme="light")
    yield "edit", lambda: _edit(page)
    page.keyboard.press("Escape")
    yield "narrow", lambda: page.set_viewport_size(NARROW)


def _edit(page: Any) -> None:
    page.keyboard.press("e")
    page.locator("#new-answer").fill(WRONG)
    page.keyboard.press("Control+Enter")
    page.locator("#errors li").first.wait_for()


if __name__ == "__main__":
    main()
