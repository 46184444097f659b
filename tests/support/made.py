"""Datasets and vectors made for tests: small, seeded, with every oddity that real ones have."""

import numpy as np
import pandas as pd

from alignkit.tables import QREL_COLUMNS, TEXT_COLUMNS, Dataset, DatasetCard, Embeddings, Texts

CARD = DatasetCard("made", "made for tests", (), "none", "tests", "")


def texts(rows):
    return Texts(pd.DataFrame(rows, columns=TEXT_COLUMNS))


def partly_parallel(rng, languages=("ar", "de", "en", "th"), n_ids=30, n_passages=50):
    """Ids exist in some languages only; some queries have two answers in a language."""
    queries, passages, qrels = [], [], []
    for language in languages:
        # Passages of a language don't stand together, and their order is no order of ids.
        passages += [
            (f"{language}:p{i}", language, "", f"{language} {i}") for i in range(n_passages)
        ]
        for i in rng.permutation(n_ids):
            if rng.random() < 0.7:
                queries.append((f"{language}:q{i}", language, f"q{i}", f"{language}? {i}"))
                answers = rng.choice(n_passages, rng.integers(1, 3), replace=False)
                qrels += [(f"{language}:q{i}", f"{language}:p{p}", 1) for p in answers]
    passages = [passages[i] for i in rng.permutation(len(passages))]
    return Dataset(
        CARD, texts(queries), texts(passages), pd.DataFrame(qrels, columns=QREL_COLUMNS), "0"
    )


def fully_parallel(languages, n_ids, n_distractors=0):
    """Every id in every language, one answer each."""
    queries = [(f"{a}:{i}", a, str(i), f"{a}? {i}") for a in languages for i in range(n_ids)]
    passages = [
        (f"{a}:p{i}", a, "", f"{a} {i}") for a in languages for i in range(n_ids + n_distractors)
    ]
    qrels = [(f"{a}:{i}", f"{a}:p{i}", 1) for a in languages for i in range(n_ids)]
    return Dataset(
        CARD, texts(queries), texts(passages), pd.DataFrame(qrels, columns=QREL_COLUMNS), "0"
    )


def random_embeddings(rng, dataset, dim=12, similarity="cosine"):
    """Vectors that know something of the answers, of lengths that differ."""

    def embed(part):
        vectors = rng.standard_normal((len(part), dim)) * rng.uniform(0.5, 2.0, (len(part), 1))
        return Embeddings(part, vectors.astype(np.float32), similarity)

    return embed(dataset.queries), embed(dataset.passages)


def planted_bias(rng, dataset, strength, dim=24, noise=0.3):
    """Meaning + strength × a direction of each language: the bias is known."""
    languages = dataset.queries.languages
    offsets = np.linalg.qr(rng.standard_normal((dim, dim)))[0][: len(languages)]
    meaning = {}

    def embed(part):
        keys = [key.split(":")[1].lstrip("p") for key in part.frame["id"]]
        for key in keys:
            meaning.setdefault(key, rng.standard_normal(dim) / np.sqrt(dim))
        vectors = np.array([meaning[key] for key in keys])
        vectors += noise * rng.standard_normal(vectors.shape) / np.sqrt(dim)
        vectors += strength * offsets[part.language_codes]
        return Embeddings(part, vectors.astype(np.float32))

    return embed(dataset.queries), embed(dataset.passages)
