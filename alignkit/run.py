"""What `compare` and `analyze` do, read top to bottom."""

import re
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals

from alignkit.checkpoints import EncodeOptions
from alignkit.dataset_results import RunSettings
from alignkit.datasets import load_dataset
from alignkit.errors import AlignkitError
from alignkit.figures import check_formats
from alignkit.figures.page import PAPER, Page
from alignkit.groupings import groups_of
from alignkit.kept_results import results_on
from alignkit.languages import normalise
from alignkit.metrics import METRICS
from alignkit.outputs import Groups
from alignkit.progress import SILENT, Reporter
from alignkit.provenance import environment
from alignkit.published import published_rows
from alignkit.run_folder import new_folder, read_results, write_results
from alignkit.strategies import Strategy, choose_baseline, open_strategies
from alignkit.tables import Dataset, Results


def compare(
    checkpoints: Sequence[str],
    *,
    data: Sequence[str] = ("sample",),
    baseline: str | None = None,
    settings: RunSettings | None = None,
    out: Path | str | None = None,
    force: bool = False,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> Results:
    """Measure checkpoints on datasets and compare each with the baseline.

    Parameters
    ----------
    checkpoints : locations as on the command line: `[label=]LOCATION[@REVISION][,key=value…]`, or
        `label=LOCATION,LOCATION,…` for several runs of one strategy. With one there is nothing to
        compare and `Results.comparisons` is empty.
    data : `NAME[:PATH]` of each dataset.
    baseline : label of the checkpoint to compare with; the first if left out.
    out : folder to write the whole run to; nothing is written if left out.
    force : replace `out` if it is an earlier run.
    formats : file formats of the figures.
    page : what the figures are sized to; see `alignkit.figures.page.page_of`.

    Raises
    ------
    AlignkitError
        When an input is wrong. `out` is then as it was before.
    """
    settings = settings or RunSettings()
    settings = replace(settings, reader_language=normalise(settings.reader_language))
    opened = open_strategies(checkpoints, settings.encode)
    reference = choose_baseline(opened, baseline)
    if out is None:
        return _run(opened, reference, data, settings, reporter)
    check_formats(formats)
    with new_folder(Path(out), force=force) as folder:
        results = _run(opened, reference, data, settings, reporter)
        write_run(results, folder, formats=formats, page=page, reporter=reporter)
    return results


def redraw(
    folder: Path,
    *,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    page: Page = PAPER,
    reader_language: str | None = None,
    reporter: Reporter = SILENT,
) -> None:
    """Draw figures, tables and report of a stored run again; the run is replaced as a whole.

    `reader_language` is kept in the run; None leaves what it has.
    """
    results = read_results(folder)
    if reader_language is not None:
        results = results.read_in(normalise(reader_language))
    with new_folder(folder, force=True) as draft:
        write_run(results, draft, formats=formats, page=page, reporter=reporter)


def default_out(specs: Sequence[str], data: Sequence[str], options: EncodeOptions) -> Path:
    """Where a run goes if nobody says: reports/<labels>-<dataset>."""
    labels = [opened.label for opened in open_strategies(specs, options)]
    return Path("reports") / "-".join([*labels, *names_of(data)])


def names_of(data: Sequence[str]) -> list[str]:
    """Name datasets in a folder's name: a file's own name, else the dataset's.

    Examples
    --------
    >>> names_of(["files:questions/mine.jsonl", "xquad-r:here"])
    ['mine', 'xquad-r']
    """
    names = (
        Path(spec.split(":")[-1]).stem if spec.startswith("files:") else spec.split(":")[0]
        for spec in data
    )
    return [re.sub(r"[^A-Za-z0-9.-]+", "-", name) for name in names]


def write_run(
    results: Results,
    folder: Path,
    *,
    formats: Sequence[str],
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> None:
    """Write results, figures, tables and the report into an existing empty folder."""
    from alignkit.report import write_report  # matplotlib is needed from here on only

    write_results(results, folder)
    write_report(results, folder, formats=tuple(formats), page=page, reporter=reporter)


def _run(
    checkpoints: list[Strategy],
    baseline: str,
    data: Sequence[str],
    settings: RunSettings,
    reporter: Reporter,
) -> Results:
    published = published_rows(settings.published)
    datasets = _load_datasets(data, settings, reporter)
    groups = _groups(datasets, checkpoints, settings)
    parts = [
        results_on(dataset, checkpoints, baseline, groups, settings, reporter)
        for dataset in datasets
    ]
    provenance = {
        "baseline": baseline,
        "checkpoints": [one.describe() for one in checkpoints],
        "datasets": [part.described for part in parts],
        "projection": {part.described["name"]: part.projection_info for part in parts},
        "settings": _described_settings(settings),
        "command": shlex.join(["alignkit", *sys.argv[1:]]),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": environment(),
        "metric_cards": {card.name: card.described() for card in METRICS.values()},
    }
    return Results(
        pd.concat([part.metrics for part in parts], ignore_index=True),
        pd.concat([part.comparisons for part in parts], ignore_index=True),
        _concat_categories([part.per_query for part in parts]),
        [matrix for part in parts for matrix in part.matrices],
        pd.concat([part.projection for part in parts], ignore_index=True),
        provenance,
        pd.concat([part.variants for part in parts], ignore_index=True),
        published[published["dataset"].isin([dataset.name for dataset in datasets])],
        {name: content for part in parts for name, content in part.files.items()},
        _concat_categories([part.hits for part in parts]),
        pd.concat([part.texts for part in parts], ignore_index=True),
    )


def _groups(datasets: list[Dataset], checkpoints: list[Strategy], settings: RunSettings) -> Groups:
    spoken = {*(code for dataset in datasets for code in dataset.queries.languages),
              *(code for dataset in datasets for code in dataset.passages.languages)}  # fmt: skip
    folders = [run.path for strategy in checkpoints for run in strategy.runs]
    return groups_of(settings.group_by, sorted(spoken), seen=settings.seen, trainings=folders)


def _load_datasets(data: Sequence[str], settings: RunSettings, reporter: Reporter) -> list[Dataset]:
    datasets = [
        load_dataset(
            spec, languages=settings.languages, candidate=settings.candidate, split=settings.split,
            offline=settings.encode.offline, reporter=reporter,
        )
        for spec in data
    ]  # fmt: skip
    names = [dataset.name for dataset in datasets]
    for name in names:
        if names.count(name) > 1:
            raise AlignkitError(f"the dataset {name!r} is given twice; give each --data once")
    return datasets


def _concat_categories(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables whose categorical columns may have different categories."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name in tables[0].columns:
        parts = [table[name] for table in tables]
        categorical = isinstance(parts[0].dtype, pd.CategoricalDtype)
        columns[name] = (
            union_categoricals(parts) if categorical else pd.concat(parts, ignore_index=True)
        )
    return pd.DataFrame(columns)


def _described_settings(settings: RunSettings) -> dict[str, Any]:
    return {
        "languages": list(settings.languages) if settings.languages else None,
        "candidate": settings.candidate,
        "split": settings.split,
        "bootstrap": settings.bootstrap,
        "interval": settings.interval,
        "group_by": list(settings.group_by),
        "seen": list(settings.seen) if settings.seen else None,
        "what_if": list(settings.variants.repairs),
        "compressions": list(settings.variants.compressions),
        "published": list(settings.published),
        "reader_language": settings.reader_language,
        "seed": settings.seed,
        "resampled": "query ids, all languages of an id together",
        "ties": "against the relevant passage",
        "adjusted": "Holm, over all rows of one metric, setting and level",
    }
