"""Ask whether hybrid batches reduce language bias and keep monolingual quality.

    python analyses/hybrid_study/run.py --data xquad-r:PATH --minilm FOLDER --work WORK

trains every strategy and alpha from every start and seed into WORK, measures each on the test
articles of XQuAD-R, and writes tables, figures and findings to reports/hybrid_study. It goes on
where it was interrupted; what is measured is not trained again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import alignkit
from alignkit.checkpoints import EncodeOptions
from alignkit.training import Articles, BatchStrategy, TrainSettings, train

HERE = Path(__file__).parent
SEEN = ("ar", "de", "en", "es", "hi", "ru", "th", "tr", "zh")  # trained on, as in 2408.10536
UNSEEN = ("el", "vi")
ARTICLES = Articles(train="0-31", validation="32-35", test="36-47")
SEEDS = range(5)
RESAMPLES = 1000
STRATEGIES = {
    "cross-lingual": BatchStrategy("cross-lingual"),  # alpha 0
    "hybrid .2": BatchStrategy("hybrid", alpha=0.2),
    "hybrid .4": BatchStrategy("hybrid", alpha=0.4),
    "hybrid .5": BatchStrategy("hybrid", alpha=0.5),
    "hybrid .6": BatchStrategy("hybrid", alpha=0.6),
    "hybrid .8": BatchStrategy("hybrid", alpha=0.8),
    "monolingual": BatchStrategy("monolingual"),  # alpha 1
    "same-language": BatchStrategy("same-language"),
    "one-to-k": BatchStrategy("one-to-k"),
}
MEASURES = {  # name → task, setting, metric
    "monolingual mAP": ("answer-retrieval", "monolingual", "map"),
    "cross-lingual mAP": ("answer-retrieval", "cross-lingual", "map"),
    "multilingual mAP": ("answer-retrieval", "multilingual", "map"),
    "multilingual recall@10": ("answer-retrieval", "multilingual", "recall@10"),
    "rank distance": ("answer-retrieval", "multilingual", "rank_distance"),
    "same-language lift@10": ("answer-retrieval", "multilingual", "same_language_lift@10"),
    "translation recall@1": ("question-alignment", "cross-lingual", "recall@1"),
    "cosine margin": ("question-alignment", "cross-lingual", "cosine_margin"),
}


@dataclass(frozen=True)
class Run:
    """One training: which start, strategy and seed."""

    start: str
    strategy: str
    seed: int

    @property
    def name(self) -> str:
        """A file name."""
        return f"{self.start}-{self.strategy.replace(' .', '0')}-seed{self.seed}"


def encode_options(run: Run, options: argparse.Namespace) -> EncodeOptions:
    """Precision is for the transformer: a bag of subwords has nothing to gain."""
    dtype = options.dtype if run.start == "minilm" else "float32"
    return EncodeOptions(device=options.device, dtype=dtype)


def settings_of(run: Run, options: argparse.Namespace) -> TrainSettings:
    """How the run is trained; sizes are those that fit the machine."""
    one_to_k = run.strategy == "one-to-k"
    common = TrainSettings(
        strategy=STRATEGIES[run.strategy],
        data=(options.data,),
        articles=ARTICLES,
        languages=SEEN,
        seed=run.seed,
        encode=encode_options(run, options),
    )
    if run.start == "scratch":
        # One-to-K shows ten texts an example: as many texts a step as the others.
        sized = replace(common, steps=1200, batch=26 if one_to_k else 128, learning_rate=1e-2)
    else:
        sized = replace(
            common, init=options.minilm, steps=options.minilm_steps, batch=6 if one_to_k else 32,
            learning_rate=2e-4, max_length=64,
        )  # fmt: skip
    return replace(sized, save_every=sized.steps, keep=1)


def train_and_measure(run: Run, options: argparse.Namespace) -> None:
    """Train unless that is done, measure, and keep the measures alone."""
    target = options.work / f"{run.name}.npz"
    if target.exists():
        return
    folder = options.work / run.name
    if not _is_finished(folder):
        train(settings_of(run, options), folder)
    np.savez(options.work / f"{run.name}.part.npz", **measured(run, options))
    (options.work / f"{run.name}.part.npz").rename(target)
    for step in folder.glob("checkpoint-*"):
        shutil.rmtree(step)


def _is_finished(folder: Path) -> bool:
    path = folder / "provenance.json"
    return path.exists() and json.loads(path.read_text("utf-8"))["finished"]


def measured(run: Run, options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Values of every measure and group of languages, (1 + resamples,): the first is of all ids.

    Every run draws the same resamples of question ids, so that runs can be compared in each.
    """
    dataset = alignkit.load_dataset(options.data, split=f"articles:{ARTICLES.test}")
    folder = str(options.work / run.name)
    checkpoint = alignkit.load_checkpoint(folder, encode_options(run, options))
    queries = alignkit.embed(checkpoint, dataset.queries, "query")
    passages = alignkit.embed(checkpoint, dataset.passages, "passage")
    found = {
        (one.task, one.setting, one.metric): one
        for one in alignkit.measure(dataset, queries, passages).measured
    }
    ids = len(dataset.queries.frame["parallel_id"].unique())
    drawn = np.random.default_rng(0).integers(0, ids, (RESAMPLES, ids))
    counts = [np.ones(ids), *(np.bincount(row, minlength=ids) for row in drawn)]
    weights = np.array(counts, float)
    values: dict[str, np.ndarray] = {}
    for name, key in MEASURES.items():
        one = found[key]
        cells = (weights @ one.numerator) / (weights @ one.design.denominator)
        for group in ("all", "seen", "unseen"):
            outputs = [
                column
                for column, (query, passage) in enumerate(one.design.outputs)
                if _belongs(query, passage, one.setting, group)
            ]
            members = one.design.members[:, outputs].any(axis=1)
            values[f"{name}|{group}"] = cells[:, members].mean(axis=1)
    return values


def _belongs(query: str, passage: str, setting: str, group: str) -> bool:
    """Whether a row of the tables is of a group: a pair is seen if both its languages are."""
    if query == "*" or (setting == "multilingual") != (passage == "*"):
        return False
    seen = query in SEEN and (passage == "*" or passage in SEEN)
    return group == "all" or (group == "seen") == seen


def main() -> None:
    """Read the command line; with --one, do one run in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="xquad-r:PATH")
    parser.add_argument("--minilm", default=None, help="a sentence-transformers folder: 2nd start")
    parser.add_argument("--minilm-steps", type=int, default=50)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints, measures")
    parser.add_argument("--out", type=Path, default=Path("reports/hybrid_study"))
    parser.add_argument("--published", type=Path, default=None, help="CSV of published figures")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--one", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    starts = ["scratch", *(["minilm"] if options.minilm else [])]
    runs = [Run(start, name, seed) for start in starts for seed in SEEDS for name in STRATEGIES]
    if options.one:
        train_and_measure(next(run for run in runs if run.name == options.one), options)
        return
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda run: _in_a_process(run, options), runs))
    sys.path.insert(0, str(HERE))
    from findings import write_findings

    write_findings(options, starts, list(STRATEGIES), list(MEASURES), list(SEEDS))


def _in_a_process(run: Run, options: argparse.Namespace) -> None:
    """One process a run: threads and memory are its own."""
    if (options.work / f"{run.name}.npz").exists():
        return
    threads = str(max(1, (os.cpu_count() or 1) // options.jobs))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads,
                   "NUMBA_NUM_THREADS": threads}  # fmt: skip
    command = [sys.executable, __file__, *sys.argv[1:], "--one", run.name]
    print(run.name, flush=True)
    subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
