"""Texts as a model takes them: each tokenised once, for its count and for its batch.

`preprocess` of sentence-transformers tokenises a batch, and batches are made by counts of tokens:
every text would be tokenised twice, the second time in small batches, which is slow. So the tokens
that were counted are put together here, where that is shown to give what `preprocess` gives, and
`preprocess` is asked where it does not: chat templates, query expansion, unpadded attention.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

PIECE = 2048  # texts tokenised at once: the tokenizer's result holds far more than the tokens
# What tokenizers have their own ways with; a text beyond the limit comes besides.
_PROBES: tuple[str, ...] = (
    "",
    "a",
    "  Two \n words ",
    "<s> [CLS] </s> [MASK] <unk>",
    "Straße, É é ﬁ ½ 🙂",
    "ไทย 日本語 العربية हिन्दी",
)
Features = dict[str, Any]
_Layout = Callable[[list[np.ndarray]], Features]


class Tokens:
    """What texts of one role become; a class because tokens are kept until their batch comes.

    `preprocess` makes a batch of texts into features, as the model would; `tokenizer` is of
    transformers or of tokenizers; `limit` is the number of tokens that the model reads.
    """

    def __init__(
        self,
        preprocess: Callable[[list[str]], Features],
        tokenizer: Any,  # noqa: ANN401  it has no common type
        prompt: str,
        limit: int | None,
    ) -> None:
        self._preprocess = preprocess
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._limit = limit
        self._kept: dict[str, np.ndarray] = {}
        self._layout, self._constant = self._agreeing()

    def counts(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens that the model sees of each text, (n,) int64; they are kept for `features`."""
        rows = self._tokenised(texts)
        if self._layout is not None:
            self._kept = dict(zip(texts, rows, strict=True))
        return np.array([len(row) for row in rows], np.int64)

    def features(self, texts: Sequence[str]) -> Features:
        """Put a batch together as the model takes it."""
        if self._layout is None:
            return dict(self._preprocess(list(texts)))
        unknown = [text for text in dict.fromkeys(texts) if text not in self._kept]
        self._kept.update(zip(unknown, self._tokenised(unknown), strict=True))
        rows = [self._kept[text] for text in texts]
        for text in dict.fromkeys(texts):
            del self._kept[text]
        return self._layout(rows) | self._constant

    def _tokenised(self, texts: Sequence[str]) -> list[np.ndarray]:
        prompted = [self._prompt + text for text in texts]
        return [
            row
            for start in range(0, len(prompted), PIECE)
            for row in self._encoded(prompted[start : start + PIECE])
        ]

    def _encoded(self, texts: list[str]) -> list[np.ndarray]:
        """Tokens of each text, cut off at the limit and with those that frame a text."""
        tokenizer, limit = self._tokenizer, self._limit
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is not None:  # what others set on it does not stay
            backend.no_padding()
            if limit is None:
                backend.no_truncation()
            else:
                backend.enable_truncation(limit, direction=tokenizer.truncation_side)
            encoded = backend.encode_batch_fast(texts)
        elif hasattr(tokenizer, "encode_batch_fast"):  # static embeddings: nothing frames a text
            encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        else:
            ids = tokenizer(
                texts, truncation=limit is not None, max_length=limit, verbose=False
            )["input_ids"]  # fmt: skip
            return [np.array(row, np.int32) for row in ids]
        return [np.array(one.ids, np.int32) for one in encoded]

    def _agreeing(self) -> tuple[_Layout | None, Features]:
        """Find the layout that gives what `preprocess` gives, and what every batch has alike."""
        import torch

        # Twice as many words as fit, where that is no whole book; and narrow batches, since where
        # all are padded to the limit, or to a multiple, a wide one does not show it.
        long = "word " * min(2 * (self._limit or 64), 40_000)
        batches = [[*_PROBES, long], list(_PROBES), ["a"]]
        expected = [dict(self._preprocess(batch)) for batch in batches]
        names = {name for name, value in expected[0].items() if torch.is_tensor(value)}
        constant = {name: value for name, value in expected[0].items() if name not in names}
        rows = [self._tokenised(batch) for batch in batches]
        for layout in (partial(_padded, tokenizer=self._tokenizer, names=names), _flat):
            made = [layout(of_batch) | constant for of_batch in rows]
            if all(map(_same, made, expected)):
                return layout, constant
        return None, constant


def _same(one: Features, other: Features) -> bool:
    """Whether two batches are the same to the last bit."""
    import torch

    return one.keys() == other.keys() and all(
        torch.is_tensor(other[name]) and value.dtype == other[name].dtype
        and torch.equal(value, other[name]) if torch.is_tensor(value) else value == other[name]
        for name, value in one.items()
    )  # fmt: skip


def _padded(rows: list[np.ndarray], tokenizer: Any, names: Collection[str]) -> Features:  # noqa: ANN401
    """One row a text, filled up to the longest."""
    import torch

    lengths = np.array([len(row) for row in rows])
    width = int(lengths.max(initial=0))
    places, pad = np.arange(width), getattr(tokenizer, "pad_token_id", None) or 0
    left = getattr(tokenizer, "padding_side", "right") == "left"
    first = (width - lengths if left else np.zeros_like(lengths))[:, None]
    mask = (places >= first) & (places < first + lengths[:, None])
    ids = np.full(mask.shape, pad, np.int64)
    ids[mask] = np.concatenate(rows)
    made = {"input_ids": ids, "attention_mask": mask.astype(np.int64)}
    if "token_type_ids" in names:
        made["token_type_ids"] = np.zeros_like(ids)
    return {name: torch.from_numpy(value) for name, value in made.items()}


def _flat(rows: list[np.ndarray]) -> Features:
    """All texts one after the other, and where each begins."""
    import torch

    starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
    return {
        "input_ids": torch.from_numpy(np.concatenate(rows).astype(np.int64)),
        "offsets": torch.from_numpy(starts.astype(np.int64)),
    }
