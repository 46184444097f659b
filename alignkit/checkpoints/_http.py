"""Requests to an embedding endpoint, at the given rate and again where that may help; answers."""

import json
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, cast

import numpy as np

from alignkit import __version__
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._terms import Address, Terms
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter

ATTEMPTS = 7
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds, doubled from one attempt to the next
PATIENCE = 600.0  # a server that wants to be left alone for longer is not waited for
_PASSING = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_NO_MONEY = "insufficient_quota"  # OpenAI's word; it comes as a 429, and waiting does not help


class _PassingError(Exception):
    """What may be otherwise next time; `wait` is what the server asks for, in seconds."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: the key would go there too."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        return None


@dataclass
class Turnstile:
    """Lets requests through at a rate; a class because they come from several threads.

    A request takes its share of a minute, by its own number and by its tokens, and the next begins
    when that is over.
    """

    terms: Terms
    stopped: threading.Event = field(default_factory=threading.Event)
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_through(self, n_tokens: int) -> None:
        """Wait for a turn."""
        by_number = 60 / self.terms.requests_per_minute if self.terms.requests_per_minute else 0.0
        by_tokens = (
            60 * n_tokens / self.terms.tokens_per_minute if self.terms.tokens_per_minute else 0.0
        )
        with self._lock:
            now = time.monotonic()
            start = max(now, self._free_at)
            self._free_at = start + max(by_number, by_tokens)
        self.wait(start - now)

    def wait(self, seconds: float) -> None:
        """Wait, unless all is stopped."""
        if self.stopped.wait(max(seconds, 0.0)):
            raise AlignkitError("stopped")


@dataclass
class Client:
    """Asks an endpoint; a class because threads share its turnstile."""

    address: Address
    terms: Terms
    reporter: Reporter = SILENT

    def __post_init__(self) -> None:
        self.turnstile = Turnstile(self.terms)
        # What runs here is not asked through a proxy, whatever the environment says of proxies.
        direct = [urllib.request.ProxyHandler({})] if self.address.is_local else []
        self._opener = urllib.request.build_opener(_NoRedirect, *direct)
        self._rng = np.random.default_rng()

    def post(self, body: dict[str, Any], n_tokens: int) -> Any:  # noqa: ANN401  JSON
        """Send `body` to /embeddings; give the JSON of the answer.

        What may pass (no connection, 429, 5xx, an answer cut off) is tried again, after a time
        that doubles, with jitter, and is at least what the server asks for.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self.turnstile.pass_through(n_tokens)
            try:
                return self._post(body)
            except _PassingError as error:
                if attempt == ATTEMPTS or error.wait > PATIENCE:
                    raise self._given_up(error, attempt) from error
                usual = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
                wait = max(error.wait, usual * self._rng.uniform(0.5, 1.0))
                self.reporter.say(f"{error}; again in {wait:.1f} s", level=0 if wait > 5 else 1)
                self.turnstile.wait(wait)
        raise AssertionError

    def _post(self, body: dict[str, Any]) -> Any:  # noqa: ANN401
        headers = {"Content-Type": "application/json", "User-Agent": f"alignkit/{__version__}"}
        if self.address.key:
            headers["Authorization"] = f"Bearer {self.address.key}"
        request = urllib.request.Request(  # noqa: S310  https, or http as the user wrote it
            f"{self.address.url}/embeddings", json.dumps(body).encode(), headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self.terms.timeout) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except (OSError, HTTPException) as error:  # URLError, TimeoutError and resets are OSErrors
            reason = cause(getattr(error, "reason", None) or error)
            raise _PassingError(f"{self.address.host} gives no answer: {reason}") from None
        try:
            return json.loads(content)
        except ValueError:
            what = "an answer that is no JSON" if content else "an empty answer"
            raise _PassingError(f"{self.address.host} gives {what}") from None

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        said, host = self._message(error), self.address.host
        if error.code in _PASSING and _NO_MONEY not in said:
            wait = _seconds(error.headers.get("Retry-After"))
            return _PassingError(f"{host} answers {error.code}{said}", wait)
        if error.code in (401, 403):
            key = self.address.key_env
            what = f"refuses the key in {key}" if self.address.key else f"wants a key in {key}"
        elif error.code == 404:
            what = f"has no model {self.address.model!r}, or no /embeddings at {self.address.url}"
        elif 300 <= error.code < 400:
            what = f"sends requests on to {error.headers.get('Location')}; give that address"
        else:
            what = "refuses a request"
        return AlignkitError(f"{host} {what} ({error.code}{said})")

    def _message(self, error: urllib.error.HTTPError) -> str:
        """Read what the server says, without the key, which some repeat."""
        try:
            text = error.read().decode("utf-8", "replace")
        except (OSError, HTTPException):
            text = ""
        try:
            found: Any = json.loads(text)
        except ValueError:
            found = text
        while isinstance(found, dict):
            named = [found[key] for key in ("error", "message", "detail") if found.get(key)]
            if found.get("code") == _NO_MONEY:
                named = [f"{_NO_MONEY}: {found.get('message')}"]
            found = named[0] if named else ""
        said = cause(ValueError(str(found))) if found else ""
        if self.address.key:
            said = said.replace(self.address.key, "…")
        return f": {said}" if said else ""

    def _given_up(self, error: _PassingError, attempt: int) -> AlignkitError:
        if error.wait > PATIENCE:
            how = f"and asks to be left alone for {error.wait:,.0f} s"
        else:
            how = f"after {attempt} attempts"
        return AlignkitError(
            f"{error}, {how}; what was embedded is kept, so try again later, or set "
            "requests-per-minute= or tokens-per-minute="
        )


def _seconds(retry_after: str | None) -> float:
    """Read Retry-After: seconds, or a date; 0 where there is none that can be read."""
    try:
        seconds = float(retry_after or 0)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(str(retry_after)).timestamp() - time.time()
        except ValueError:
            seconds = 0.0
    return seconds if seconds > 0 else 0.0  # of NaN, 0


def read_answer(answer: object, n_texts: int, host: str) -> np.ndarray:
    """Take the vectors out of an answer, by their `index`, (n_texts, dim) float32.

    Raises AlignkitError where one is missing, double, of another length, or no number.
    """
    items = cast(dict[str, Any], answer).get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AlignkitError(f"{host} gives an answer without a list 'data'; is it an endpoint?")
    found = cast(list[dict[str, Any]], items)
    places = [item.get("index", place) for place, item in enumerate(found)]
    if sorted(places, key=str) != sorted(range(n_texts), key=str):
        raise AlignkitError(
            f"{host} gives {len(found)} vectors for {n_texts} texts"
            + (", or one twice" if len(found) == n_texts else "")
            + "; ask for fewer at once by batch="
        )
    vectors = [item.get("embedding") for _, item in sorted(zip(places, found, strict=True),
                                                           key=lambda pair: pair[0])]  # fmt: skip
    try:
        read = np.array(vectors, np.float32)
    except (TypeError, ValueError):
        read = np.zeros(0, np.float32)
    if read.ndim != 2 or not read.size:
        raise AlignkitError(f"{host} gives vectors of different lengths, or ones that are no lists")
    if not np.isfinite(read).all():
        raise AlignkitError(f"{host} gives NaN or inf in a vector; try again, or another model")
    return read
