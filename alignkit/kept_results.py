"""What a run finds on a dataset, kept: asked again, it reads no vector and resamples nothing."""

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from alignkit import kept
from alignkit.checkpoints import EncodeOptions
from alignkit.dataset_results import (
    DatasetResults,
    RunSettings,
    described_dataset,
    measure_all,
)
from alignkit.figures.words import listing
from alignkit.metrics import METRICS
from alignkit.outputs import Groups
from alignkit.progress import Reporter
from alignkit.registry import is_bundled
from alignkit.repairs import parse_repair
from alignkit.strategies import Strategy
from alignkit.tables import Dataset, SimilarityMatrix
from alignkit.variants import Variants

Array = np.ndarray
_TABLES = [field.name for field in fields(DatasetResults) if field.type is pd.DataFrame]
_STAGE = "results"  # of what is kept


def results_on(
    dataset: Dataset,
    checkpoints: list[Strategy],
    baseline: str,
    groups: Groups,
    settings: RunSettings,
    reporter: Reporter,
) -> DatasetResults:
    """Measure checkpoints on a dataset, or take what an earlier run of the same found."""
    same = {"published": (), "reader_language": "", "engine": "local", "workers": None}
    stated = asdict(replace(settings, encode=EncodeOptions(), **same))  # the rest changes results

    def key() -> str:
        identities = [[one.label, one.identity()] for one in checkpoints]
        return kept.key_of(described_dataset(dataset), identities, baseline, groups, stated)

    is_keyed = _is_keyed(settings.variants)
    found = kept.take(_STAGE, key()) if is_keyed else None
    if found is not None:
        _say_kept(checkpoints, dataset, reporter)
        return _unpacked(found)
    results = measure_all(dataset, checkpoints, baseline, groups, settings, reporter)
    if is_keyed:
        kept.keep(_STAGE, key(), _packed(results))  # of vectors that are in the cache by now
    return results


def _say_kept(checkpoints: list[Strategy], dataset: Dataset, reporter: Reporter) -> None:
    """Say where results come from, and of checkpoints what embedding them would say."""
    for run in (run for strategy in checkpoints for run in strategy.runs):
        for note in run.notes:
            reporter.say(note)
    labels = listing([one.label for one in checkpoints])
    reporter.say(f"{labels} on {dataset.name}: kept from an earlier run")


def _is_keyed(variants: Variants) -> bool:
    """Whether no measure and no repair is a user's own, whose code no key holds."""
    functions = [card.function for card in METRICS.values()]
    functions += [parse_repair(name)[0].fit for name in variants.repairs]
    return all(map(is_bundled, functions))


def _packed(results: DatasetResults) -> dict[str, Array]:
    about = {
        "described": results.described, "projection": results.projection_info,
        "matrices": [(one.checkpoint, one.dataset, one.name, one.languages)
                     for one in results.matrices],
    }  # fmt: skip
    return {
        "about": kept.pack_json(about),
        **{name: kept.pack_table(getattr(results, name)) for name in _TABLES},
        **{f"matrix {i}": one.values for i, one in enumerate(results.matrices)},
        **{f"file {name}": np.frombuffer(file, np.uint8) for name, file in results.files.items()},
    }


def _unpacked(arrays: dict[str, Array]) -> DatasetResults:
    about: Any = kept.unpack_json(arrays["about"])
    matrices = [
        SimilarityMatrix(checkpoint, dataset, name, tuple(languages), arrays[f"matrix {i}"])
        for i, (checkpoint, dataset, name, languages) in enumerate(about["matrices"])
    ]
    files = {
        name.removeprefix("file "): content.tobytes()
        for name, content in arrays.items()
        if name.startswith("file ")
    }
    return DatasetResults(
        described=about["described"], projection_info=about["projection"], matrices=matrices,
        files=files, **{name: kept.unpack_table(arrays[name]) for name in _TABLES},
    )  # fmt: skip
