"""``/v1/files`` and ``/v1/batches`` of the loopback teacher: what is submitted is answered by its own rules.

    with LoopbackTeacher() as server:
        server.batches.made            # the batches, as the API shows them
        server.batches.hold = True     # they stay in progress
        server.batches.plan = [Plan(status="expired", answer=3)]     # of the next batch: three answered, then expired
        server.batches.faults = {"POST /v1/batches": [(error(500), True)]}   # said of work that was done all the same

A batch is worked through when it is looked at. Each answered line counts as sold.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from support.loopback_teacher import LoopbackTeacher, Say

__all__ = ["LoopbackBatches", "Plan"]


@dataclass(kw_only=True)
class Plan:
    """How a batch goes."""

    status: str = "completed"
    answer: int | None = None  # so many of its lines are answered, the others not at all; None: all
    refuse: dict[str, Any] = field(default_factory=dict)  # question → body of the error that it gets with 400
    errors: list[dict[str, str]] = field(default_factory=list)  # of the batch itself
    change: Callable[[list[bytes]], list[bytes]] = lambda lines: lines  # of the lines of the output


@dataclass(kw_only=True)
class LoopbackBatches:
    server: LoopbackTeacher
    made: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    plan: list[Plan] = field(default_factory=list)
    hold: bool = False
    # "POST /v1/batches" → what is said to the next such requests, and whether the work was done all the same
    faults: dict[str, list[tuple[Say, bool]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    stalls: set[str] = field(default_factory=set)  # such requests are done, and never answered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/files", self._handler(self._upload)),
            web.get("/v1/files/{id}/content", self._handler(self._content)),
            web.post("/v1/batches", self._handler(self._make)),
            web.get("/v1/batches", self._handler(self._list)),
            web.get("/v1/batches/{id}", self._handler(self._show)),
        ]

    def _handler(self, work: Any) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            call = f"{request.method} {request.match_info.route.resource.canonical}"  # type: ignore[union-attr]
            if call in self.stalls:
                await work(request)
                self.calls.append(call)
                await asyncio.sleep(60)
            self.calls.append(call)
            if not self.faults.get(call):
                return await work(request)  # type: ignore[no-any-return]
            said, done = self.faults[call].pop(0)
            if done:
                await work(request)
            return web.Response(status=said.status, body=said.body, headers=said.headers)

        return handler

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["purpose"] == "batch"
        id = f"file-{len(self.files)}"
        with form["file"].file as file:  # type: ignore[union-attr]
            self.files[id] = file.read()
        return web.json_response({"id": id, "object": "file"})

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]], content_type="application/binary")

    async def _make(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["endpoint"] == "/v1/chat/completions"
        lines = self.files[body["input_file_id"]].splitlines()
        batch = {
            "id": f"batch_{len(self.made)}",
            "object": "batch",
            "status": "in_progress",
            "metadata": body["metadata"],
            "input_file_id": body["input_file_id"],
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        }
        self.made.append(batch)
        return web.json_response(batch)

    async def _list(self, request: web.Request) -> web.Response:
        """The newest first, two a page."""
        newest = self.made[::-1]
        after = request.query.get("after")
        start = 1 + next(n for n, batch in enumerate(newest) if batch["id"] == after) if after else 0
        return web.json_response({"data": newest[start : start + 2], "has_more": start + 2 < len(newest)})

    async def _show(self, request: web.Request) -> web.Response:
        found = [batch for batch in self.made if batch["id"] == request.match_info["id"]]
        if not found:
            return web.json_response({"error": {"message": "no such batch"}}, status=404)
        (batch,) = found
        if batch["status"] == "in_progress" and not self.hold:
            self._work(batch, self.plan.pop(0) if self.plan else Plan())
        return web.json_response(batch)

    def _work(self, batch: dict[str, Any], plan: Plan) -> None:
        from support.loopback_teacher import answer

        output, errors = [], []
        lines = self.files[batch["input_file_id"]].splitlines()
        for number, line in enumerate(lines):
            row = json.loads(line)
            question = row["body"]["messages"][-1]["content"]
            made: dict[str, Any] = {"id": f"r{number}", "custom_id": row["custom_id"], "error": None}
            if plan.answer is not None and number >= plan.answer:
                code = {"expired": "batch_expired", "cancelled": "batch_cancelled"}.get(plan.status)
                if code:
                    errors.append({**made, "response": None, "error": {"code": code, "message": "not done"}})
            elif question in plan.refuse:
                errors.append({**made, "response": {"status_code": 400, "body": {"error": plan.refuse[question]}}})
            else:
                say = next(self.server.script, None) or answer(self.server.reply_to(row["body"]["messages"]))
                self.server.sold.append(question)
                output.append({**made, "response": {"status_code": say.status, "body": json.loads(say.body)}})
        batch["status"] = plan.status
        batch["errors"] = {"object": "list", "data": plan.errors} if plan.errors else None
        batch["request_counts"] = {"total": len(lines), "completed": len(output), "failed": len(errors)}
        for name, rows in (("output_file_id", output), ("error_file_id", errors)):
            if rows:
                texts = [json.dumps(row).encode() for row in rows]
                self.files[f"{name}-{batch['id']}"] = (
                    b"\n".join(plan.change(texts) if rows is output else texts) + b"\n"
                )
                batch[name] = f"{name}-{batch['id']}"
