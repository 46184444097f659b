"""How a tokenizer treats each language: tokens a word, texts cut off, unknown tokens."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alignkit.checkpoints._sentence_encoder import SentenceEncoder
from alignkit.diagnoses import Finding, Patient, diagnosis
from alignkit.languages import display_order, script
from alignkit.tables import Role, Texts

# Scripts written without blanks between words: there a letter or sign stands for a word.
_WITHOUT_BLANKS = {"Hani", "Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}
_SIGN = re.compile(r"\w")
MANY_CUT = 0.05
SOME_UNKNOWN, MANY_UNKNOWN = 0.01, 0.2


@dataclass(frozen=True)
class TokensOfLanguage:
    """What was counted in the queries and passages of a language, prompts apart.

    `unit` is "word" (what stands between blanks), or "character" (letters and digits) where a
    script has no blanks between words. `cut_off` is the share of texts that are longer, with their
    prompt, than the model reads; `unknown` the share of tokens that are the unknown one, None where
    a tokenizer has none.
    """

    language: str
    n_texts: int
    unit: str
    tokens_per_unit: float
    cut_off: float
    unknown: float | None


def count_tokens(patient: Patient) -> list[TokensOfLanguage]:
    """Count by language; empty where no tokenizer is at hand."""
    encoder = patient.encoder
    if not isinstance(encoder, SentenceEncoder) or not encoder.has_tokenizer:
        return []
    roles: tuple[Role, Role] = ("query", "passage")
    texts: dict[str, list[tuple[Role, str]]] = {}
    for dataset in patient.datasets:
        for role, of_role in zip(roles, (dataset.queries, dataset.passages), strict=True):
            for language, text in _pairs(of_role):
                texts.setdefault(language, []).append((role, text))
    return [_count(encoder, language, texts[language]) for language in display_order(texts)]


def _pairs(texts: Texts) -> Iterator[tuple[str, str]]:
    yield from zip(texts.frame["language"], texts.frame["text"], strict=True)


def _count(
    encoder: SentenceEncoder, language: str, texts: list[tuple[Role, str]]
) -> TokensOfLanguage:
    by_sign = script(language) in _WITHOUT_BLANKS
    plain = [text for _, text in texts]
    n_units = sum(len(_SIGN.findall(text)) if by_sign else len(text.split()) for text in plain)
    ids = encoder.token_ids(plain, special=False)
    n_tokens = sum(map(len, ids))
    prompted = encoder.token_ids([encoder.prompts[role] + text for role, text in texts])
    limits = {role: encoder.limit(role) for role, _ in texts}
    cut = [
        limit is not None and len(one) > limit
        for limit, one in zip((limits[role] for role, _ in texts), prompted, strict=True)
    ]
    unknown = encoder.unknown_id
    return TokensOfLanguage(
        language,
        len(texts),
        "character" if by_sign else "word",
        tokens_per_unit=n_tokens / max(n_units, 1),
        cut_off=float(np.mean(cut)),
        unknown=None
        if unknown is None
        else sum(one.count(unknown) for one in ids) / max(n_tokens, 1),
    )


@diagnosis("tokens")
def tokens(patient: Patient) -> Iterator[Finding]:
    """Report languages whose texts are cut off, or whose tokens are unknown to the tokenizer."""
    counted = count_tokens(patient)
    cut = {one.language: one.cut_off for one in counted if one.cut_off > MANY_CUT}
    if cut:
        yield Finding(
            "warning",
            "tokens",
            f"texts are cut off: {_shares(cut)}",
            "raise max_seq_length as far as the model was trained for, or take shorter passages",
        )
    unknown = {one.language: one.unknown or 0.0 for one in counted}
    unknown = {language: share for language, share in unknown.items() if share > SOME_UNKNOWN}
    if unknown:
        yield Finding(
            "fault" if max(unknown.values()) > MANY_UNKNOWN else "warning",
            "tokens",
            f"tokens are unknown to its tokenizer: {_shares(unknown)}",
            "leave these languages out, or take a model whose tokenizer knows their script",
        )


def _shares(by_language: dict[str, float]) -> str:
    worst = sorted(by_language, key=lambda language: -by_language[language])
    return ", ".join(f"{language} {by_language[language]:.0%}" for language in worst)


def as_rows(counted: list[TokensOfLanguage]) -> list[dict[str, Any]]:
    """Give plain JSON types."""
    return [asdict(one) for one in counted]
