"""One OpenAI-compatible server: requests sent, and sent again where it is worth it; its errors as ours. Room: hub/.

Used by remote_model.py. The `openai` package speaks and waits; here it is counted and told. The key is in no text that
leaves this module: what a server repeats of it is struck out.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from textmill.errors import InputError, MissingExtra, RemoteError, UsageError, did_you_mean
from textmill.files import json_of
from textmill.hub.remote_cache import default_cache
from textmill.hub.remote_key import Struck

if TYPE_CHECKING:
    import openai

DEFAULT_URL = "https://api.openai.com/v1"
NO_KEY = "none"  # what is sent to a server that wants none: the client sends no empty one
LONGEST_SAID = 300  # characters of what a server says that are shown
NEWER_LENGTH = "max_completion_tokens"
Endpoint = Literal["completions", "chat"]
T = TypeVar("T")


@dataclass(frozen=True)
class RemoteSettings:
    """How a server is spoken with. Times in seconds; prices for a million tokens, in any currency."""

    base_url: str | None = None
    """Default: OPENAI_BASE_URL, else that of OpenAI."""
    api_key: SecretStr | None = None
    """Default: OPENAI_API_KEY."""
    endpoint: Literal["auto", "completions", "chat"] = "auto"
    timeout_s: float = 60.0
    retries: int = 4
    at_once: int = 4
    """Requests that are on their way together."""
    price_in: float | None = None
    price_out: float | None = None
    cache: Path | None = field(default_factory=default_cache)
    """Folder; None: no answer is kept."""


@dataclass
class Tally:
    """What is counted. Of one question, or of all of them."""

    n_requests: int = 0
    n_retries: int = 0
    n_cached: int = 0
    n_prompt_tokens: int = 0
    n_completion_tokens: int = 0
    n_uncounted: int = 0

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Streamed:
    """A piece of an answer: its text, why the answer ended, and its counts, as far as the piece says them."""

    text: str = ""
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None


class RemoteServer:
    """Where a remote model is asked. base_url holds no secret; notice is told what is tried again."""

    def __init__(self, model: str, settings: RemoteSettings, notice: Callable[[str], None]):
        """model: as the server calls it. Nothing is asked yet.

        Raises UsageError for an address that is none, InputError for a key that is none, MissingExtra.
        """
        self.model, self.settings, self.notice = model, settings, notice
        self.base_url = address_of(settings.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL)
        self._key = settings.api_key or key_of_environment()
        if self._key is None and self.base_url == DEFAULT_URL:
            raise UsageError(
                f"there is no key for {DEFAULT_URL}",
                hint="Say --api-key-file FILE, or set OPENAI_API_KEY; another server: --base-url URL.",
            )
        self._struck = Struck(None if self._key is None else self._key.get_secret_value())
        self._here = threading.local()
        self._length_key = "max_tokens"
        self._counts_streams = True
        self._client = self._opened()

    def close(self) -> None:
        """Close its connections: whoever still waits for an answer gets none."""
        self._client.close()

    def answer(self, endpoint: Endpoint, body: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
        """The JSON object that answers a request. Raises RemoteError."""
        content = self._adapted(endpoint, lambda: self._content(endpoint, body, tally))
        try:
            found = self._struck.of(json_of(content.decode("utf-8")))
        except ValueError as error:
            raise self.error(f"the server's answer is no JSON: {self._said(error)}") from None
        if not isinstance(found, dict):
            raise self.error(f"the server's answer is no JSON object: {short(repr(found))}")
        return found

    def stream(self, endpoint: Endpoint, body: Mapping[str, Any], tally: Tally) -> Iterator[Streamed]:
        """The answer to a request, piece by piece. Raises RemoteError, also where it does not come to its end."""
        n_given, reason, pieces = 0, None, self._struck.pieces()
        with self._counted(tally), self._told_plainly(lambda: n_given):
            with self._adapted(endpoint, lambda: self._chunks(endpoint, body)) as chunks:
                for chunk in chunks:
                    usage = self._struck.of(chunk.usage.model_dump()) if getattr(chunk, "usage", None) else None
                    for choice in getattr(chunk, "choices", None) or ():
                        ended = self._struck.of(choice.finish_reason)
                        reason = ended or reason
                        text = choice.text if endpoint == "completions" else choice.delta.content
                        n_given += len(text or "")
                        yield Streamed(pieces.push(text or ""), ended, usage)
                    if usage is not None and not getattr(chunk, "choices", None):
                        yield Streamed(usage=usage)
            if left := pieces.end():
                yield Streamed(left)
            if reason is None:
                raise self._cut_off(n_given)

    def error(self, what: str, hint: str | None = None, status: int | None = None) -> RemoteError:
        """What is wrong with this server."""
        return RemoteError(what, where=self.base_url, hint=hint, status=status)

    def with_near(self, error: RemoteError) -> RemoteError:
        """An error; of a model that is not there with the server's names that are near."""
        if error.status != 404:
            return error
        import openai

        try:
            listed = self._client.with_options(max_retries=0, timeout=10).models.list()
            names = [self._said(model.id) for model in listed]
        except (openai.OpenAIError, ValueError, AttributeError, TypeError):
            return self.error(error.message, "Is --base-url its address, with /v1 where it has that?", 404)
        if self.model in names:
            return error
        near = did_you_mean(self.model, names)
        return self.error(error.message, near or (f"it has: {short(', '.join(names))}" if names else None), 404)

    # --- the client

    def _opened(self) -> openai.OpenAI:
        try:
            import openai
        except ModuleNotFoundError:
            raise MissingExtra(
                "remote models need the package openai, which is not installed", hint="pip install 'textmill[remote]'"
            ) from None
        host = urlsplit(self.base_url).hostname or ""
        if self._key is not None and self.base_url.startswith("http:") and not is_loopback(host):
            self.notice(f"the key goes to {host} without encryption: this address begins with http")
        # What the environment says of proxies is not for this very machine.
        http = openai.DefaultHttpxClient(
            trust_env=not is_loopback(host),
            event_hooks={"request": [self._sees_request], "response": [self._sees_response]},
        )
        return openai.OpenAI(
            api_key=NO_KEY if self._key is None else self._key.get_secret_value(),
            base_url=self.base_url,
            timeout=self.settings.timeout_s,
            max_retries=self.settings.retries,
            http_client=http,
        )

    def _content(self, endpoint: Endpoint, body: Mapping[str, Any], tally: Tally) -> bytes:
        asked = self._client.completions if endpoint == "completions" else self._client.chat.completions
        with self._counted(tally), self._told_plainly():
            content: bytes = asked.with_raw_response.create(**self._named(body)).content
        return content

    def _chunks(self, endpoint: Endpoint, body: Mapping[str, Any]) -> Any:
        asked: Any = self._client.completions if endpoint == "completions" else self._client.chat.completions
        more: dict[str, Any] = {"stream_options": {"include_usage": True}} if self._counts_streams else {}
        with self._told_plainly():
            return asked.create(**self._named(body), stream=True, **more)

    def _named(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {self._length_key if key == "max_tokens" else key: value for key, value in body.items()}

    def _adapted(self, endpoint: Endpoint, ask: Callable[[], T]) -> T:
        """What comes; where the server refuses a word that others want, without it: newer chat models call the most
        tokens otherwise, older servers count no streams."""
        for _ in range(2):
            try:
                return ask()
            except RemoteError as error:
                if error.status not in (400, 422):
                    raise
                if endpoint == "chat" and NEWER_LENGTH in error.message and self._length_key != NEWER_LENGTH:
                    self._length_key = NEWER_LENGTH
                elif "stream_options" in error.message and self._counts_streams:
                    self._counts_streams = False
                else:
                    raise
        return ask()

    @contextlib.contextmanager
    def _counted(self, tally: Tally) -> Iterator[None]:
        """What this thread sends is counted in `tally`."""
        self._here.tally = tally
        try:
            yield
        finally:
            self._here.tally = None

    def _sees_request(self, request: Any) -> None:
        """Called before each request is sent, those that are sent again among them."""
        number = request.headers.get("x-stainless-retry-count", "0")
        if number == "0":
            self._here.why = None
            return
        tally: Tally | None = getattr(self._here, "tally", None)
        if tally is not None:
            tally.n_retries += 1
        why = getattr(self._here, "why", None) or "no answer came"
        self.notice(f"openai:{self.model}: {why}: asked again ({number} of {self.settings.retries})")

    def _sees_response(self, response: Any) -> None:
        status = response.status_code
        reason = self._said(response.reason_phrase)
        self._here.why = None if status < 400 else f"the server said {status} {reason}".rstrip()

    @contextlib.contextmanager
    def _told_plainly(self, n_given: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Errors of the client become ours, without what a traceback would show. n_given: characters that had come."""
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            is_cut = n_given() > 0 and isinstance(error, openai.APIConnectionError)
            told = self._cut_off(n_given()) if is_cut else self._told(error)
        except RemoteError:
            raise
        except ValueError as error:
            told = RemoteError(f"the server's answer is no JSON: {self._said(error)}", where=self.base_url)
        except Exception as error:
            if not type(error).__module__.startswith(("httpx", "httpcore")):
                raise
            told = self._cut_off(n_given())
        else:
            return
        raise told from None

    def _cut_off(self, n_given: int) -> RemoteError:
        return RemoteError(
            f"the answer was cut off after {n_given:,} characters",
            where=self.base_url,
            hint="The same command asks again.",
        )

    def _told(self, error: Any) -> RemoteError:
        import openai

        hint = None
        if isinstance(error, openai.APITimeoutError):
            what = f"no answer within {self.settings.timeout_s:g} s, asked {self.settings.retries + 1} times"
            hint = "Wait longer: --timeout SECONDS"
        elif isinstance(error, openai.APIStatusError):
            status, said = error.status_code, self._said(said_by(error))
            what, hint = self._told_status(status, said, error)
        elif isinstance(error, openai.APIConnectionError):
            cause = error.__cause__
            why = self._said(cause) if cause is not None else "no connection"
            tried = f"tried {self.settings.retries + 1} times"
            if "Connect" in type(cause).__name__:
                what = f"the server cannot be reached, {tried}: {why}"
                hint = "Is it running, and is --base-url its address, with /v1 where it has that?"
            else:
                what = f"the answer broke off, {tried}: {why}"
        else:
            what = f"the server's answer is none: {self._said(error)}"
        return RemoteError(what, where=self.base_url, hint=hint, status=getattr(error, "status_code", None))

    def _told_status(self, status: int, said: str, error: Any) -> tuple[str, str | None]:
        if status == 401:
            return f"the server refuses the key (401): {said}", "Say --api-key-file FILE, or set OPENAI_API_KEY."
        if status == 403:
            return f"the key may not do this (403): {said}", None
        if status == 404:
            return f"the server knows no such model or address (404): {said}", None
        if status == 429:
            wait = self._said(error.response.headers.get("retry-after") or "")
            later = f"; it says to wait {wait} s" if wait else ""
            tries = self.settings.retries + 1
            return f"the server limits the rate (429){later}, after at most {tries} tries: {said}", (
                "Ask less at once, --at-once 1, or try again later: answers that came are kept."
            )
        if status >= 500:
            return f"the server failed ({status}), asked {self.settings.retries + 1} times: {said}", None
        return f"the server refuses the request ({status}): {said}", None

    def _said(self, said: object) -> str:
        """What a server says, as it is shown: without the key, also where that is whole only when other characters are
        left out, and where the line is cut within it."""
        return self._struck.text(short(self._struck.text(str(said))))


def key_of_file(path: str) -> SecretStr:
    """The key that a file holds, on a line alone. Raises InputError, which does not repeat it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from None
    except UnicodeDecodeError:
        raise InputError("this file holds no key: it is no text", where=path) from None
    return _checked_key(text, path)


def key_of_environment() -> SecretStr | None:
    text = os.environ.get("OPENAI_API_KEY", "")
    return _checked_key(text, "OPENAI_API_KEY") if text.strip() else None


def _checked_key(text: str, where: str) -> SecretStr:
    key = text.strip()
    if not re.fullmatch(r"[!-~]+", key):
        what = "is empty" if not key else "is no key: it has blanks, several lines or letters that no key has"
        raise InputError(what, where=where, hint="A key is one word of ASCII characters.")
    return SecretStr(key)


def address_of(url: str) -> str:
    """A base URL that holds no secret. Raises UsageError."""
    hint = "It looks like http://127.0.0.1:8000/v1; the key goes into --api-key-file or OPENAI_API_KEY."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("--base-url is no address of a server", hint=hint) from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("--base-url holds a name, a password or a query, which would be written down", hint=hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"--base-url is no address of a server: {url}", hint=hint)
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def said_by(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = inner.get("message", inner) if isinstance(inner, dict) else inner
    return str(body if body else error.response.text or "nothing more")


def short(text: str) -> str:
    """What a server says, on a line, cut where it is long."""
    line = " ".join(text.split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= LONGEST_SAID else line[: LONGEST_SAID - 1] + "…"
