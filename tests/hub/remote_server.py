"""A small OpenAI-compatible server on loopback, a real one, with faults that can be ordered. Used by tests/hub/.

What it answers is a function of the prompt; what it echoes are the tokens of one of our own runs, so that its
log-probabilities are known from `score`.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


class Server(ThreadingHTTPServer):
    """faults: what happens to the next requests, in order: a status, or the name of a method of Handler.

    Of streams: how a text is cut into pieces, how a piece is written as JSON, how many bytes go together. odds: of a
    chat's prompt the likeliest first tokens and their nats. came: when each request did, in seconds.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.models = ["mill"]
        self.endpoints = {"completions", "chat"}
        self.key: str | None = None
        self.faults: list[Any] = []
        self.retry_after: str | None = "0.01"
        self.answers: Callable[[str], str] = lambda prompt: " and on"
        self.echoes: Callable[[str], list[tuple[str, float | None, dict[str, float]]]] | None = None
        self.no_empty_answers = False
        self.says_usage = True
        self.says = "nothing"
        self.pieces: Callable[[str], list[str]] = list
        self.as_json: Callable[[Body], str] = json.dumps
        self.wire: int | None = None
        self.odds: Callable[[str], dict[str, float]] | None = None
        self.came: list[float] = []
        self.seen: list[tuple[str, Body]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    def prompts(self) -> list[str]:
        """Of all requests, in the order in which they came."""
        return [text_of(body) for _, body in self.seen]


def text_of(body: Body) -> str:
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *about: object) -> None:
        return

    def do_GET(self) -> None:
        self.reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        endpoint = {"/v1/completions": "completions", "/v1/chat/completions": "chat"}.get(self.path)
        with self.server.lock:
            self.server.seen.append((str(endpoint), body))
            self.server.came.append(time.monotonic())
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, int):
            self.refuse(fault, self.server.says)
        elif isinstance(fault, str):
            getattr(self, fault)(endpoint, body)
        elif self.server.key is not None and self.headers["Authorization"] != f"Bearer {self.server.key}":
            self.refuse(401, f"Incorrect API key provided: {self.headers['Authorization'].removeprefix('Bearer ')}")
        elif endpoint is None or endpoint not in self.server.endpoints:
            self.refuse(404, "This is a chat model and not supported in the v1/completions endpoint")
        elif body["model"] not in self.server.models:
            self.refuse(404, f"The model `{body['model']}` does not exist", "model_not_found")
        elif body.get("echo"):
            self.echo(body)
        elif body.get("stream"):
            self.stream(endpoint, body)
        else:
            self.reply(200, self.answer(endpoint, body))

    # answers

    def answer(self, endpoint: str, body: Body) -> Body:
        texts = [self.server.answers(text_of(body))] * body.get("n", 1)
        parts = [
            {"message": {"role": "assistant", "content": text}} if endpoint == "chat" else {"text": text}
            for text in texts
        ]
        if body.get("logprobs") and endpoint == "chat" and self.server.odds is not None:
            tops = [{"token": token, "logprob": nats} for token, nats in self.server.odds(text_of(body)).items()]
            parts = [part | {"logprobs": {"content": [{**tops[0], "top_logprobs": tops}]}} for part in parts]
        return {"choices": [part | {"finish_reason": "stop"} for part in parts], **self.usage(text_of(body), texts)}

    def usage(self, prompt: str, texts: list[str]) -> Body:
        if not self.server.says_usage:
            return {}
        n_prompt, n_written = len(prompt), sum(map(len, texts))
        total = n_prompt + n_written
        return {"usage": {"prompt_tokens": n_prompt, "completion_tokens": n_written, "total_tokens": total}}

    def echo(self, body: Body) -> None:
        if self.server.no_empty_answers and body["max_tokens"] == 0:
            self.refuse(400, "max_tokens must be at least 1, got 0")
            return
        choice: Body = {"text": body["prompt"], "finish_reason": "length", "logprobs": None}
        if self.server.echoes is not None:
            more = [".."] * body["max_tokens"]
            rows = self.server.echoes(body["prompt"]) + [(word, -1.0, {word: -1.0}) for word in more]
            choice["logprobs"] = {
                "tokens": [token for token, _, _ in rows],
                "token_logprobs": [value for _, value, _ in rows],
                "top_logprobs": [tops if value is not None else None for _, value, tops in rows],
            }
            choice["text"] += "".join(more)
        self.reply(200, {"choices": [choice], **self.usage(body["prompt"], [".." * body["max_tokens"]])})

    def stream(self, endpoint: str, body: Body, whole: bool = True) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        text = self.server.answers(text_of(body))
        chunks: list[Body] = []
        for piece in self.server.pieces(text):
            part = {"delta": {"content": piece}} if endpoint == "chat" else {"text": piece}
            chunks.append({"choices": [part | {"index": 0, "finish_reason": None}]})
        end = {"delta": {}} if endpoint == "chat" else {"text": ""}
        chunks.append({"choices": [end | {"index": 0, "finish_reason": "stop"}]})
        chunks.append({"choices": [], **self.usage(text_of(body), [text])})
        for chunk in chunks if whole else chunks[:3]:
            self.chunk(f"data: {self.server.as_json(chunk)}\n\n")
        if not whole:
            self.close_connection = True
            return
        self.chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, text: str) -> None:
        whole = text.encode()
        n = self.server.wire or len(whole)
        for start in range(0, len(whole), n):
            data = whole[start : start + n]
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    # faults

    def slow(self, endpoint: str, body: Body) -> None:
        time.sleep(1.0)
        self.close_connection = True

    def cut(self, endpoint: str, body: Body) -> None:
        """The answer ends in its middle."""
        if body.get("stream"):
            self.stream(endpoint, body, whole=False)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": [{"te')
        self.close_connection = True

    def escaped(self, endpoint: str, body: Body) -> None:
        """An answer, each of its letters written as JSON may: \\u0073."""
        self.raw(all_escaped(self.answer(endpoint, body)).encode())

    def garbage(self, endpoint: str, body: Body) -> None:
        self.raw(b'{"choices": [{"text": "half')

    def page(self, endpoint: str, body: Body) -> None:
        self.raw(b"<html>Welcome to the login page</html>", "text/html")

    def no_choices(self, endpoint: str, body: Body) -> None:
        self.raw(b'{"choices": []}')

    def no_text(self, endpoint: str, body: Body) -> None:
        self.raw(b'{"choices": [{"index": 0}]}')

    # the wire

    def refuse(self, status: int, words: str, code: str | None = None) -> None:
        self.reply(status, {"error": {"message": words, "type": "error", "code": code}})

    def reply(self, status: int, body: Body) -> None:
        self.raw(json.dumps(body).encode(), status=status)

    def raw(self, content: bytes, kind: str = "application/json", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if status == 429 and self.server.retry_after is not None:
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        self.wfile.write(content)


def all_escaped(body: Body) -> str:
    """JSON in which no letter of a text stands as itself."""

    def escaped(text: re.Match[str]) -> str:
        units = json.loads(text[0]).encode("utf-16-be")
        return '"' + "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2)) + '"'

    return re.sub(r'"(?:[^"\\]|\\.)*"', escaped, json.dumps(body))


@contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread of its own, on a port of its own."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_written(raw: bytes) -> str:
    """A token as the interface writes it: bytes where it is no whole text."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)


def echoes_of(run: Any, n_top: int = 5) -> Callable[[str], list[tuple[str, float | None, dict[str, float]]]]:
    """What a server of this run echoes: the first token without a probability."""
    from textmill.generation import score

    model, tokenizer = run.model(), run.tokenizer

    def echoes(text: str) -> list[tuple[str, float | None, dict[str, float]]]:
        found = []
        for place, token in enumerate(score(model, tokenizer, text, n_alternatives=n_top).tokens):
            written = as_written(tokenizer.token_bytes(token.id))
            tops = {as_written(tokenizer.token_bytes(other["id"])): other["logprob"] for other in token.alternatives}
            found.append((written, token.logprob if place else None, tops | {written: token.logprob}))
        return found

    return echoes
