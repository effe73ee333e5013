"""A model behind an OpenAI-compatible server, in a run's place: prompts -> texts and log-probabilities. Room: hub/.

Used by remote_work.py and remote_evaluation.py, and by the verbs. The `openai` package speaks with the server and sends
again what is worth it; here is what it costs, what is kept (remote_cache.py), and which errors become which sentence.
The key is in no text that leaves this module: what a server repeats of it is struck out.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import os
import re
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from textmill.config.measure import GenerateConfig
from textmill.errors import ConfigError, InputError, MissingExtra, RemoteError, UsageError, did_you_mean
from textmill.files import json_of
from textmill.hub.remote_cache import AnswerCache, default_cache
from textmill.results import RemoteUse

if TYPE_CHECKING:
    import openai

SCHEME = "openai:"
DEFAULT_URL = "https://api.openai.com/v1"
NO_KEY = "none"  # what is sent to a server that wants none: the client sends no empty one
LONGEST_SAID = 300  # characters of what a server says that are shown
MOST_ALTERNATIVES = 5  # that the interface gives for each token
Endpoint = Literal["completions", "chat"]
Item = TypeVar("Item", bound=Hashable)
Found = TypeVar("Found")


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


@dataclass(frozen=True)
class Prompt:
    """What a model is to go on from: as one text, and as the messages of a chat."""

    text: str
    messages: tuple[tuple[Literal["system", "user", "assistant"], str], ...]
    stop: tuple[str, ...] = ()
    """What ends the answer where it goes on from `text`."""

    @classmethod
    def plain(cls, text: str) -> Prompt:
        """A text as it stands; in a chat the user says it."""
        return cls(text, (("user", text),))


@dataclass(frozen=True)
class Answered:
    """What came for a prompt. texts: as many as were asked for, with the server's words for why each ended.
    n_prompt_tokens, n_tokens: of all texts; None where the server does not say."""

    texts: tuple[str, ...]
    finish_reasons: tuple[str, ...]
    n_prompt_tokens: int | None
    n_tokens: int | None
    use: RemoteUse


@dataclass(frozen=True)
class EchoedToken:
    """A token of a text. start, end: code points of it. logprob: nats; None where the server gives none.
    alternatives: the likeliest tokens here and their nats, best first. rank: 1 is the likeliest; None where it is not
    among them."""

    text: str
    start: int
    end: int
    logprob: float | None
    alternatives: tuple[tuple[str, float], ...]
    rank: int | None = None


@dataclass(frozen=True)
class Echo:
    """A text as its server's tokens. In `tokens` stands all of the text; a mark that the server sets before it does
    not. place: of the first token that has a probability, in code points of the text. n_unscored, unscored_bytes: the
    tokens before it that stand in the text, and their UTF-8."""

    text: str
    tokens: tuple[EchoedToken, ...]
    place: int
    n_unscored: int
    unscored_bytes: bytes
    use: RemoteUse

    @property
    def scored(self) -> tuple[EchoedToken, ...]:
        """The tokens that have a probability: all from the first one on."""
        return tuple(token for token in self.tokens if token.logprob is not None)


@dataclass
class _Tally:
    """What is counted. Of one question, or of all of them."""

    n_requests: int = 0
    n_retries: int = 0
    n_cached: int = 0
    n_prompt_tokens: int = 0
    n_completion_tokens: int = 0
    n_uncounted: int = 0

    def add(self, other: _Tally) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class RemoteModel:
    """A model of a server. `notice` is told, once each, what is found out and what is tried again."""

    def __init__(
        self,
        name: str,
        settings: RemoteSettings | None = None,
        notice: Callable[[str], None] = lambda text: None,
    ):
        """name: with or without `openai:`. Nothing is asked yet.

        Raises UsageError for a name or an address that is none, InputError for a key that is none, MissingExtra.
        """
        self.settings = settings or RemoteSettings()
        self.model = name.removeprefix(SCHEME)
        if not self.model.strip():
            raise UsageError(f"a remote model has no name: '{name}'", hint=f"Say {SCHEME}NAME, as the server calls it.")
        self.base_url = _address(self.settings.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL)
        self._key = self.settings.api_key or _key_of_environment()
        if self._key is None and self.base_url == DEFAULT_URL:
            raise UsageError(
                f"there is no key for {DEFAULT_URL}",
                hint="Say --api-key-file FILE, or set OPENAI_API_KEY; another server: --base-url URL.",
            )
        self.notice = notice
        self.endpoint: Endpoint | None = None if self.settings.endpoint == "auto" else self.settings.endpoint
        self._tally = _Tally()
        self._lock = threading.Lock()
        self._here = threading.local()
        self._said: set[str] = set()
        self._length_key = "max_tokens"
        self._cache = None if self.settings.cache is None else AnswerCache(self.settings.cache, self._once)
        self._client = self._opened()

    def __repr__(self) -> str:
        return f"RemoteModel({self.name!r}, base_url={self.base_url!r})"

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    @property
    def name(self) -> str:
        """As RUN names it."""
        return SCHEME + self.model

    @property
    def use(self) -> RemoteUse:
        """All that was asked so far, and what it cost."""
        return self._use_of(self._tally)

    # --- texts

    def complete(
        self, prompts: Sequence[Prompt], settings: GenerateConfig, seed: int, n: int = 1
    ) -> Iterator[Answered]:
        """What the model writes for each prompt, in order; n texts each. Equal prompts are asked once.

        Raises RemoteError, and ConfigError for settings that the interface does not have.
        """
        refuse_unknown_settings(settings)
        again = _Tally(n_cached=1)
        given = set[Prompt]()
        for prompt, found in self._in_order(prompts, lambda one: self._completed(one, settings, seed, n)):
            if prompt in given:
                self._add(again)
                found = replace(found, use=self._use_of(again))
            given.add(prompt)
            yield found

    def echoes(self, texts: Sequence[str]) -> Iterator[Echo]:
        """The echo of each text, in order. Raises as echo does."""
        for _, found in self._in_order(texts, self.echo):
            yield found

    def _in_order(self, items: Sequence[Item], ask: Callable[[Item], Found]) -> Iterator[tuple[Item, Found]]:
        """What is found for each item, at_once of them on their way together; equal ones are asked once."""
        once = list(dict.fromkeys(items))
        with ThreadPoolExecutor(max(1, self.settings.at_once)) as pool:
            try:
                # The first one alone: it finds out which endpoint there is.
                done = {one: ask(one) for one in once[:1]}
                waiting = {one: pool.submit(ask, one) for one in once[1:]}
                for item in items:
                    if item not in done:
                        done[item] = waiting[item].result()
                    yield item, done[item]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def stream(self, prompt: Prompt, settings: GenerateConfig, seed: int) -> Iterator[str]:
        """One text as it comes. Raises RemoteError, also where the answer is cut off: what had come was given."""
        refuse_unknown_settings(settings)
        tried = self._endpoints()
        for endpoint in tried:
            body = self._body(prompt, settings, seed, 1, endpoint)
            question = self._question(endpoint, body)
            kept = self._cache.get(question) if self._cache is not None else None
            if kept is not None:
                self._settle(endpoint)
                self._add(_Tally(n_cached=1))
                yield self._texts(kept, endpoint, 1)[0][0]
                return
            try:
                yield from self._streamed(endpoint, body, question)
            except RemoteError as error:
                if endpoint == tried[-1] or not _is_not_there(error):
                    raise
            else:
                return

    def _streamed(self, endpoint: Endpoint, body: dict[str, Any], question: dict[str, Any]) -> Iterator[str]:
        own = _Tally()
        parts: list[str] = []
        reason, usage = None, None
        asked = self._client.completions if endpoint == "completions" else self._client.chat.completions
        try:
            with self._counted(own), self._told_plainly(lambda: len("".join(parts))):
                more = {"stream": True, "stream_options": {"include_usage": True}}
                with asked.create(**self._named(body, endpoint), **more) as chunks:  # type: ignore[call-overload]
                    own.n_requests += 1
                    for chunk in chunks:
                        usage = chunk.usage.model_dump() if getattr(chunk, "usage", None) else usage
                        for choice in getattr(chunk, "choices", None) or ():
                            self._settle(endpoint)
                            reason = choice.finish_reason or reason
                            text = choice.text if endpoint == "completions" else choice.delta.content
                            if text:
                                parts.append(self._without_key(text))
                                yield parts[-1]
            if reason is None:
                raise self._cut_off(len("".join(parts)))
        finally:
            self._count_tokens({"usage": usage}, own)
            self._add(own)
        whole = "".join(parts)
        said = {"text": whole} if endpoint == "completions" else {"message": {"content": whole}}
        self._keep(question, {"choices": [said | {"finish_reason": reason}], "usage": usage})

    # --- probabilities

    def echo(self, text: str) -> Echo:
        """The server's tokens of a text, with the probability of each given those before it.

        Raises RemoteError where the server gives none: that of a chat does not.
        """
        if self.endpoint == "chat":
            raise self._no_echo("it is asked by chat, which gives no probabilities of a text")
        own = _Tally()
        answer: dict[str, Any] | None = None
        refused: RemoteError | None = None
        for n_more in (0, 1):  # many servers write no answer of no token: then one is written, and left out
            body = {
                "model": self.model,
                "prompt": text,
                "max_tokens": n_more,
                "echo": True,
                "logprobs": MOST_ALTERNATIVES,
            }
            try:
                answer = self._asked("completions", body | {"temperature": 0.0}, own)
                break
            except RemoteError as error:
                refused = error
                if error.status not in (400, 422):
                    break
        self._add(own)
        if answer is None:
            assert refused is not None
            if refused.status in (400, 404, 405, 422, 501):
                raise self._no_echo(refused.message) from None
            raise refused
        return self._echo_of(answer, text, n_more, own)

    def _echo_of(self, answer: Mapping[str, Any], text: str, n_more: int, own: _Tally) -> Echo:
        choice = self._choices(answer, 1)[0]
        given = choice.get("logprobs")
        tokens, logprobs = (given.get(key) if isinstance(given, dict) else None for key in ("tokens", "token_logprobs"))
        if not isinstance(tokens, list) or not isinstance(logprobs, list) or len(tokens) != len(logprobs) or not tokens:
            raise self._no_echo("it answers without log-probabilities")
        assert isinstance(given, dict)
        tops, offsets = given.get("top_logprobs"), given.get("text_offset")
        if n_more:
            written = self._n_written(answer, choice, text)
            tokens, logprobs = tokens[: len(tokens) - written], logprobs[: len(logprobs) - written]
            offsets = offsets[: len(tokens)] if isinstance(offsets, list) else None
        values: list[float | None] = []
        for place, (token, value) in enumerate(zip(tokens, logprobs, strict=True)):
            number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
            if not isinstance(token, str) or not (number or value is None) or (number and value > 1e-3):
                raise RemoteError(
                    f"the server's log-probability of token {place + 1} is none: {value!r}", where=self.base_url
                )
            values.append(float(value) if number else None)
        first = next((place for place, value in enumerate(values) if value is not None), len(values))
        if None in values[first:]:
            raise RemoteError("the server left out log-probabilities in the middle of the text", where=self.base_url)
        spans = places_in(text, tokens, offsets if isinstance(offsets, list) else None)
        if spans is None:
            raise RemoteError(
                "the tokens that the server gives back are not those of the text it was asked for", where=self.base_url
            )
        found = []
        for place, (start, end) in enumerate(spans):
            others = tops[place] if isinstance(tops, list) and place < len(tops) else None
            best = sorted(others.items(), key=lambda one: -one[1]) if isinstance(others, dict) else []
            kept = tuple((readable(str(word)), float(value)) for word, value in best)[:MOST_ALTERNATIVES]
            own_value = values[place]
            better = None if own_value is None else sum(value > own_value for _, value in kept)
            rank = None if better is None or better == len(kept) else better + 1
            found.append(EchoedToken(readable(tokens[place]), start, end, own_value, kept, rank))
        place = found[first].start if first < len(found) else len(text)
        parts = [bytes_of(tokens[number]) for number in range(first) if found[number].end > found[number].start]
        known = [part for part in parts if part is not None]
        unscored = b"".join(known) if len(known) == len(parts) else text[:place].encode()
        shown = tuple(token for token in found if token.end > token.start or token.logprob is not None)
        return Echo(text, shown, place, len(parts), unscored, self._use_of(own))

    def _n_written(self, answer: Mapping[str, Any], choice: Mapping[str, Any], text: str) -> int:
        """How many tokens behind the text were written."""
        usage = answer.get("usage")
        written = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if isinstance(written, int) and 0 <= written <= 1:
            return written
        said = choice.get("text")
        return int(isinstance(said, str) and len(said) > len(text))

    def _no_echo(self, why: str) -> RemoteError:
        return RemoteError(
            f"{self.name} gives no log-probabilities of a text: {why}",
            where=self.base_url,
            hint="It can be measured by what it answers: textmill eval RUN --data FILE --prompts FILE",
        )

    # --- one question

    def _completed(self, prompt: Prompt, settings: GenerateConfig, seed: int, n: int) -> Answered:
        own, tried = _Tally(), self._endpoints()
        try:
            for endpoint in tried:
                try:
                    answer = self._asked(endpoint, self._body(prompt, settings, seed, n, endpoint), own)
                    break
                except RemoteError as error:
                    if endpoint == tried[-1] or not _is_not_there(error):
                        raise
        finally:
            self._add(own)
        self._settle(endpoint)
        texts, reasons = self._texts(answer, endpoint, n)
        usage = answer.get("usage")
        counts = usage if isinstance(usage, dict) else {}
        n_prompt, n_tokens = (_count(counts.get(key)) for key in ("prompt_tokens", "completion_tokens"))
        return Answered(texts, reasons, n_prompt, n_tokens, self._use_of(own))

    def _endpoints(self) -> tuple[Endpoint, ...]:
        """What is to be tried, in order: the one that is known alone."""
        if self.endpoint is not None:
            return (self.endpoint,)
        kept = self._cache.get(self._which()) if self._cache is not None else None
        return (
            ("chat", "completions") if kept is not None and kept.get("endpoint") == "chat" else ("completions", "chat")
        )

    def _settle(self, endpoint: Endpoint) -> None:
        """This is the endpoint that the server has for the model: said and kept, once."""
        if self.endpoint is not None:
            return
        self.endpoint = endpoint
        self._keep(self._which(), {"endpoint": endpoint})
        if endpoint == "chat":
            self.notice(f"{self.name} is asked as a chat: its server has no plain completions of it")

    def _which(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "model": self.model, "asked": "which endpoint"}

    def _question(self, endpoint: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
        """What an answer is kept by."""
        return {"base_url": self.base_url, "endpoint": endpoint, "body": dict(body)}

    def _body(self, prompt: Prompt, settings: GenerateConfig, seed: int, n: int, endpoint: Endpoint) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "temperature": settings.temperature, "seed": seed}
        body["max_tokens"] = settings.max_new_tokens
        if endpoint == "completions":
            body["prompt"] = prompt.text
        else:
            body["messages"] = [{"role": role, "content": text} for role, text in prompt.messages]
        if settings.temperature > 0:
            body["top_p"] = settings.top_p
        for name in ("presence_penalty", "frequency_penalty"):
            if getattr(settings, name):
                body[name] = getattr(settings, name)
        stop = [*settings.stop, *(prompt.stop if endpoint == "completions" else ())]
        if stop:
            body["stop"] = stop
        if n > 1:
            body["n"] = n
        return body

    def _named(self, body: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
        """The body as the server wants it: newer chat models call the most tokens otherwise."""
        if endpoint == "chat" and self._length_key != "max_tokens":
            return {self._length_key if key == "max_tokens" else key: value for key, value in body.items()}
        return dict(body)

    def _asked(self, endpoint: Endpoint, body: dict[str, Any], own: _Tally) -> dict[str, Any]:
        """The server's answer, or the one that is kept. Raises RemoteError."""
        question = self._question(endpoint, body)
        if self._cache is not None and (kept := self._cache.get(question)) is not None:
            own.n_cached += 1
            return kept
        try:
            answer = self._sent(endpoint, body, own)
        except RemoteError as error:
            newer = "max_completion_tokens"
            if endpoint != "chat" or newer not in error.message or self._length_key == newer:
                raise
            self._length_key = newer
            answer = self._sent(endpoint, body, own)
        own.n_requests += 1
        self._count_tokens(answer, own)
        self._choices(answer, int(body.get("n", 1)))  # what is no answer is not kept
        self._keep(question, answer)
        return answer

    def _sent(self, endpoint: Endpoint, body: Mapping[str, Any], own: _Tally) -> dict[str, Any]:
        asked = self._client.completions if endpoint == "completions" else self._client.chat.completions
        with self._counted(own), self._told_plainly():
            content = asked.with_raw_response.create(**self._named(body, endpoint)).content
        try:
            answer = json_of(self._without_key(content.decode("utf-8")))
        except ValueError as error:
            raise RemoteError(f"the server's answer is no JSON: {error}", where=self.base_url) from None
        if not isinstance(answer, dict):
            raise RemoteError(f"the server's answer is no JSON object: {_short(repr(answer))}", where=self.base_url)
        return answer

    def _keep(self, question: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if self._cache is not None:
            with self._lock:
                self._cache.put(question, answer)

    def _choices(self, answer: Mapping[str, Any], n: int) -> list[dict[str, Any]]:
        """Raises RemoteError where there are fewer than n."""
        found = answer.get("choices")
        if not isinstance(found, list) or len(found) < n or not all(isinstance(one, dict) for one in found):
            said = answer.get("error") or answer
            raise RemoteError(
                f"the server's answer holds no {'text' if n == 1 else f'{n} texts'}: {_short(str(said))}",
                where=self.base_url,
            )
        return found[:n]

    def _texts(self, answer: Mapping[str, Any], endpoint: Endpoint, n: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        texts, reasons = [], []
        for choice in self._choices(answer, n):
            said = choice.get("message") if endpoint == "chat" else choice
            text = said.get("content" if endpoint == "chat" else "text") if isinstance(said, dict) else None
            if text is None and endpoint == "chat" and isinstance(said, dict):
                text = said.get("refusal") or ""
            if not isinstance(text, str):
                raise RemoteError(f"the server's answer holds no text: {_short(str(choice))}", where=self.base_url)
            texts.append(text)
            reasons.append(str(choice.get("finish_reason") or "stop"))
        return tuple(texts), tuple(reasons)

    # --- counting

    def _count_tokens(self, answer: Mapping[str, Any], own: _Tally) -> None:
        usage = answer.get("usage")
        counts = [
            _count(usage.get(key)) if isinstance(usage, dict) else None
            for key in ("prompt_tokens", "completion_tokens")
        ]
        if counts[0] is None:
            own.n_uncounted += 1
            return
        own.n_prompt_tokens += counts[0]
        own.n_completion_tokens += counts[1] or 0

    @contextlib.contextmanager
    def _counted(self, own: _Tally) -> Iterator[None]:
        """What this thread sends is counted in `own`."""
        self._here.tally = own
        try:
            yield
        finally:
            self._here.tally = None

    def _use_of(self, tally: _Tally) -> RemoteUse:
        price_in, price_out = self.settings.price_in, self.settings.price_out
        cost = None
        if price_in is not None or price_out is not None:
            cost = (tally.n_prompt_tokens * (price_in or 0) + tally.n_completion_tokens * (price_out or 0)) / 1e6
        return RemoteUse(model=self.model, base_url=self.base_url, endpoint=self.endpoint, cost=cost, **vars(tally))

    def _add(self, own: _Tally) -> None:
        with self._lock:
            self._tally.add(own)

    def _once(self, text: str) -> None:
        with self._lock:
            new = text not in self._said
            self._said.add(text)
        if new:
            self.notice(text)

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

    def _sees_request(self, request: Any) -> None:
        """Called before each request is sent, those that are sent again among them."""
        number = request.headers.get("x-stainless-retry-count", "0")
        if number == "0":
            self._here.why = None
            return
        tally: _Tally | None = getattr(self._here, "tally", None)
        if tally is not None:
            tally.n_retries += 1
        why = getattr(self._here, "why", None) or "no answer came"
        self.notice(f"{self.name}: {why}: asked again ({number} of {self.settings.retries})")

    def _sees_response(self, response: Any) -> None:
        status = response.status_code
        self._here.why = None if status < 400 else f"the server said {status} {response.reason_phrase}".rstrip()

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
            told = RemoteError(f"the server's answer is no JSON: {_short(str(error))}", where=self.base_url)
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
            status, said = error.status_code, _short(self._without_key(_said_by(error)))
            what, hint = self._told_status(status, said, error)
        elif isinstance(error, openai.APIConnectionError):
            cause = error.__cause__
            why = _short(self._without_key(str(cause))) if cause is not None else "no connection"
            tried = f"tried {self.settings.retries + 1} times"
            if "Connect" in type(cause).__name__:
                what = f"the server cannot be reached, {tried}: {why}"
                hint = "Is it running, and is --base-url its address, with /v1 where it has that?"
            else:
                what = f"the answer broke off, {tried}: {why}"
        else:
            what = f"the server's answer is none: {_short(self._without_key(str(error)))}"
        return RemoteError(what, where=self.base_url, hint=hint, status=getattr(error, "status_code", None))

    def _told_status(self, status: int, said: str, error: Any) -> tuple[str, str | None]:
        if status == 401:
            return f"the server refuses the key (401): {said}", "Say --api-key-file FILE, or set OPENAI_API_KEY."
        if status == 403:
            return f"the key may not do this (403): {said}", None
        if status == 404:
            return f"the server knows no such model or address (404): {said}", self._near()
        if status == 429:
            wait = error.response.headers.get("retry-after")
            later = f"; it says to wait {wait} s" if wait else ""
            tries = self.settings.retries + 1
            return f"the server limits the rate (429){later}, after at most {tries} tries: {said}", (
                "Ask less at once, --at-once 1, or try again later: answers that came are kept."
            )
        if status >= 500:
            return f"the server failed ({status}), asked {self.settings.retries + 1} times: {said}", None
        return f"the server refuses the request ({status}): {said}", None

    def _near(self) -> str | None:
        """The server's names that are near this one."""
        import openai

        try:
            names = [model.id for model in self._client.with_options(max_retries=0, timeout=10).models.list()]
        except (openai.OpenAIError, ValueError, AttributeError, TypeError):
            return "Is --base-url its address, with /v1 where it has that?"
        near = did_you_mean(self.model, names)
        return near or (f"it has: {_short(', '.join(names))}" if names else None)

    def _without_key(self, text: str) -> str:
        key = None if self._key is None else self._key.get_secret_value()
        return text.replace(key, "[key]") if key else text


def open_remote(
    name: str, settings: RemoteSettings | None = None, notice: Callable[[str], None] = lambda text: None
) -> RemoteModel:
    """`openai:NAME` -> the model of a server. Nothing is asked yet. Raises as RemoteModel does."""
    return RemoteModel(name, settings, notice)


def key_of_file(path: str) -> SecretStr:
    """The key that a file holds, on a line alone. Raises InputError, which does not repeat it."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from None
    except UnicodeDecodeError:
        raise InputError("this file holds no key: it is no text", where=path) from None
    return _checked_key(text, path)


def _key_of_environment() -> SecretStr | None:
    text = os.environ.get("OPENAI_API_KEY", "")
    return _checked_key(text, "OPENAI_API_KEY") if text.strip() else None


def _checked_key(text: str, where: str) -> SecretStr:
    key = text.strip()
    if not re.fullmatch(r"[!-~]+", key):
        what = "is empty" if not key else "is no key: it has blanks, several lines or letters that no key has"
        raise InputError(what, where=where, hint="A key is one word of ASCII characters.")
    return SecretStr(key)


def _address(url: str) -> str:
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


def refuse_unknown_settings(settings: GenerateConfig) -> None:
    """Raises ConfigError for a way to write that the interface does not have, where it is asked for."""
    defaults = GenerateConfig()
    for name in ("top_k", "min_p", "repetition_penalty"):
        if getattr(settings, name) != getattr(defaults, name):
            raise ConfigError(
                f"generate.{name} is {getattr(settings, name):g}, which a remote model does not know",
                hint="Leave it out: it knows temperature, top_p, presence_penalty, frequency_penalty and stop.",
            )
    if settings.top_p == 0:
        raise ConfigError("generate.top_p is 0, which a remote model refuses", hint="Say --temperature 0.")


# --- texts that are given back


def places_in(text: str, tokens: Sequence[str], offsets: Sequence[Any] | None) -> list[tuple[int, int]] | None:
    """Where each token stands in the text, in code points; a mark before it stands nowhere, (0, 0). None where they are
    not tokens of this text.

    Tokens may be parts of characters, written as bytes (`bytes:\\xe5\\xb1`) or as U+FFFD; then offsets, the server's
    own code points of their beginnings, say where they are, and without them none is known.

    >>> places_in("ab", ["<s>", "a", "b"], None), places_in("ab", ["a", "c"], None)
    ([(0, 0), (0, 1), (1, 2)], None)
    """
    for n_marks in (0, 1):
        own = [bytes_of(token) for token in tokens[n_marks:]]
        if all(part is not None for part in own):
            if b"".join(part or b"" for part in own) == text.encode():
                return [(0, 0)] * n_marks + _spans(text, [len(part or b"") for part in own])
            continue
        whole = [(None if part is None else part) for part in own]
        places = offsets[n_marks:] if offsets is not None and len(offsets) == len(tokens) else None
        if places is not None and _fit(text, whole, tokens[n_marks:], places):
            ends = [*places[1:], len(text)]
            return [(0, 0)] * n_marks + [(start, max(start, end)) for start, end in zip(places, ends, strict=True)]
    return None


def _fit(text: str, parts: Sequence[bytes | None], tokens: Sequence[str], places: Sequence[Any]) -> bool:
    if not all(isinstance(place, int) and 0 <= place <= len(text) for place in places) or (places and places[0] != 0):
        return False
    if any(one > other for one, other in pairwise(places)):
        return False
    return all(
        part is None or token.startswith("bytes:") or text.startswith(token, place)
        for part, token, place in zip(parts, tokens, places, strict=True)
    )


def _spans(text: str, lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Places in bytes, one after the other, as code points; part of a character counts as the whole."""
    from textmill.generation.scoring import character_places

    spans, start = [], 0
    for length in lengths:
        spans.append((start, start + length))
        start += length
    return character_places(text, spans) if spans else []


def bytes_of(token: str) -> bytes | None:
    """The bytes of a token as the interface writes it; None where it is part of a character that is not told.

    >>> bytes_of("山"), bytes_of(r"bytes:\xe5\xb1"), bytes_of("\ufffd")
    (b'\xe5\xb1\xb1', b'\xe5\xb1', None)
    """
    if re.fullmatch(r"bytes:(\\x[0-9a-fA-F]{2})+", token):
        return bytes.fromhex(token.removeprefix("bytes:").replace("\\x", ""))
    return None if "\ufffd" in token else token.encode(errors="surrogatepass")


def readable(token: str) -> str:
    """A token for the eye: bytes as in the token texts of our own.

    >>> readable(r"bytes:\xe5\xb1")
    '<E5><B1>'
    """
    if not token.startswith("bytes:"):
        return token
    part = bytes_of(token) or b""
    return "".join(f"<{byte:02X}>" for byte in part) if part != token.encode() else token


def _is_not_there(error: RemoteError) -> bool:
    """The endpoint is not there for this model, so that the other one may be."""
    return error.status in (404, 405, 501) or (error.status == 400 and "chat" in error.message.lower())


def _said_by(error: Any) -> str:
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        body = inner.get("message", inner) if isinstance(inner, dict) else inner
    return str(body if body else error.response.text or "nothing more")


def _short(text: str) -> str:
    line = " ".join(text.split())
    line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= LONGEST_SAID else line[: LONGEST_SAID - 1] + "…"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
