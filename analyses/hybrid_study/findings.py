"""From the measures of all runs to tables, figures and a page of text."""

import argparse
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from alignkit.figures.style import COLOURS, drawing, mark, new_figure, save
from alignkit.figures.words import format_number

RANKS = ("rank distance",)
SWEEP = {"cross-lingual": 0.0, "hybrid .2": 0.2, "hybrid .4": 0.4, "hybrid .5": 0.5,
         "hybrid .6": 0.6, "hybrid .8": 0.8, "monolingual": 1.0}  # fmt: skip
PUBLISHED = {  # measure → setting and metric in the CSV of published figures
    "monolingual mAP": ("monolingual", "map"),
    "cross-lingual mAP": ("cross-lingual", "map"),
    "multilingual mAP": ("multilingual", "map"),
    "rank distance": ("multilingual", "rank_distance"),
}
STARTS = {"scratch": "a bag of subwords, from scratch", "minilm": "the English MiniLM"}


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95 % interval over seeds and questions."""

    value: float
    low: float
    high: float
    seeds: np.ndarray  # the value of each seed

    def text(self, measure: str, *, sign: bool = False) -> str:
        """Print value and interval."""
        metric = "rank_distance" if measure in RANKS else ""
        value, low, high = (
            format_number(x, metric, sign=sign) for x in (self.value, self.low, self.high)
        )
        return f"{value} ({low} to {high})"


class Study:
    """The measures of one start; a class because estimates share their draws of seeds."""

    def __init__(
        self, work: Path, start: str, strategies: Sequence[str], seeds: Sequence[int]
    ) -> None:
        self.start = start
        self.strategies = list(strategies)
        found = {
            (name, seed): work / f"{start}-{name.replace(' .', '0')}-seed{seed}.npz"
            for name in strategies
            for seed in seeds
        }
        # A seed counts when all strategies have it: runs are compared within seeds.
        self.seeds = [s for s in seeds if all(found[name, s].exists() for name in strategies)]
        self._values = {
            (name, seed): dict(np.load(found[name, seed]))
            for name in strategies
            for seed in self.seeds
        }
        rng = np.random.default_rng(1)
        resamples = len(next(iter(next(iter(self._values.values())).values()))) - 1
        self._drawn = rng.integers(0, len(self.seeds), (resamples, len(self.seeds)))

    def of(self, strategy: str, measure: str, group: str = "all") -> Estimate:
        """Estimate a measure of a strategy."""
        return self._estimate(self._stack(strategy, measure, group))

    def change(self, strategy: str, base: str, measure: str, group: str = "all") -> Estimate:
        """Estimate a difference, within seeds and resamples of questions."""
        return self._estimate(
            self._stack(strategy, measure, group) - self._stack(base, measure, group)
        )

    def _stack(self, strategy: str, measure: str, group: str) -> np.ndarray:
        return np.array([self._values[strategy, s][f"{measure}|{group}"] for s in self.seeds])

    def _estimate(self, values: np.ndarray) -> Estimate:
        """Resample seeds and, with them, questions: `values` is (seeds, 1 + resamples)."""
        of_resample = values[self._drawn, np.arange(1, values.shape[1])[:, None]].mean(axis=1)
        low, high = np.percentile(of_resample, [2.5, 97.5])
        return Estimate(float(values[:, 0].mean()), float(low), float(high), values[:, 0])


def write_findings(
    options: argparse.Namespace,
    starts: Sequence[str],
    strategies: Sequence[str],
    measures: Sequence[str],
    seeds: Sequence[int],
) -> None:
    """Write everything to `options.out`, in place of what was there."""
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    published = read_published(options.published)
    studies = {start: Study(options.work, start, strategies, seeds) for start in starts}
    pages = [introduction(options), "## In short", *(answer(one) for one in studies.values())]
    for start, study in studies.items():
        table = values_table(study, measures)
        table.to_csv(out / f"{start}.csv", index=False)
        (out / f"{start}.tex").write_text(latex(study, measures), encoding="utf-8")
        draw_sweep(study, out / f"{start}-alpha")
        draw_trade_off(study, out / f"{start}-trade-off")
        pages.append(page(study, measures, published))
    (out / "README.md").write_text("\n\n".join(pages) + "\n", encoding="utf-8")
    print(f"Open {out / 'README.md'}")


def read_published(path: Path | None) -> pd.DataFrame:
    """Averages that arXiv 2408.10536 gives for XQuAD-R; empty if no file is given."""
    columns = ["model", "sampling", "setting", "metric", "value"]
    if path is None:
        return pd.DataFrame(columns=columns)
    rows = pd.read_csv(path)
    mine = (
        (rows["source"] == "arXiv 2408.10536")
        & (rows["dataset"] == "xquad-r")
        & (rows["query_language"] == "*")
        & (rows["passage_language"] == "*")
    )
    return rows.loc[mine, columns]


def published_value(published: pd.DataFrame, model: str, sampling: str, measure: str) -> float:
    """Find one value; NaN where the paper has none."""
    setting, metric = PUBLISHED[measure]
    rows = published[
        (published["model"] == model)
        & (published["sampling"] == sampling)
        & (published["setting"] == setting)
        & (published["metric"] == metric)
    ]
    return float(rows["value"].iloc[0]) if len(rows) else float("nan")


def values_table(study: Study, measures: Sequence[str]) -> pd.DataFrame:
    """Every measure of every strategy and group, with its change from monolingual batches."""
    rows = []
    for strategy in study.strategies:
        for measure in measures:
            for group in ("all", "seen", "unseen"):
                own = study.of(strategy, measure, group)
                change = study.change(strategy, "monolingual", measure, group)
                rows.append(
                    {"start": study.start, "strategy": strategy, "measure": measure,
                     "languages": group, "value": own.value, "ci_low": own.low,
                     "ci_high": own.high, "change": change.value, "change_low": change.low,
                     "change_high": change.high, "seeds": len(study.seeds),
                     "seeds_below_monolingual": int((change.seeds < 0).sum())}
                )  # fmt: skip
    return pd.DataFrame(rows)


def markdown(study: Study, measures: Sequence[str], group: str) -> str:
    """Lay out a row a strategy, a column a measure."""
    head = ["batches", *measures]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for strategy in study.strategies:
        cells = [study.of(strategy, measure, group).text(measure) for measure in measures]
        lines.append(f"| {strategy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def latex(study: Study, measures: Sequence[str]) -> str:
    """Print the table of all languages with booktabs."""
    lines = [
        rf"\begin{{tabular}}{{l{'r' * len(measures)}}}", r"\toprule",
        f"batches & {' & '.join(measures)} \\\\", r"\midrule",
    ]  # fmt: skip
    for strategy in study.strategies:
        cells = [study.of(strategy, m).text(m).replace("−", "$-$") for m in measures]
        lines.append(f"{strategy} & {' & '.join(cells)} \\\\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def draw_sweep(study: Study, stem: Path) -> None:
    """Draw what rises and falls with alpha, seen and unseen languages apart."""
    shown = ("rank distance", "monolingual mAP", "cross-lingual mAP", "multilingual mAP")
    alphas = list(SWEEP.values())
    with drawing():
        picture = new_figure(3.6, wide=True)
        for axes, measure in zip(picture.subplots(2, 2).ravel(), shown, strict=True):
            for i, (group, label) in enumerate(
                (("seen", "languages trained on"), ("unseen", "with Greek or Vietnamese"))
            ):
                own = [study.of(name, measure, group) for name in SWEEP]
                axes.fill_between(
                    alphas, [e.low for e in own], [e.high for e in own], alpha=0.2,
                    color=COLOURS[i], linewidth=0,
                )  # fmt: skip
                axes.plot(alphas, [e.value for e in own], label=label, markersize=3, **mark(i))
            axes.set(title=measure, xlabel="share of monolingual batches, α")
            axes.grid(axis="y")
            if measure in RANKS:
                axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        picture.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        save(picture, {name: stem.with_suffix(f".{name}") for name in ("pdf", "svg", "png")})


def draw_trade_off(study: Study, stem: Path) -> None:
    """Draw monolingual mAP against rank distance, a point a strategy."""
    with drawing():
        picture = new_figure(2.9)
        axes = picture.add_subplot()
        for i, name in enumerate(study.strategies):
            x, y = study.of(name, "monolingual mAP"), study.of(name, "rank distance")
            axes.errorbar(
                x.value, y.value, xerr=[[x.value - x.low], [x.high - x.value]],
                yerr=[[y.value - y.low], [y.high - y.value]], label=name, linestyle="none",
                markersize=4, linewidth=0.6, **mark(i),
            )  # fmt: skip
        axes.set(xlabel="monolingual mAP", ylabel="rank distance (ranks)")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid()
        picture.legend(loc="outside lower center", ncols=3)
        save(picture, {name: stem.with_suffix(f".{name}") for name in ("pdf", "svg", "png")})


def introduction(options: argparse.Namespace) -> str:
    """Say what was done, and on what."""
    on_gpu = options.device.startswith("cuda")
    where = f"{'GPU' if on_gpu else 'CPU'} ({platform.machine()})"
    return f"""# Does hybrid batch training reduce language bias and keep monolingual quality?

arXiv 2408.10536 says so of XLM-R and LaBSE: batches that are monolingual with probability α = .5
and cross-lingual otherwise keep the monolingual mAP of monolingual batches and the low rank
distance of cross-lingual ones. Here the question is put to two small models on XQuAD-R, split by
article: 32 articles to train on, 4 to choose the learning rate on, 12 for the test; 9 languages
are trained on, Greek and Vietnamese are never seen in training. All runs of a seed begin with the
same weights and see as many examples; only the languages in their batches differ. α = 1 is
monolingual, α = 0 cross-lingual. InfoNCE at temperature .05, AdamW, 10 % warm-up.

- {STARTS["scratch"]}: 20,000 × 192, 1,200 steps of 128, learning rate 1e-2 (one-to-K: 26 examples
  a step, as many texts).
- {STARTS["minilm"]}: {options.minilm_steps} steps of 32, texts cut at 64 tokens, learning rate
  2e-4 (one-to-K: 6 examples a step). Its vocabulary is English: what it learns of other scripts it
  learns by letters.

Run on a {where}, at sizes that fit it; {options.dtype} precision for MiniLM, whose training is
far from its end after so few steps. No run reaches the quality of the paper's models.

Intervals are 95 % bootstrap intervals over seeds and questions together: seeds are drawn with
replacement, and questions with all their translations. Five seeds are few: intervals over seeds are
somewhat too narrow. "Seen" averages languages, or pairs of languages, that were trained on,
"unseen" those with Greek or Vietnamese in them.

Repeat it: `python analyses/hybrid_study/run.py --data xquad-r:PATH --minilm FOLDER --work WORK`."""


def answer(study: Study) -> str:
    """Answer the question of the title for one start, and say where the paper is contradicted."""
    bias = study.change("hybrid .5", "monolingual", "rank distance")
    kept = study.change("hybrid .5", "monolingual", "monolingual mAP")
    beyond = study.change("hybrid .5", "cross-lingual", "rank distance")
    gained = study.change("hybrid .5", "cross-lingual", "monolingual mAP")
    reduces = "yes" if bias.high < 0 else "not shown"
    keeps = "no" if kept.high < 0 else "yes"
    parts = [
        f"**From {STARTS[study.start]}.** Do hybrid batches (α = .5) reduce language bias against "
        f"monolingual ones? {reduces.capitalize()}: rank distance changes by "
        f"{bias.text('rank distance', sign=True)}. Do they keep monolingual quality? "
        f"{keeps.capitalize()}: monolingual mAP changes by "
        f"{kept.text('monolingual mAP', sign=True)}.",
        f"Against cross-lingual batches, rank distance changes by "
        f"{beyond.text('rank distance', sign=True)} and monolingual mAP by "
        f"{gained.text('monolingual mAP', sign=True)}.",
    ]
    if beyond.low > 0:
        parts.append(
            "In the paper hybrid batches have a lower rank distance than cross-lingual ones too; "
            "here they stand between the two, and α trades one for the other."
        )
    return " ".join(parts)


def page(study: Study, measures: Sequence[str], published: pd.DataFrame) -> str:
    """Say what was found from one start, and how it compares with the paper."""
    title = STARTS[study.start]
    parts = [
        f"## From {title}",
        f"![what α does]({study.start}-alpha.svg)",
        "\n".join(f"- {sentence}" for sentence in sentences(study)),
        f"All languages, mean over {len(study.seeds)} seeds (95 % CI):",
        markdown(study, measures, "all"),
        "Languages trained on:",
        markdown(study, list(PUBLISHED), "seen"),
        "Languages and pairs with Greek or Vietnamese, which were not:",
        markdown(study, list(PUBLISHED), "unseen"),
        f"![monolingual mAP against rank distance]({study.start}-trade-off.svg)",
    ]
    if len(published):
        parts += [
            "Beside the paper's averages (other models, and all of XQuAD-R as the pool: only "
            "directions can be compared):",
            beside_the_paper(study, published),
        ]
    return "\n\n".join(parts)


def sentences(study: Study) -> list[str]:
    """Put the findings in words that the intervals bear out."""
    return [
        _changed(study, "hybrid .5", "monolingual", "rank distance"),
        _changed(study, "hybrid .5", "cross-lingual", "rank distance"),
        _changed(study, "hybrid .5", "monolingual", "monolingual mAP"),
        _changed(study, "cross-lingual", "monolingual", "monolingual mAP"),
        _changed(study, "hybrid .5", "cross-lingual", "monolingual mAP"),
        _changed(study, "hybrid .5", "cross-lingual", "cross-lingual mAP"),
        _changed(study, "hybrid .6", "hybrid .4", "rank distance"),
        _changed(study, "same-language", "monolingual", "rank distance"),
        _changed(study, "one-to-k", "cross-lingual", "rank distance"),
        _changed(study, "one-to-k", "cross-lingual", "monolingual mAP"),
        _changed(study, "hybrid .5", "monolingual", "rank distance", "unseen"),
        _changed(study, "hybrid .5", "monolingual", "monolingual mAP", "unseen"),
    ]


def _changed(study: Study, name: str, base: str, measure: str, group: str = "all") -> str:
    change = study.change(name, base, measure, group)
    where = "" if group == "all" else f" ({group} languages)"
    text = change.text(measure, sign=True)
    if change.low <= 0 <= change.high:
        return (
            f"No difference in {measure}{where} could be shown between {name} and {base}: {text}."
        )
    verb = "lowers" if change.value < 0 else "raises"
    same = int((np.sign(change.seeds) == np.sign(change.value)).sum())
    return (
        f"{name} {verb} {measure}{where} against {base} by {text}, in {same} of "
        f"{len(study.seeds)} seeds."
    )


def beside_the_paper(study: Study, published: pd.DataFrame) -> str:
    """Set values and the order of the three strategies beside the paper's."""
    ours = {"monolingual": "monolingual", "cross-lingual": "cross-lingual", "hybrid": "hybrid .5"}
    head = ["measure", "model", *ours, "does hybrid beat both?"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for measure in PUBLISHED:
        metric = "rank_distance" if measure in RANKS else ""
        rows = {
            model: [published_value(published, model, name, measure) for name in ours]
            for model in ("XLM-R", "LaBSE")
        }
        rows["here"] = [study.of(name, measure).value for name in ours.values()]
        for model, values in rows.items():
            best = min(values) if measure in RANKS else max(values)
            answer = "yes" if values[2] == best else "no"
            printed = [format_number(value, metric) for value in values]
            lines.append(f"| {measure} | {model} | {' | '.join(printed)} | {answer} |")
    return "\n".join(lines)
