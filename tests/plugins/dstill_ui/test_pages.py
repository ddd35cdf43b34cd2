"""The start page, reports, comparisons, reviews and playgrounds over a real connection."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from dstill.errors import RunError
from dstill.inputs.feedback import read
from dstill.runs.folder import RunFolder
from dstill_report.page import policy
from dstill_serve.observed import RequestLog

TOKEN = "a-token-of-the-tests-0123456789"
HOSTILE = "<img src=x onerror=alert(1)>&'\"#?%2F..\u202egpj"


def status(runs: Path, name: str) -> str:
    found: str = json.loads((runs / name / "run.json").read_text())["status"]
    return found


def is_locked(runs: Path, name: str) -> bool:
    try:
        with RunFolder.read(runs / name).lock():
            return False
    except RunError:
        return True


def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


# --- the start page ---------------------------------------------------------------------


def test_start_page_lists_runs_with_scores_and_links(client: Any) -> None:
    reply = client.get("/")
    assert reply.status == 200
    text = reply.text
    assert "shop · clerk" in text
    assert "evaluate: done" in text
    assert "Not evaluated yet" in text
    assert 'href="runs/tea/report"' in text
    assert 'href="runs/milk/review/"' in text
    assert "runs/milk/play/" not in text
    scores = json.loads((Path("runs") / "tea" / "run.json").read_text())["stages"]["evaluate"]["scores"]["student"]
    right = scores["test"]["executable_accuracy"]
    assert f"<strong>{100 * right['value']:.1f} %</strong>" in text
    assert f"<small>[{100 * right['low']:.1f}, {100 * right['high']:.1f}]</small>" in text


def test_newest_run_comes_first(client: Any, runs: Path) -> None:
    for name, created in (("tea", "2026-01-01T00:00:00+00:00"), ("milk", "2026-02-01T00:00:00+00:00")):
        manifest = json.loads((runs / name / "run.json").read_text())
        (runs / name / "run.json").write_text(json.dumps({**manifest, "created": created}))
    text = client.get("/").text
    assert text.index("<h2>milk</h2>") < text.index("<h2>tea</h2>")
    assert "2 runs in runs, the newest first</p>" in text
    shutil.rmtree(runs / "milk")
    assert "1 run in runs</p>" in client.get("/").text


def test_card_names_the_data_and_how_far_the_review_is(client: Any, runs: Path) -> None:
    file = runs / "milk" / "run.json"
    manifest = json.loads(file.read_text())
    data = {name: {"fields": {}} for name in ("cafe", "school", "shop", "taxi")}
    counts = {"questions": 234, "accepted": 234, "rejected": 0}
    manifest["stages"]["generate"] = {"teacher": "oracle", **counts, "data": data}
    manifest["stages"]["review"] = {"judged": 1, "sample": 234, "left": 233}
    file.write_text(json.dumps({**manifest, "status": "review: done"}))
    text = client.get("/").text
    assert "cafe, school, shop … · shop" in text
    assert "review: 1 of 234 rows judged" in text
    assert "review: done" not in text


def test_damaged_and_hostile_runs_are_listed_as_they_are(client: Any, runs: Path) -> None:
    (runs / HOSTILE).mkdir()
    (runs / HOSTILE / "run.json").write_text("{")
    (runs / "linked").mkdir()
    (runs / "linked" / "run.json").symlink_to("/etc/passwd")
    odd = os.fsencode(runs) + b"/\xff\xfe"
    os.mkdir(odd)
    shutil.copy(runs / "tea" / "run.json", odd + b"/run.json")
    manifest = json.loads((runs / "tea" / "run.json").read_text())
    (runs / "wrong").mkdir()
    manifest["stages"]["evaluate"]["scores"]["student"]["test"]["executable_accuracy"]["value"] = "</td><script>"
    (runs / "wrong" / "run.json").write_text(json.dumps(manifest))
    reply = client.get("/")
    assert reply.status == 200
    assert reply.text.count("Cannot be read") == 4
    assert "its name is not UTF-8" in reply.text
    assert "<img" not in reply.text
    assert "</td><script>" not in reply.text
    assert "\u202e" not in reply.text
    assert r"\u202egpj" in reply.text
    assert "<h2>tea</h2>" in reply.text


def test_run_with_a_hostile_name_works_like_any_other(client: Any, runs: Path) -> None:
    (runs / "tea").rename(runs / HOSTILE)
    at = f"/runs/{quote(HOSTILE, safe='')}"
    text = client.get("/").text
    assert f'href="{at[1:]}/report"' in text
    assert client.get(f"{at}/report").status == 200
    reply = client.opened(HOSTILE)
    assert reply.status == 200
    answered = client("POST", f"{at}/play/v1/query", {"question": "what is tea?"})
    assert answered.json["answer"] == '{"say": "tea"}'


def test_only_listed_runs_can_be_named(client: Any, runs: Path) -> None:
    (runs.parent / "secret").mkdir()
    shutil.copytree(runs / "tea", runs.parent / "secret" / "tea")
    for name in ("..", "%2e%2e", "..%2Fsecret%2Ftea", "%2Fetc", "nothing", ".", "tea%00", "tea%0A", "", "secret/tea"):
        for what in ("report", "play/", "review/", "play/v1/about"):
            assert client.get(f"/runs/{name}/{what}").status in (404, 405), (name, what)
    for name in ("../secret/tea", "/etc", str(runs / "tea"), "nothing"):
        reply = client.get(f"/compare?{urlencode([('run', 'tea'), ('run', name)])}")
        assert (reply.status, "no run" in reply.text) == (409, True), name


def test_every_reply_has_the_security_headers(client: Any) -> None:
    for method, path in (
        ("GET", "/"),
        ("GET", "/ui.css"),
        ("GET", "/nothing"),
        ("POST", "/"),
        ("GET", "/runs/x/play/"),
    ):
        headers = client(method, path, origin=client.address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


# --- reports and comparisons ------------------------------------------------------------


def test_report_is_written_when_it_is_missing_or_outdated(client: Any, runs: Path) -> None:
    file = runs / "tea" / "report.html"
    assert not file.exists()
    reply = client.get("/runs/tea/report")
    assert (reply.status, "dstill report" in reply.text) == (200, True)
    marked = file.read_text().replace("dstill report</p>", "dstill report, as it was</p>")
    file.write_text(marked)
    assert "as it was" in client.get("/runs/tea/report").text
    os.utime(file, (1, 1))
    assert "as it was" not in client.get("/runs/tea/report").text
    file.write_text("<script>alert(3)</script>")  # newer, and not of this dstill
    assert "alert(3)" not in client.get("/runs/tea/report").text


def test_report_is_in_a_sandbox_with_its_own_policy(client: Any) -> None:
    reply = client.get("/runs/tea/report")
    sent = reply.headers["content-security-policy"]
    assert sent.startswith(policy())
    assert "sandbox allow-scripts" in sent
    assert "allow-same-origin" not in sent
    assert f'content="{policy()}"' in reply.text


def test_report_of_a_run_without_scores_says_what_to_do(client: Any) -> None:
    reply = client.get("/runs/milk/report")
    assert (reply.status, "has no scores yet" in reply.text, "dstill evaluate" in reply.text) == (409, True, True)


def test_comparison_is_that_of_the_command(client: Any, runs: Path, cli: Callable[..., Any]) -> None:
    shutil.copytree(runs / "tea", runs / "cup")
    verdicts = [json.loads(line) for line in (runs / "cup" / "verdicts.jsonl").read_text().splitlines()]
    verdicts[0]["reached"] -= 1
    (runs / "cup" / "verdicts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in verdicts))
    reply = client.get("/compare?run=tea&run=cup")
    assert reply.status == 200
    pack = Path(__file__).parents[2] / "support" / "shop.py"
    ended = cli("--plugin", pack, "experiment", "compare", "tea", "cup", toy=False)
    assert ended.code == 0
    row = next(line for line in ended.out.splitlines() if " cup " in line).split()
    for cell in row:
        assert cell in reply.text
    assert "Lost by cup on test: 1" in reply.text
    assert "not distinguishable" in reply.text


def test_comparison_of_what_cannot_be_compared_says_why(client: Any) -> None:
    assert "one run alone" in client.get("/compare?run=tea").text
    assert "has no scores yet" in client.get("/compare?run=tea&run=milk").text


# --- playgrounds ------------------------------------------------------------------------


def test_runs_with_commas_can_be_compared(client: Any, runs: Path) -> None:
    shutil.copytree(runs / "tea", runs / "a,b")
    reply = client.get(f"/compare?{urlencode([('run', 'tea'), ('run', 'a,b')])}")
    assert (reply.status, "tea and a,b" in reply.text) == (200, True)


def test_student_is_loaded_on_demand_and_answers(client: Any) -> None:
    early = client("POST", "/runs/tea/play/v1/query", {"question": "what is tea?"})
    assert early.status in (200, 503)
    if early.status == 503:
        assert (early.json["error"]["code"], early.headers["retry-after"]) == ("loading", "2")
    page = client.opened("tea")
    assert 'src="page.js"' in page.text
    assert client.get("/runs/tea/play/page.js").status == 200
    asked = {"question": "what is tea?", "execute": True}
    reply = client("POST", "/runs/tea/play/v1/query", asked)
    assert (reply.json["outcome"], reply.json["shown"]) == ("ok", "it says tea")
    assert client.get("/runs/tea/play/nothing").json["error"]["code"] == "not_found"


def test_student_describes_its_routes_below_that_of_the_run(client: Any, runs: Path) -> None:
    (runs / "tea").rename(runs / "tea & milk")
    client.opened("tea & milk")
    at = "/runs/tea%20%26%20milk/play"
    described = client.get(f"{at}/openapi.json").json
    (server,) = described["servers"]
    # relative to the document, so it holds behind a proxy that has all of this below a path of its own
    assert urljoin(f"http://team/tools{at}/openapi.json", server["url"]) == f"http://team/tools{at}"
    path = urljoin(f"{at}/openapi.json", server["url"]) + next(iter(described["paths"]))
    assert client("POST", path, {"question": "what is tea?"}).status == 200


def test_every_request_has_a_line_without_texts(start: Any, runs: Path) -> None:
    with contextlib.closing(RequestLog(Path("requests.jsonl"))) as log:
        client = start(token=TOKEN, log=log)
        client.get("/", authorization="Bearer wrong")
        client.login("ada")
        for path in ("/", "/runs/tea/report", "/runs/nothing/report", "/tea/secret"):
            client.get(path)
        client.opened("milk", "review")
        client.opened("tea")
        client.change("/runs/tea/play/v1/query", {"question": "what is tea?"})
        client.stop()
    text = Path("requests.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    told = [(row["route"], row.get("run"), row["status"]) for row in rows if not row["route"].endswith("/opening")]
    assert told[:6] == [
        ("/", None, 401),
        ("/login", None, 303),
        ("/", None, 200),
        ("/runs/NAME/report", "tea", 200),
        ("/runs/NAME/report", None, 404),
        ("other", None, 404),
    ]
    assert rows[0]["error"] == "invalid_api_key"
    assert ("/runs/NAME/review/", "milk", 200) in told
    assert ("/runs/NAME/play/", "tea", 200) in told
    assert told[-1] == ("/runs/NAME/play/v1/query", "tea", 200)
    assert (rows[-1]["outcome"], rows[-1]["question_chars"]) == ("ok", 12)
    assert not re.search(f"what is|secret|nothing|ada|{TOKEN}", text)


def test_least_recently_used_student_is_closed(start: Any, runs: Path) -> None:
    client = start(students=1)
    shutil.copytree(runs / "tea", runs / "cup")
    client.opened("tea")
    client.opened("cup")
    assert client.get("/runs/tea/play/opening").json == {"state": "closed"}
    assert client.get("/runs/cup/play/opening").json == {"state": "ready"}
    assert client.opened("tea").status == 200


def test_student_that_is_used_is_not_closed(start: Any, runs: Path) -> None:
    client = start(students=1)
    shutil.copytree(runs / "tea", runs / "cup")
    client.opened("tea")
    Path("hold").touch()
    replies: list[Any] = []
    asked = {"question": "what is tea?"}
    asking = threading.Thread(target=lambda: replies.append(client("POST", "/runs/tea/play/v1/query", asked)))
    asking.start()
    until(lambda: "dstill_requests_inside 1.0" in client.get("/runs/tea/play/metrics").text)
    assert "data-wait" in client.get("/runs/cup/play/").text
    assert client.get("/runs/cup/play/opening").json == {"state": "loading"}
    Path("hold").unlink()
    asking.join()
    assert [reply.json["answer"] for reply in replies] == ['{"say": "tea"}']
    assert client.opened("cup").status == 200


def test_student_that_was_trained_again_is_loaded_again(client: Any, runs: Path) -> None:
    client.opened("tea")
    shutil.copytree(runs / "tea" / "student", runs / "tea" / "new")
    shutil.rmtree(runs / "tea" / "student")
    pairs = runs / "tea" / "new" / "pairs.json"
    pairs.write_text(pairs.read_text().replace("coffee is", "now coffee is"))
    (runs / "tea" / "new").rename(runs / "tea" / "student")
    client.opened("tea")
    asked = {"question": "what is coffee?", "explain": True}
    reply = client("POST", "/runs/tea/play/v1/query", asked)
    assert reply.json["rationale"] == "now coffee is a word"


def test_student_that_does_not_load_says_why_and_is_tried_again(client: Any) -> None:
    Path("down").touch()
    reply = client.opened("tea")
    assert (reply.status, "cannot reach the till" in reply.text, "--no-execute" in reply.text) == (409, True, True)
    Path("down").unlink()
    assert client.opened("tea").status == 200


def test_other_sites_cannot_make_the_machine_work(client: Any, runs: Path) -> None:
    for path, again in (
        ("/runs/tea/play/", "./"),
        ("/runs/milk/review/", "./"),
        ("/runs/tea/report", "report"),
        ("/compare?run=tea&run=milk", "compare?run=tea&amp;run=milk"),
    ):
        reply = client.get(path, sec_fetch_site="cross-site")
        assert "A link on another site led here" in reply.text
        assert f'<a href="{again}">' in reply.text
    assert client.get("/runs/tea/play/opening").json == {"state": "closed"}
    assert not is_locked(runs, "milk")
    assert not (runs / "tea" / "report.html").exists()
    assert client.get("/", sec_fetch_site="cross-site").status == 200


def test_feedback_goes_to_a_file_for_each_run(start: Any, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    folder.mkdir()
    client = start(feedback=folder)
    client.opened("tea")
    said = {"question": "what is tea?", "answer": '{"say": "tea"}', "verdict": "right"}
    assert client("POST", "/runs/tea/play/v1/feedback", said).status == 403  # without the page's Origin
    assert client("POST", "/runs/tea/play/v1/feedback", said, origin=client.address).status == 200
    assert [row.verdict for row in read(folder / "tea.jsonl")] == ["right"]


# --- reviews ----------------------------------------------------------------------------


def test_review_locks_its_run_until_it_is_finished(client: Any, runs: Path) -> None:
    assert client.opened("milk", "review").status == 200
    assert status(runs, "milk") == "review: running"
    assert is_locked(runs, "milk")
    row = client.get("/runs/milk/review/state").json["row"]
    decision = {"id": row["id"], "digest": row["digest"], "decision": "accept"}
    assert client.change("/runs/milk/review/judge", decision).json["progress"]["judged"] == 1
    assert "by somebody here" in client.get("/").text
    assert client.change("/runs/milk/review/finish", {}).status == 200
    until(lambda: not is_locked(runs, "milk"))
    assert status(runs, "milk") == "review: done"
    assert json.loads((runs / "milk" / "run.json").read_text())["stages"]["review"]["judged"] == 1
    reply = client.change("/runs/milk/review/judge", decision)
    assert (reply.status, "was closed" in reply.json["problems"][0]["message"]) == (409, True)


def test_idle_review_is_closed(start: Any, runs: Path) -> None:
    client = start(idle=0.2)
    client.opened("milk", "review")
    until(lambda: client.get("/runs/milk/review/opening").json["state"] == "closed")
    until(lambda: not is_locked(runs, "milk"))
    assert status(runs, "milk") == "review: interrupted"


def test_review_of_a_locked_run_says_who_has_it(client: Any, runs: Path) -> None:
    with RunFolder.read(runs / "milk").lock():
        reply = client.opened("milk", "review")
    assert (reply.status, "is locked by pid" in reply.text) == (409, True)
    assert client.opened("milk", "review").status == 200


def test_server_that_stops_closes_a_review(start: Any, runs: Path) -> None:
    client = start()
    client.opened("milk", "review")
    assert is_locked(runs, "milk")
    client.stop()
    assert not is_locked(runs, "milk")
    assert status(runs, "milk") == "review: interrupted"
