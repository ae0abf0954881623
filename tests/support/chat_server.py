"""A real OpenAI-compatible chat server on loopback, for tests: scripted replies, and every way of going wrong.

    with ChatServer(replies=["Title: …"], faults=[HttpFault(500), None, Hang()]) as server:
        …  # model "openai/stub", api_base server.base_url
    assert len(server.requests) == 3

Request n gets fault n; None and the requests after the last fault get the next reply, and the last reply is repeated.
`replies` may be a function of the prompt (all messages, joined). Not here: streaming, tools, models other than chat.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class HttpFault:
    """An error status with a JSON body, as providers send it."""

    status: int
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True)
class Hang:
    """No answer until the server is closed."""


@dataclass(frozen=True)
class Drip:
    """The answer comes a byte at a time, so that no read ever times out."""

    interval: float = 0.2


@dataclass(frozen=True)
class Reset:
    """Half of the answer, then a TCP reset."""


@dataclass(frozen=True)
class Malformed:
    """Half of the JSON, said to be the whole."""


@dataclass(frozen=True)
class WrongType:
    """A page of HTML with status 200, as a proxy sends it."""


@dataclass(frozen=True)
class Content:
    """A well-formed answer with this text; `finish` may be `length`, `usage` left out."""

    text: str
    finish: str = "stop"
    has_usage: bool = True


@dataclass(frozen=True)
class Endless:
    """An answer that never ends, as fast as it is taken; with `zipped`, a small one that is endless once unpacked."""

    zipped: bool = False
    status: int = 200


@dataclass(frozen=True)
class Raw:
    """A JSON body that is sent as it is: what a server may answer that only looks like OpenAI's."""

    body: str


def answered(**fields: Any) -> Raw:
    """A well-formed answer, with these fields instead of its own."""
    message = {"role": "assistant", "content": "hello"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    whole = {"id": "x", "object": "chat.completion", "created": 1, "model": "stub", "choices": choices, "usage": usage}
    return Raw(json.dumps({**whole, **fields}))


Fault = HttpFault | Hang | Drip | Reset | Malformed | WrongType | Content | Endless | Raw
EMPTY = Content("")
HUGE = Content("x" * 10_000_000)


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    at: float = field(default_factory=time.monotonic)
    """On the monotonic clock, in seconds."""

    @property
    def messages(self) -> list[dict[str, str]]:
        return list(self.body["messages"])

    @property
    def prompt(self) -> str:
        return "\n\n".join(message["content"] for message in self.messages)


class ChatServer:
    """Listens from `with` to its end; `usage` are the tokens that every answer is said to have cost.

    `latency`: seconds between a request and its answer; those that come meanwhile wait beside it, not behind it.
    """

    def __init__(
        self,
        replies: Sequence[str] | Callable[[str], str] = (),
        faults: Sequence[Fault | None] = (),
        usage: tuple[int, int] = (100, 20),
        latency: float = 0.0,
    ) -> None:
        self.replies = replies
        self.faults = tuple(faults)
        self.usage = usage
        self.latency = latency
        self.requests: list[Received] = []
        self.arrived = threading.Event()
        """The first request is here."""
        self.closing = threading.Event()
        self.sent = 0
        """Bytes of the last endless answer that were taken."""
        self._lock = threading.Lock()
        self._replied = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.chat = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next(self, received: Received) -> Fault:
        """Note the request and say what it gets."""
        with self._lock:
            self.requests.append(received)
            self.arrived.set()
            number = len(self.requests) - 1
            fault = self.faults[number] if number < len(self.faults) else None
            if fault is not None:
                return fault
            self._replied += 1
            if callable(self.replies):
                return Content(self.replies(received.prompt))
            return Content(self.replies[min(self._replied, len(self.replies)) - 1])


class _Server(ThreadingHTTPServer):
    chat: ChatServer
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.server.chat
        answer = chat.next(Received(self.path, dict(self.headers), body))
        chat.closing.wait(chat.latency)
        match answer:
            case HttpFault(status, message, headers, code):
                error = {"error": {"message": message, "type": "scripted", "code": code}}
                self._send(json.dumps(error), status=status, headers=headers)
            case Hang():
                chat.closing.wait()
            case Drip(interval):
                self._drip(interval)
            case Reset():
                self._reset()
            case Endless() as endless:
                self._pour(endless)
            case Raw(body):
                self._send(body)
            case Malformed():
                self._send(self._completion(Content("x" * 100))[:80])
            case WrongType():
                self._send("<html><body>Bad gateway</body></html>", kind="text/html")
            case Content() as content:
                self._send(self._completion(content))

    def _completion(self, content: Content) -> str:
        tokens_in, tokens_out = self.server.chat.usage
        message = {"role": "assistant", "content": content.text}
        answer: dict[str, Any] = {
            "id": "chatcmpl-test",
            "object": "chat.completion",
            "created": 1,
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": content.finish}],
        }
        if content.has_usage:
            total = tokens_in + tokens_out
            answer["usage"] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": total}
        return json.dumps(answer)

    def _send(
        self, text: str, *, status: int = 200, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        self._head(len(text.encode()), status=status, kind=kind, headers=headers)
        self.wfile.write(text.encode())

    def _head(
        self,
        length: int,
        *,
        status: int = 200,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def _drip(self, interval: float) -> None:
        self._head(1_000_000)
        while not self.server.chat.closing.wait(interval):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _pour(self, endless: Endless) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        self._head(10**12, status=endless.status, headers={"Content-Encoding": "gzip"} if endless.zipped else None)
        self.server.chat.sent = 0
        while not self.server.chat.closing.is_set():
            block = b" " * 10_000_000 if endless.zipped else b" " * 65_536
            block = packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH) if endless.zipped else block
            self.wfile.write(block)
            self.server.chat.sent += len(block)

    def _reset(self) -> None:
        self._head(1000)
        self.wfile.write(b'{"id": "half')
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


_CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]*) = ([-+]?\d+(?:\.\d+)?)$", re.MULTILINE)


def nudge(prompt: str) -> str:
    """A reply for end-to-end tests: the last upper-case constant of the editable files, a tenth smaller."""
    editable = prompt.rpartition("# Editable files")[2].partition("# Record of this run")[0]
    found = list(_CONSTANT.finditer(editable))[-1]
    value = round(float(found[2]) * 0.9, 6)
    return (
        f"Title: lower {found[1]} to {value}\nHypothesis: A smaller {found[1]} should help.\nExpected: better\n\n"
        f"<<<<<<< SEARCH\n{found[0]}\n=======\n{found[1]} = {value}\n>>>>>>> REPLACE\n"
    )
