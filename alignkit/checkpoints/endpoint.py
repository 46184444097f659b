"""Models behind an HTTP endpoint that speaks as OpenAI's does."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.checkpoints import Checkpoint, Encoder, checkpoint_kind
from alignkit.checkpoints._http import Client, read_answer
from alignkit.checkpoints._spec import default_label
from alignkit.checkpoints._terms import KEYS, OPENAI, Address, Terms, read_address, read_terms
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Role, Texts

PARALLEL = 4  # requests on their way at once
_BATCH_TOKENS = 16384  # as estimated, of what is embedded before vectors are kept
_BYTES_A_TOKEN = 3  # an estimate: about 4 in English, 2 to 3 in other scripts


@dataclass
class _Account:
    """What has been announced so far, and whom to tell; the state of an endpoint's use."""

    reporter: Reporter = SILENT
    n_tokens: int = 0


@checkpoint_kind("endpoint")
@dataclass(frozen=True)
class EndpointCheckpoint(Checkpoint):
    """`openai:MODEL`, or `https://HOST/v1#MODEL` of any server that speaks the same.

    Vectors are kept in the cache, so that none is paid for twice. Keys of the model's name: see
    `Terms`. Requests go out when a vector is missing, after an estimate of tokens and cost.
    """

    _account: _Account = field(default_factory=_Account, repr=False, compare=False)

    keys = KEYS
    is_paid_for = True
    precedence = 90
    looks_for = "openai:MODEL or https://HOST/v1#MODEL (an endpoint)"

    @classmethod
    def claims(cls, location: str) -> bool:
        """Whether it is `openai:…` or a URL."""
        return location.startswith((OPENAI, "http://", "https://"))

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """No path is one."""
        del path
        return False

    @classmethod
    def label_of(cls, location: str) -> str:
        """Last part of the model's name."""
        return default_label(re.split("[:#]", location)[-1])

    def __post_init__(self) -> None:
        if self.options.pooling != "auto":
            raise AlignkitError(f"{self.label} is an endpoint, which has its own pooling")
        if self.options.batch_tokens is None:
            object.__setattr__(self, "options", replace(self.options, batch_tokens=_BATCH_TOKENS))
        _ = self.address, self.terms

    @cached_property
    def address(self) -> Address:
        """Where it is."""
        return read_address(self.location, self.options.own)

    @cached_property
    def terms(self) -> Terms:
        """How it may be used."""
        return read_terms(self.options.own)

    def prompt(self, role: Role) -> str:
        """Return the one asked for, else none."""
        return self.options.prompt(role) or ""

    def compute_fingerprint(self) -> str:
        """Over the address, the model's name and the dimensions asked for: no weights are seen."""
        stated = [self.address.url, self.address.model, self.terms.dimensions]
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()

    def recipe(self, role: Role) -> dict[str, str]:
        """Add the prompt in force."""
        return {**super().recipe(role), "prompt": self.prompt(role)}

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word on what cannot be known of a model behind a wall."""
        return (
            *super().notes,
            f"{self.label}: {self.address.host} may change {self.address.model} without a word; "
            "kept vectors are not asked for again",
        )

    def describe(self) -> dict[str, Any]:
        """With the address and the model, and no key."""
        return {
            **super().describe(),
            "url": self.address.url,
            "model": self.address.model,
            "dimensions": self.terms.dimensions,
            "prompts": {"query": self.prompt("query"), "passage": self.prompt("passage")},
            "dtype": "float32",
        }

    def lookup(self, texts: Texts, role: Role, reporter: Reporter = SILENT) -> None:
        """Find nothing; note whom to tell what the texts will cost."""
        del texts, role
        self._account.reporter = reporter

    def announce(self, due: Sequence[tuple[Role, Sequence[str]]]) -> None:
        """Tell what the texts will cost; raise where that is more than `max-cost`, with all before.

        Tokens are estimated.
        """
        parts = [(role, [self.prompt(role) + text for text in texts]) for role, texts in due]
        total = sum(int(estimate_tokens(texts).sum()) for _, texts in parts)
        if not total:
            return
        before, terms = self._account.n_tokens, self.terms
        cost, in_all = terms.cost(total), terms.cost(before + total)
        priced = "" if cost is None else f", about {cost:.3g} at {terms.price:g} a million"
        named = " and ".join(f"{len(texts):,} {role}" for role, texts in parts if texts)
        self._account.reporter.say(
            f"{self.label}: {named} texts are to be embedded by {self.address.host}, "
            f"about {total:,} tokens{priced}"
        )
        if terms.max_cost is not None and in_all is not None and in_all > terms.max_cost:
            sent = f"about {terms.cost(before):.3g} of it before" if before else "nothing"
            raise AlignkitError(
                f"{self.label} would cost about {in_all:.3g}, more than max-cost="
                f"{terms.max_cost:g}; {sent} was sent: raise it, or embed fewer texts"
            )
        self._account.n_tokens += total

    def load(self) -> Encoder:
        """Make ready to ask; nothing is sent yet."""
        if self.options.offline and not self.address.is_local:
            raise AlignkitError(
                f"{self.label}: vectors are missing, and --offline forbids to ask "
                f"{self.address.host} for them"
            )
        if self.location.startswith(OPENAI) and not (self.address.key or self.address.is_local):
            raise AlignkitError(f"{self.label} needs a key: set {self.address.key_env}")
        client = Client(self.address, self.terms, self._account.reporter)
        prompts: dict[Role, str] = {role: self.prompt(role) for role in ("query", "passage")}
        return EndpointEncoder(client, prompts)


@dataclass
class EndpointEncoder:
    """Asks an endpoint for vectors; a class because it learns their dimension."""

    client: Client
    prompts: dict[Role, str]
    dim: int = 0  # not known before the first answer, unless the user states it

    def __post_init__(self) -> None:
        self.dim = self.client.terms.dimensions or 0
        self._pool = ThreadPoolExecutor(PARALLEL)

    def token_counts(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Estimate the tokens of each text, (n,) int64."""
        return estimate_tokens([self.prompts[role] + text for text in texts])

    def prepare(self, texts: Sequence[str], role: Role) -> list[list[str]]:
        """Put prompts before texts, and cut them into requests."""
        prompted = [self.prompts[role] + text for text in texts]
        size = self.client.terms.batch
        return [prompted[start : start + size] for start in range(0, len(prompted), size)]

    def launch(self, prepared: list[list[str]]) -> Callable[[], np.ndarray]:
        """Send the requests; the result waits for the answers.

        Before the first of them one word is sent, to learn the length of vectors, where nobody
        states it.
        """
        if not self.dim:
            self._embed(["a"])
        asked: list[Future[np.ndarray]] = [self._pool.submit(self._embed, one) for one in prepared]

        def collect() -> np.ndarray:
            try:
                return np.concatenate([one.result() for one in asked])
            except BaseException:  # Ctrl-C too: no thread may go on waiting and asking
                self.client.turnstile.stopped.set()
                self._pool.shutdown(wait=False, cancel_futures=True)
                raise

        return collect

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Embed one batch, in order, (n, dim) float32."""
        return self.launch(self.prepare(texts, role))()

    def _embed(self, texts: list[str]) -> np.ndarray:
        body: dict[str, Any] = {"model": self.client.address.model, "input": texts}
        if self.client.terms.dimensions is not None:
            body["dimensions"] = self.client.terms.dimensions
        answer = self.client.post(body, int(estimate_tokens(texts).sum()))
        vectors = read_answer(answer, len(texts), self.client.address.host)
        self.dim = self.dim or vectors.shape[1]
        if vectors.shape[1] != self.dim:
            raise AlignkitError(
                f"{self.client.address.host} gives vectors of {vectors.shape[1]} dimensions, not "
                f"of {self.dim}; ask the model for what it can give, by dimensions="
            )
        return vectors


def estimate_tokens(texts: Sequence[str]) -> np.ndarray:
    """Guess the tokens of each text from its bytes, as its tokenizer is not here, (n,) int64."""
    lengths = [len(text.encode("utf-8", "surrogatepass")) for text in texts]
    return np.array([1 + n // _BYTES_A_TOKEN for n in lengths], np.int64)
