"""Results that others published in MTEB's layout, as rows to stand beside a run's own.

`results/{org}__{model}/{revision}/{Task}.json`. Only measures that mean the same here are taken:
MTEB scores one pool a language, to a depth of 1,000, with relevance as the data set has it.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.metrics import METRICS
from alignkit.tables import AVERAGE, PUBLISHED_COLUMNS

# Tasks whose queries and pools are those of a data set of alignkit. XQuADRetrieval and
# MLQARetrieval are not: their pools are paragraphs. Nor is a "HardNegatives": a part of a pool.
TASKS = {
    "MIRACLRetrieval": "miracl", "MKQARetrieval": "mkqa", "BelebeleRetrieval": "belebele",
    "Tatoeba": "tatoeba",
}  # fmt: skip
OWN = "alignkit-"  # tasks that `--mteb` wrote
_CUT = {"ndcg", "recall", "precision"}  # the same at a cutoff; map@k and mrr@k are cut, ours whole
_BITEXT = {"accuracy": "recall@1"}

_ByLanguage = dict[tuple[str, ...], dict[str, Any]]  # scores of a language, or of a pair


@dataclass(frozen=True)
class Imported:
    """Rows with PUBLISHED_COLUMNS, main scores of every task, and what is left out, with why."""

    rows: pd.DataFrame
    main: pd.DataFrame  # model, task, language, score
    left_out: tuple[str, ...]


def read_mteb(folders: Sequence[Path], names: Mapping[str, str] | None = None) -> Imported:
    """Read all result files in `folders`, at any depth; `names` says TASK → data set where asked.

    Raises AlignkitError where there are none.
    """
    known = TASKS | dict(names or {})
    rows: list[tuple[Any, ...]] = []
    main: list[tuple[Any, ...]] = []
    left_out: list[str] = []
    for path in _files(folders):
        stored = _parse(path)
        scores = stored.get("scores")
        if not isinstance(scores, dict) or "task_name" not in stored:
            left_out.append(f"{path}: not in MTEB's layout since version 1.11")
            continue
        model, revision = _model(path)
        task = stored["task_name"]
        subsets = _test_scores(scores)
        main += [(model, task, _label(one), one.get("main_score")) for one in subsets]
        dataset = known.get(task) or (task.removeprefix(OWN) if task.startswith(OWN) else None)
        if dataset is None:
            left_out.append(f"{path}: {task} has other queries or pools than any data set here")
            continue
        head = (f"MTEB {task}", model, f"@{revision[:7]}", dataset)
        by_language, faults = _by_language(subsets)
        rows += [(*head, *row) for row in _rows(by_language, complete=not faults)]
        left_out += [f"{path}: {fault}" for fault in (*faults, *_without_figures(by_language))]
    if not main:
        raise AlignkitError(
            f"no results of MTEB in {', '.join(map(str, folders))}; name a folder that holds "
            "ORG__MODEL/REVISION/TASK.json"
        )
    columns = ["model", "task", "language", "score"]
    return Imported(
        pd.DataFrame(rows, columns=PUBLISHED_COLUMNS), pd.DataFrame(main, columns=columns),
        tuple(left_out),
    )  # fmt: skip


def _files(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not folder.exists():
            raise AlignkitError(f"{folder} does not exist; name a folder of MTEB's results")
    found = (path for folder in folders for path in ([folder] if folder.is_file() else
             sorted(folder.rglob("*.json"))))  # fmt: skip
    return [path for path in found if path.name != "model_meta.json"]


def _parse(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AlignkitError(f"{path} is not JSON ({error}); copy or download it again") from error
    return stored if isinstance(stored, dict) else {}


def _model(path: Path) -> tuple[str, str]:
    """Name and revision, from `model_meta.json` beside the file, else from the folders' names."""
    meta = path.with_name("model_meta.json")
    stated = _parse(meta) if meta.is_file() else {}
    folders = path.resolve().parent
    name = stated.get("name") or folders.parent.name.replace("__", "/", 1)
    return str(name), str(stated.get("revision") or folders.name)


def _test_scores(scores: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Scores of one split: test, else dev, as MIRACL has it, else the first that is there."""
    split = next((name for name in ("test", "dev") if name in scores), next(iter(scores), None))
    return [] if split is None else scores[split]


def _stated(subset: dict[str, Any]) -> tuple[str, ...]:
    """Codes of a subset as written, the query's first; one where both sides are of a language."""
    return tuple(dict.fromkeys(subset.get("languages") or [subset.get("hf_subset", "")]))


def _label(subset: dict[str, Any]) -> str:
    """Name the languages of a subset; a code that is none of a language as it is written."""
    names: list[str] = []
    for code in _stated(subset):
        try:
            names.append(normalise(code))
        except AlignkitError:
            names.append(code)
    return "-".join(names)


def _by_language(subsets: list[dict[str, Any]]) -> tuple[_ByLanguage, list[str]]:
    """Subsets by their language or pair of languages, and why others are left out.

    The name of a subset counts where its languages are those of another or more than two: MTEB
    calls the Chinese of Hong Kong and of Taiwan zho-Hant, and Norwegian three codes.
    """
    often = Counter(map(_stated, subsets))
    found: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    faults: list[str] = []
    for one in subsets:
        stated, name = _stated(one), one.get("hf_subset", "")
        unclear = often[stated] > 1 or len(stated) > 2
        try:
            codes = tuple(map(normalise, [name] if unclear else stated))
        except AlignkitError as error:
            why = f"its languages, {', '.join(stated)}, do not say which" if unclear else error
            faults.append(f"the subset {name!r}: {why}")
            continue
        found.append((codes, one))
    times = Counter(codes for codes, _ in found)
    faults += [f"{'-'.join(codes)} stands {n} times" for codes, n in times.items() if n > 1]
    return {codes: one for codes, one in found if times[codes] == 1}, faults


def _without_figures(subsets: _ByLanguage) -> Iterator[str]:
    """Say which subsets give no row."""
    names = ["-".join(codes) for codes, one in subsets.items() if not [*_own_rows(codes, one)]]
    if names:
        yield f"no figure that means the same here for {len(names)} subsets, first {names[0]}"


def _own_rows(codes: tuple[str, ...], subset: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of a subset from `task` on."""
    if len(codes) == 1:
        for metric, value in _measures(subset):
            yield "answer-retrieval", "monolingual", codes[0], AVERAGE, metric, value
        return
    for name, metric in _BITEXT.items():
        if name in subset:
            yield "question-alignment", "cross-lingual", *codes, metric, float(subset[name])


def _rows(subsets: _ByLanguage, *, complete: bool) -> Iterator[tuple[Any, ...]]:
    """Rows from `task` on: of each language, and where the file is `complete` their mean."""
    found: dict[str, list[float]] = {}
    for codes, one in subsets.items():
        yield from _own_rows(codes, one)
        for metric, value in _measures(one) if len(codes) == 1 else ():
            found.setdefault(metric, []).append(value)
    n_languages = sum(len(codes) == 1 for codes in subsets)
    for metric, values in found.items():
        if not complete or len(values) < n_languages:
            continue  # a mean over fewer languages would look like one over all
        mean = sum(values) / len(values)
        yield "answer-retrieval", "monolingual", AVERAGE, AVERAGE, metric, mean


def _measures(subset: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in subset.items():
        family, _, cutoff = key.partition("_at_")
        if family not in _CUT or not cutoff.isdecimal() or value is None:
            continue
        if family in METRICS and int(cutoff) in METRICS.get(family).cutoffs:
            yield f"{family}@{cutoff}", float(value)
