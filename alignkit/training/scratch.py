"""A small encoder that knows nothing yet: subwords of the training texts, and a vector for each."""

import re
from collections.abc import Iterable
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from alignkit.errors import AlignkitError

NAME = "scratch"
UNKNOWN = "[UNK]"
VOCABULARY, DIM = 20_000, 192


def is_scratch(init: str) -> bool:
    """Whether `--init` asks for a new encoder: `scratch` or `scratch,vocabulary=N,dim=N`."""
    return init.partition(",")[0] == NAME


def from_scratch(init: str, texts: Iterable[str]) -> SentenceTransformer:
    """Make the encoder: the mean of its subwords' vectors, which are random, scaled to length 1.

    Such a bag of subwords trains in seconds on a CPU and shows what a batch strategy does; it knows
    nothing of word order. Subwords are byte-pair encoded from `texts`, lower-cased and NFKC, words
    split at blanks and punctuation; Thai and Chinese, which write no blanks, are split inside the
    runs between. Torch's random state decides the vectors.

    Raises AlignkitError if `init` has another key, or a number below 2.
    """
    vocabulary, dim = _sizes(init)
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Punctuation("removed"), pre_tokenizers.Metaspace()]
    )
    # Sorted, so that ties between merges do not depend on the order of the texts.
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator(sorted(set(texts)), trainer)
    module: Any = StaticEmbedding(tokenizer, embedding_dim=dim)
    return SentenceTransformer(modules=[module, Normalize()], device="cpu")


def _sizes(init: str) -> tuple[int, int]:
    sizes = {"vocabulary": VOCABULARY, "dim": DIM}
    for setting in init.split(",")[1:]:
        key, _, value = setting.partition("=")
        if key not in sizes or not re.fullmatch(r"\d+", value) or int(value) < 2:
            raise AlignkitError(
                f"cannot read {setting!r} of --init {init!r}; write scratch, or "
                f"scratch,vocabulary={VOCABULARY},dim={DIM}"
            )
        sizes[key] = int(value)
    return sizes["vocabulary"], sizes["dim"]
