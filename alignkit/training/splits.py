"""What to train on, to validate on and to keep for the test, and that they share no question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from alignkit.datasets import DATASETS, load_dataset, splits_of
from alignkit.datasets.published import ARTICLES
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Dataset, Texts

HELD_OUT = 0.1  # share of the training questions that validates, where data have no such split
_SHOWN = 5  # ids named in an error


@dataclass(frozen=True)
class Articles:
    """Splits by article, for XQuAD-R and MLQA-R: ranges such as `0-31` or `0-9,12`."""

    train: str | None = None
    validation: str | None = None
    test: str | None = None

    def of(self, split: str) -> str | None:
        """Give the dataset's name for a split."""
        spans = {"train": self.train, "validation": self.validation, "test": self.test}[split]
        return None if spans is None else f"{ARTICLES}:{spans}"


@dataclass(frozen=True)
class Splits:
    """Training data, a dataset each source, and validation data, empty if not asked for."""

    train: list[Dataset]
    validation: list[Dataset]


def load_splits(
    data: Sequence[str],
    *,
    articles: Articles | None = None,
    validate: bool = False,
    languages: tuple[str, ...] | None = None,
    candidate: str = "sentence",
    offline: bool = False,
    reporter: Reporter = SILENT,
) -> Splits:
    """Load the train split of every dataset and, with `validate`, its validation split.

    Where data have no validation split, a tenth of the training questions is held out, the same
    whatever the seed. The test split is loaded where there is one, to see that it shares no
    question with the others.

    Raises
    ------
    AlignkitError
        If a dataset has no train split, or an id stands in two splits.
    """
    articles = articles or Articles()
    train: list[Dataset] = []
    validation: list[Dataset] = []
    for spec in data:
        _check_articles(spec, articles)
        found = {
            split: load_dataset(
                spec, languages=languages, candidate=candidate, split=own_name, offline=offline,
                reporter=reporter,
            )
            for split in ("train", "validation", "test")
            if (own_name := _name_of(spec, split, articles))
        }  # fmt: skip
        _check_no_leak(found)
        learnt, held_out = found["train"], found.get("validation")
        if validate and held_out is None:
            learnt, held_out = _hold_out(learnt)
        train.append(learnt)
        validation += [held_out] if validate and held_out else []
    return Splits(train, validation)


def _check_articles(spec: str, articles: Articles) -> None:
    card = DATASETS.get(spec.partition(":")[0])
    by_article = card.further_splits.startswith(ARTICLES)
    given = articles != Articles()
    if given and not by_article:
        raise AlignkitError(
            f"the dataset {card.card.name!r} has no articles; leave --train-articles, "
            "--validation-articles and --test-articles away"
        )
    if by_article and articles.train is None:
        raise AlignkitError(
            f"the dataset {card.card.name!r} has no split 'train'; say which of its articles to "
            "train on and which to keep for the test: --train-articles 0-31 --test-articles 36-47"
        )


def _name_of(spec: str, split: str, articles: Articles) -> str | None:
    """Give the dataset's own name of a split; None where it has none but may have none."""
    card = DATASETS.get(spec.partition(":")[0])
    if card.further_splits.startswith(ARTICLES):
        return articles.of(split)
    return split if split == "train" or split in splits_of(spec) else None


def _check_no_leak(found: dict[str, Dataset]) -> None:
    ids = {split: set(one.queries.frame["parallel_id"]) for split, one in found.items()}
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        shared = sorted(ids.get(one, set()) & ids.get(other, set()))
        if shared:
            named = ", ".join(map(repr, shared[:_SHOWN]))
            more = f" and {len(shared) - _SHOWN} more" if len(shared) > _SHOWN else ""
            raise AlignkitError(
                f"{found[one].name}: the splits {one!r} and {other!r} share {len(shared)} query "
                f"ids: {named}{more}; leave each in one of them"
            )


def _hold_out(dataset: Dataset) -> tuple[Dataset, Dataset]:
    ids = sorted(dataset.queries.frame["parallel_id"].unique())
    n = max(1, round(len(ids) * HELD_OUT))
    if n >= len(ids):
        raise AlignkitError(
            f"{dataset.name} has {len(ids)} questions, too few to hold some out; leave --eval-every"
        )
    chosen = np.random.default_rng(0).choice(len(ids), n, replace=False)
    held_out = {ids[i] for i in chosen.tolist()}
    return choose_ids(dataset, set(ids) - held_out), choose_ids(dataset, held_out)


def choose_ids(dataset: Dataset, ids: set[str]) -> Dataset:
    """Take the part of a dataset with these queries, without passages that only answer others."""
    frame = dataset.queries.frame
    queries = frame[frame["parallel_id"].isin(ids)].reset_index(drop=True)
    mine = dataset.qrels["query_id"].isin(set(queries["id"]))
    others = set(dataset.qrels["passage_id"][~mine]) - set(dataset.qrels["passage_id"][mine])
    passages = dataset.passages.frame
    passages = passages[~passages["id"].isin(others)].reset_index(drop=True)
    known = set(passages["id"])
    negatives = dataset.negatives
    lost = dataset.unfindable
    keep = negatives["query_id"].isin(set(queries["id"])) & negatives["passage_id"].isin(known)
    return replace(
        dataset,
        queries=Texts(queries),
        passages=Texts(passages),
        qrels=dataset.qrels[mine].reset_index(drop=True),
        negatives=negatives[keep].reset_index(drop=True),
        unfindable=lost[lost["query_id"].isin(set(queries["id"]))].reset_index(drop=True),
    )
