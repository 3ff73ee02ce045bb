"""A tenant's application as gateways meet it: it says what it heard, or misbehaves on demand."""

import asyncio
import threading
from collections import Counter
from typing import Any

from aiohttp import WSMsgType, web


class Upstream:
    """One server in a thread of its own; `heard` counts requests by path."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.heard: Counter[str] = Counter()
        self.cancelled: Counter[str] = Counter()
        self.went_on = threading.Event()
        self.closed_with: list[int | None] = []
        self.sent = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def start(self) -> "Upstream":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._begin())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _begin(self) -> web.AppRunner:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it has just begun to listen
        return runner

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.heard[request.path] += 1
        behave = getattr(self, "_" + request.path.strip("/").split("/")[0], self._echo)
        try:
            answer: web.StreamResponse = await behave(request)
        except asyncio.CancelledError:
            self.cancelled[request.path] += 1
            raise
        return answer

    async def _echo(self, request: web.Request) -> web.Response:
        body = await request.read()
        return web.json_response(
            {
                "name": self.name,
                "method": request.method,
                "target": request._message.path,
                "headers": [
                    [name.decode().lower(), value.decode("latin-1")]
                    for name, value in request.raw_headers
                ],
                "length": len(body),
                "body": body[:200].decode("latin-1"),
            }
        )

    async def _status(self, request: web.Request) -> web.Response:
        status = int(request.path.rpartition("/")[2])
        body = None if status in {204, 304} else b"said"
        return web.Response(status=status, body=body)

    async def _spoof(self, _request: web.Request) -> web.Response:
        answer = web.Response(text="spoofed")
        for name, value in [
            ("X-Trace-Id", "f" * 32),
            ("x-trace-id", "e" * 32),
            ("Connection", "x-secret, keep-alive"),
            ("X-Secret", "hop"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "Basic"),
            ("Set-Cookie", "a=1; Path=/"),
            ("Set-Cookie", "b=2; Path=/; HttpOnly"),
            ("X-Kept", "caf\u00e9"),
        ]:
            answer.headers.add(name, value)
        return answer

    async def _redirect(self, _request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://elsewhere.example/x"})

    async def _zipped(self, _request: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: first\n\n")
        while not self.went_on.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)
        await answer.write(b"data: second\n\n")
        return answer

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        self.sent = 0
        for _ in range(1500):
            await answer.write(b"x" * 65_536)
            self.sent += 65_536
        return answer

    async def _sip(self, request: web.Request) -> web.Response:
        """Say how much had come when the first piece was there."""
        first = await request.content.readany()
        self.went_on.set()
        rest = await request.content.read()
        return web.json_response({"first": len(first), "all": len(first) + len(rest)})

    async def _early(self, _request: web.Request) -> web.Response:
        """Answer without reading the body."""
        return web.Response(status=413, text="too much for me")

    async def _hang(self, _request: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"drop")
            await asyncio.sleep(0.02)

    async def _vanish(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _half(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if request.path.endswith("length"):
            answer.content_length = 1000
        await answer.prepare(request)
        await answer.write(b"half")
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return answer

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["chat.v2"], max_msg_size=1 << 26)
        await socket.prepare(request)
        heard: dict[str, Any] = dict(request.headers)
        await socket.send_json({key.lower(): value for key, value in heard.items()})
        try:
            async for message in socket:
                if message.data == "end":
                    await socket.close(code=4321)
                elif message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        finally:
            self.closed_with.append(socket.close_code)
        return socket
