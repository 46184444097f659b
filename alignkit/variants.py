"""What a repair would buy and what compression costs, each against the vectors as they are.

A variant has no part in the comparison of checkpoints: it is tested against the checkpoint that it
was made of, on the same resamples of query ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from alignkit.comparison import tabulate
from alignkit.compressions import compress
from alignkit.cross_fitting import measure_repaired
from alignkit.estimates import IntervalKind, pool_runs
from alignkit.measures import Measures, measure
from alignkit.outputs import Groups
from alignkit.progress import SILENT, Reporter
from alignkit.tables import VARIANT_COLUMNS, Dataset, Embeddings

AS_IS = "as is"
REPAIR, COMPRESSION = "repair", "compression"


@dataclass(frozen=True)
class Variants:
    """Which variants to measure: repairs as after --what-if, compressions as in `compress`."""

    repairs: tuple[str, ...] = ()
    compressions: tuple[str, ...] = ()

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Kind and name of each."""
        return [(REPAIR, name) for name in self.repairs] + [
            (COMPRESSION, name) for name in self.compressions
        ]


def tabulate_variants(
    dataset: Dataset,
    embedded: Mapping[str, Sequence[tuple[Embeddings, Embeddings]]],
    plain: Mapping[str, Measures],
    variants: Variants,
    *,
    groups: Groups,
    n_resamples: int,
    seed: int,
    interval: IntervalKind,
    reporter: Reporter = SILENT,
) -> pd.DataFrame:
    """Measure every variant of every checkpoint: columns VARIANT_COLUMNS.

    `embedded` holds queries and passages of each run of a checkpoint, `plain` its measures.
    """
    tables: list[pd.DataFrame] = []
    for label, runs in embedded.items() if variants.kinds else ():
        found: dict[str, Measures] = {AS_IS: plain[label]}
        for kind, name in variants.kinds:
            reporter.say(f"{label} after {name}, on {dataset.name}")
            each = [_measure(kind, name, dataset, *run, groups) for run in runs]
            found[name] = each[0] if len(each) == 1 else pool_runs(each)
        _, changes = tabulate(
            found, AS_IS, n_resamples=n_resamples, seed=seed, interval=interval, same_runs=True
        )
        kind_of = {name: kind for kind, name in variants.kinds}
        changes = changes.rename(
            columns={"candidate": "variant", "baseline_value": "as_is", "candidate_value": "value"}
        )
        changes["checkpoint"] = label
        changes["kind"] = changes["variant"].map(kind_of)
        tables.append(changes[VARIANT_COLUMNS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=VARIANT_COLUMNS)


def _measure(
    kind: str,
    name: str,
    dataset: Dataset,
    queries: Embeddings,
    passages: Embeddings,
    groups: Groups,
) -> Measures:
    if kind == REPAIR:
        return measure_repaired(dataset, queries, passages, name, groups=groups)
    return measure(dataset, *compress(name, queries, passages), groups=groups)
