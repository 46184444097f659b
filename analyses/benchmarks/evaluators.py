"""The evaluation of given vectors: alignkit, all measures, against the evaluators people use."""

from collections.abc import Callable

import numpy as np
import pytrec_eval
import torch
from measures import made_vectors
from timing import Row, alternate, faster

import alignkit
from alignkit.tables import Dataset

K = 100
MEASURES = {"map_cut.100", "ndcg_cut.10", "recall.100"}


def evaluators(dataset: Dataset, repetitions: int) -> list[Row]:
    """Evaluate one checkpoint; the peers rank the multilingual pool once and split nothing."""
    queries, passages = made_vectors(np.random.default_rng(0), dataset, 0.4)
    asked, pool = (
        torch.nn.functional.normalize(torch.from_numpy(side.vectors))
        for side in (queries, passages)
    )
    task = next(one for one in dataset.tasks if one.name == "answer-retrieval")
    query_ids, passage_ids = (list(texts.frame["id"]) for texts in (task.queries, task.passages))
    qrels: dict[str, dict[str, int]] = {}
    for row, column in zip(task.qrels.queries, task.qrels.passages, strict=True):
        qrels.setdefault(query_ids[row], {})[passage_ids[column]] = 1

    def run_of_best() -> dict[str, dict[str, float]]:
        run: dict[str, dict[str, float]] = {}
        for start in range(0, len(asked), 500):
            scores, columns = torch.topk(asked[start : start + 500] @ pool.T, K)
            rows = zip(
                query_ids[start : start + 500], scores.tolist(), columns.tolist(), strict=True
            )
            for name, values, places in rows:
                run[name] = {passage_ids[j]: v for j, v in zip(places, values, strict=True)}
        return run

    def by_pytrec_eval() -> None:
        pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run_of_best())

    def by_ranx() -> None:
        from ranx import Qrels, Run, evaluate

        evaluate(Qrels(qrels), Run(run_of_best()), ["map@100", "ndcg@10", "recall@100"])

    works: dict[str, Callable[[], object]] = {
        "alignkit": lambda: alignkit.measure(dataset, queries, passages),
        "MTEB": mteb_search(dict(zip(query_ids, asked.numpy(), strict=True)),
                            dict(zip(passage_ids, pool.numpy(), strict=True)), qrels),
        "pytrec_eval": by_pytrec_eval,
        "ranx": by_ranx,
        "TranslationEvaluator": translation(dataset, asked),
    }  # fmt: skip
    seconds = alternate(works, repetitions)
    names = {
        "MTEB": "MTEB's retrieval evaluator, one pool",
        "pytrec_eval": "top-100 by torch, pytrec_eval's run dictionary",
        "ranx": "top-100 by torch, ranx",
        "TranslationEvaluator": "TranslationEvaluator, 55 pairs of languages, nothing else",
    }
    return [
        faster("every measure of one checkpoint", name, "", seconds["alignkit"], seconds[key])
        for key, name in names.items()
    ]


def mteb_search(
    queries: dict[str, np.ndarray],
    passages: dict[str, np.ndarray],
    qrels: dict[str, dict[str, int]],
) -> Callable[[], object]:
    """MTEB's own search and evaluation, with an encoder that looks vectors up by text."""
    from datasets import Dataset as Rows
    from mteb import TaskMetadata, get_task
    from mteb._evaluators.retrieval_evaluator import RetrievalEvaluator
    from mteb.models import ModelMeta
    from mteb.models.abs_encoder import AbsEncoder
    from mteb.models.search_wrappers import SearchEncoderWrapper
    from mteb.timing import TimingStack

    class LookUp(AbsEncoder):
        mteb_model_meta = ModelMeta.create_empty()

        def __init__(self) -> None:
            self.vectors = queries | passages

        def encode(self, inputs: object, **_: object) -> torch.Tensor:
            names = [name for batch in inputs for name in batch["text"]]
            return torch.from_numpy(np.stack([self.vectors[name] for name in names]))

        def similarity(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return torch.as_tensor(a) @ torch.as_tensor(b).T

    about: TaskMetadata = get_task("SciFact").metadata
    asked = Rows.from_dict({"id": list(queries), "text": list(queries)})
    pool = Rows.from_dict(
        {"id": list(passages), "text": list(passages), "title": [""] * len(passages)}
    )

    def search() -> object:
        evaluator = RetrievalEvaluator(
            pool, asked, task_metadata=about, hf_split="test", hf_subset="default", top_k=K,
            timer=TimingStack(),
        )  # fmt: skip
        found = evaluator(SearchEncoderWrapper(LookUp()), encode_kwargs={"batch_size": 1024})
        return evaluator.evaluate(qrels, found, (1, 10, K))

    return search


def translation(dataset: Dataset, vectors: torch.Tensor) -> Callable[[], object]:
    """sentence-transformers' evaluator of translations, over every two languages."""
    from itertools import combinations

    from sentence_transformers.sentence_transformer.evaluation import TranslationEvaluator

    frame = dataset.queries.frame
    of_language = {
        code: rows.sort_values("parallel_id").index for code, rows in frame.groupby("language")
    }
    works = []
    for pair in combinations(of_language.values(), 2):
        texts = [frame["id"][rows].tolist() for rows in pair]
        of_text = {frame["id"][row]: vectors[row] for rows in pair for row in rows}
        evaluator = TranslationEvaluator(*texts, write_csv=False)
        evaluator.embed_inputs = lambda _, texts, v=of_text: [v[text] for text in texts]
        evaluator.store_metrics_in_model_card_data = lambda *_: None
        works.append(evaluator)
    return lambda: [one(None) for one in works]
