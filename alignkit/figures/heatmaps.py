"""Heat maps of query language × passage language: every checkpoint, and what changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from alignkit.figures import figure
from alignkit.figures.heatmap_grid import Panel, draw_panels
from alignkit.figures.selection import (
    ANSWERS,
    QUESTIONS,
    SIGNIFICANT,
    Measure,
    candidates_of,
    languages_of,
    pair_matrix,
    where,
)
from alignkit.figures.style import written
from alignkit.figures.words import format_number, language_label, metric_label
from alignkit.tables import Results


@dataclass(frozen=True)
class HeatMap:
    """Where a heat map's numbers come from and what its caption says of them.

    `sources` are searched for every cell in turn; with `is_cosine` the values are those of the
    run's cosine matrices and `sources` only say what was tested.
    """

    metric: str
    sources: tuple[Measure, ...]
    says: str
    is_cosine: bool = False
    is_logarithmic: bool = False

    def values(
        self, results: Results, dataset: str, checkpoint: str, languages: list[str]
    ) -> np.ndarray:
        """Build the (L, L) matrix of a checkpoint; NaN where nothing is known."""
        if self.is_cosine:
            return _cosines(results, dataset, checkpoint, self.metric, languages)
        rows = [source.of(results.metrics, dataset) for source in self.sources]
        return _filled(
            [pair_matrix(where(part, checkpoint=checkpoint), "value", languages) for part in rows]
        )

    def p_values(
        self, results: Results, dataset: str, candidate: str, languages: list[str]
    ) -> np.ndarray:
        """Build the (L, L) matrix of adjusted p-values against the baseline."""
        rows = [source.of(results.comparisons, dataset) for source in self.sources]
        return _filled(
            [
                pair_matrix(where(part, candidate=candidate), "p_adjusted", languages)
                for part in rows
            ]
        )


def _filled(matrices: list[np.ndarray]) -> np.ndarray:
    merged = matrices[0]
    for matrix in matrices[1:]:
        merged = np.where(np.isnan(merged), matrix, merged)
    return merged


def _cosines(
    results: Results, dataset: str, checkpoint: str, name: str, languages: list[str]
) -> np.ndarray:
    values = np.full((len(languages), len(languages)), np.nan)
    for matrix in results.matrices:
        if (matrix.checkpoint, matrix.dataset, matrix.name) == (checkpoint, dataset, name):
            here = [i for i, code in enumerate(languages) if code in matrix.languages]
            there = [matrix.languages.index(languages[i]) for i in here]
            values[np.ix_(here, here)] = matrix.values[np.ix_(there, there)]
    if name != "cosine_random":  # on the diagonal a query would stand for its own translation
        np.fill_diagonal(values, np.nan)
    return values


def draw(heat_map: HeatMap, results: Results, dataset: str) -> Figure | None:
    """Draw a panel a checkpoint, and below each candidate its difference from the baseline."""
    languages = languages_of(results, dataset)
    values = {
        label: heat_map.values(results, dataset, label, languages) for label in results.checkpoints
    }
    if len(languages) < 2 or not any(np.isfinite(matrix).any() for matrix in values.values()):
        return None
    panels = [Panel(written(label), matrix) for label, matrix in values.items()]
    differences = [
        Panel(
            f"{written(label)} − {written(results.baseline)}",
            values[label] - values[results.baseline],
            heat_map.p_values(results, dataset, label, languages) < SIGNIFICANT,
        )
        for label in candidates_of(results)
    ]
    return draw_panels(
        heat_map.metric, languages, panels, differences, is_logarithmic=heat_map.is_logarithmic
    )


def describe(heat_map: HeatMap, results: Results, dataset: str) -> str:
    """Name the extreme cells of every checkpoint."""
    languages = languages_of(results, dataset)
    parts: list[str] = []
    for label in results.checkpoints:
        matrix = heat_map.values(results, dataset, label, languages)
        if np.isfinite(matrix).any():
            parts.append(
                f"{label} from {_cell(matrix, languages, heat_map.metric, np.nanargmin)} "
                f"to {_cell(matrix, languages, heat_map.metric, np.nanargmax)}"
            )
    what = metric_label(heat_map.metric)
    return f"Heat map of the {what} on {dataset} by query and passage language: {'; '.join(parts)}."


def _cell(
    matrix: np.ndarray, languages: list[str], metric: str, pick: Callable[[np.ndarray], np.intp]
) -> str:
    row, column = np.unravel_index(pick(matrix), matrix.shape)
    pair = f"{language_label(languages[row])} to {language_label(languages[column])}"
    return f"{format_number(matrix[row, column], metric)} ({pair})"


def _caption(heat_map: HeatMap, results: Results, dataset: str) -> str:  # noqa: ARG001  a Describe
    text = f"{heat_map.says} Rows are query languages, columns passage languages."
    if candidates_of(results):
        text += (
            f" Differences are against {results.baseline}; a dot marks those with a Holm-adjusted "
            f"p below {format_number(SIGNIFICANT, digits=2)}. Where cells have no numbers, a "
            "dash marks those that fall."
        )
    return text


def _retrieval(metric: str) -> HeatMap:
    settings = ("cross-lingual", "monolingual")
    return HeatMap(
        metric,
        tuple(Measure(ANSWERS, setting, metric) for setting in settings),
        f"{metric_label(metric)} of answer retrieval. Off the diagonal: queries of one language "
        "against the passages of another (cross-lingual); on it: against the passages of their own "
        "(monolingual).",
    )


def _cosine(metric: str, says: str) -> HeatMap:
    return HeatMap(metric, (Measure(QUESTIONS, "cross-lingual", metric),), says, is_cosine=True)


def _bias(metric: str, says: str, *, is_logarithmic: bool = False) -> HeatMap:
    measure = Measure(ANSWERS, "multilingual", metric)
    return HeatMap(metric, (measure,), says, is_logarithmic=is_logarithmic)


HEAT_MAPS = (
    _cosine("cosine_parallel", "Mean cosine of queries and their translations."),
    _cosine("cosine_random", "Mean cosine of queries that do not translate each other."),
    _cosine(
        "cosine_margin",
        "Mean cosine of translations minus that of others: how far a translation stands out.",
    ),
    _retrieval("recall@1"),
    _retrieval("map"),
    _bias(
        "preference_rank",
        "Mean rank of the relevant passage of each language in the pool of all languages; lower is "
        "better, and equal columns mean that no language is preferred.",
        is_logarithmic=True,
    ),
    _bias(
        "language_share@10",
        "Share of each language among the ten best passages of the pool of all languages; rows sum "
        "to 1.",
    ),
)

for _order, _heat_map in enumerate(HEAT_MAPS):
    figure(
        f"heatmap-{_heat_map.metric}",
        needs=(_heat_map.metric,),
        caption=partial(_caption, _heat_map),
        alt=partial(describe, _heat_map),
        order=50 + _order,
    )(partial(draw, _heat_map))
