"""On what terms an embedding endpoint is used: address, key, rates and price, checked."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from alignkit.errors import AlignkitError

KEYS = (
    "dimensions", "batch", "requests-per-minute", "tokens-per-minute", "price", "max-cost",
    "timeout", "key-env",
)  # fmt: skip
OPENAI = "openai:"
_WHOLE = ("dimensions", "batch")
_OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Address:
    """Where an endpoint is and which model it is asked for; a value with a check.

    `key_env` names the environment variable with the key: the key itself is read when a request is
    made, and stands in no value that could be printed or stored.
    """

    url: str
    model: str
    key_env: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not (parts.hostname and self.model):
            raise AlignkitError(
                f"{self.url!r} with the model {self.model!r} is no endpoint; write it as "
                "openai:MODEL or https://HOST/v1#MODEL"
            )
        if parts.username or parts.password or parts.query:
            raise AlignkitError(
                f"the address of an endpoint at {parts.hostname} must hold no key; put that into "
                f"the environment variable {self.key_env}"
            )
        if self.key and parts.scheme != "https" and not self.is_local:
            raise AlignkitError(
                f"{self.url} would send the key in {self.key_env} unencrypted; use https, or "
                "unset it"
            )

    @property
    def host(self) -> str:
        """Name of the machine, for words to the user."""
        return urlsplit(self.url).netloc

    @property
    def key(self) -> str | None:
        """The key, read now."""
        return os.environ.get(self.key_env) or None

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


@dataclass(frozen=True)
class Terms:
    """How much is asked at once, how often, and at what price; a value with a check.

    `batch` is texts a request, `price` of a million tokens in any currency, `timeout` in seconds.
    """

    dimensions: int | None = None
    batch: int = 128
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    price: float | None = None
    max_cost: float | None = None
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if self.max_cost is not None and self.price is None:
            raise AlignkitError("max-cost needs the price of a million tokens, as in price=0.02")

    def cost(self, n_tokens: int) -> float | None:
        """Price of so many tokens; None where it is not known."""
        return None if self.price is None else self.price * n_tokens / 1e6


def read_address(location: str, own: Mapping[str, str]) -> Address:
    """Read `openai:MODEL`, at OPENAI_BASE_URL if that is set, or `https://HOST/v1#MODEL`.

    The key is in OPENAI_API_KEY, of another address in ALIGNKIT_API_KEY, or where `key-env` says.
    """
    if location.startswith(OPENAI):
        url = os.environ.get("OPENAI_BASE_URL") or _OPENAI_URL
        model, usual = location.removeprefix(OPENAI), "OPENAI_API_KEY"
    else:
        (url, _, model), usual = location.partition("#"), "ALIGNKIT_API_KEY"
    return Address(url.rstrip("/"), model, own.get("key-env", usual))


def read_terms(own: Mapping[str, str]) -> Terms:
    """Read the keys behind an endpoint's name."""
    read: dict[str, Any] = {}
    for key, value in own.items():
        if key != "key-env":
            number = _number(key, value)
            read[key.replace("-", "_")] = int(number) if key in _WHOLE else number
    return Terms(**read)


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    whole = key not in _WHOLE or number.is_integer()
    least = 0.0 if key in ("price", "max-cost") else 1e-3
    if not (whole and least <= number < float("inf")):
        kind = "a whole number" if key in _WHOLE else "a number"
        raise AlignkitError(f"{key} is {value!r}; it must be {kind} above 0, as in {key}=8")
    return number
