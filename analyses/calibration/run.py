"""Do the intervals cover, and do the tests keep their level? Simulated; writes reports/calibration.

python analyses/calibration/run.py [--corpora 2000] [--out reports/calibration]
"""

import argparse
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from ladder import STRENGTHS, ladder, verdicts
from matplotlib.figure import Figure
from simulate import ALPHA, Tested, World, compare_pair, compare_runs, covers, covers_naively

from alignkit.figures.style import COLOURS, drawing, new_figure, save

IDS = (30, 100, 300, 1190)  # the last is that of XQuAD-R
LAWS = {"map": "average precision", "rank_distance": "rank distance (skewed)",
        "same_language_lift": "same-language lift (a ratio)"}  # fmt: skip
PLANTED = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05)  # in mAP


def repeated(one: Callable[[np.random.Generator], object], n: int) -> list[object]:
    """Simulate n corpora on all cores, each with a generator of its own."""
    with ProcessPoolExecutor() as pool:
        seeds = np.random.SeedSequence(0).spawn(n)
        return list(pool.map(partial(_seeded, one), seeds, chunksize=max(1, n // 40)))


def _seeded(one: Callable[[np.random.Generator], object], seed: np.random.SeedSequence) -> object:
    return one(np.random.default_rng(seed))


def coverage(n: int) -> pd.DataFrame:
    """How many 95 % intervals hold the truth, by law, number of questions and kind."""
    kinds = {
        "percentile, by question": lambda world: partial(covers, world, "percentile"),
        "BCa, by question": lambda world: partial(covers, world, "bca"),
        "naive, by query": lambda world: partial(covers_naively, world),
    }
    rows = []
    for law in LAWS:
        for ids in IDS:
            for kind, simulate in kinds.items():
                found = repeated(simulate(World(law, ids)), n)
                rows.append((law, ids, kind, np.mean(found), n))
                print("coverage", *rows[-1])
    return pd.DataFrame(rows, columns=["law", "questions", "interval", "coverage", "corpora"])


def tests(n: int) -> pd.DataFrame:
    """How often tests find something where there is nothing to find."""
    rows = []
    for law in LAWS:
        for ids in IDS:
            found: list[Tested] = repeated(partial(compare_pair, World(law, ids), 0.0), n)
            rows += [
                (law, ids, "paired test of the mean", np.mean([x.p_value < ALPHA for x in found])),
                (law, ids, "some language, Holm", np.mean([x.any_language for x in found])),
                (law, ids, "some language, unadjusted", np.mean([x.any_unadjusted for x in found])),
                (law, ids, "interval misses no difference", np.mean([not x.covers for x in found])),
            ]
    for n_runs, spread in ((3, 0.0), (3, 0.02), (5, 0.02)):
        found = repeated(partial(compare_runs, World("map", 100), n_runs, spread), n)
        rate = np.mean([x.p_value < ALPHA for x in found])
        rows.append(("map", 100, f"{n_runs} runs each, their luck ± {spread}", rate))
    table = pd.DataFrame(rows, columns=["law", "questions", "test", "rejected"]).assign(corpora=n)
    print(table.to_string())
    return table


def power(n: int) -> pd.DataFrame:
    """How often a planted difference of mAP is found, by 100 and 300 questions."""
    rows = []
    for ids in IDS[1:3]:
        for planted in PLANTED:
            found: list[Tested] = repeated(partial(compare_pair, World("map", ids), planted), n)
            mdd = np.mean([x.mdd for x in found])
            rows.append((ids, planted, np.mean([x.p_value < ALPHA for x in found]), mdd))
    table = pd.DataFrame(rows, columns=["questions", "planted", "found", "mdd"]).assign(corpora=n)
    print(table.to_string())
    return table


def draw(covered: pd.DataFrame, level: pd.DataFrame, powers: pd.DataFrame) -> Figure:
    """Draw coverage, level and power beside each other."""
    picture = new_figure(2.3, wide=True)
    left, middle, right = picture.subplots(1, 3)
    left.axhspan(0.93, 0.97, color="#dddddd")
    for i, (kind, own) in enumerate(covered.groupby("interval", sort=False)):
        for law, shape in zip(LAWS, "o^s", strict=True):
            rows = own[own["law"] == law]
            left.plot(rows["questions"], rows["coverage"], marker=shape, color=COLOURS[i],
                      markersize=3, label=kind if law == "map" else None)  # fmt: skip
    left.set(xscale="log", title="95 % intervals that cover", ylim=(0.4, 1.0), xlabel="questions")
    left.set_xticks(IDS, [str(n) for n in IDS])
    left.minorticks_off()
    left.legend(loc="lower right")
    middle.axhspan(0.04, 0.06, color="#dddddd")
    for i, test in enumerate(level["test"].unique()[:3]):
        for law, shape in zip(LAWS, "o^s", strict=True):
            rows = level[(level["test"] == test) & (level["law"] == law)]
            middle.plot(rows["questions"], rows["rejected"], marker=shape, color=COLOURS[i],
                        markersize=3, label=test if law == "map" else None)  # fmt: skip
    middle.set(xscale="log", title="true nulls rejected", ylim=(0, 0.5), xlabel="questions")
    middle.set_xticks(IDS, [str(n) for n in IDS])
    middle.minorticks_off()
    middle.legend(loc="upper right", bbox_to_anchor=(1, 0.75))
    right.axhline(0.8, color="#aaaaaa", linewidth=0.5)
    for i, (ids, rows) in enumerate(powers.groupby("questions")):
        right.plot(rows["planted"], rows["found"], marker="o", markersize=3, color=COLOURS[i],
                   label=f"{ids} questions")  # fmt: skip
        right.axvline(rows["mdd"].mean(), linestyle=":", color=COLOURS[i])
    right.set(title="planted differences found", xlabel="planted difference of mAP", ylim=(0, 1.02))
    right.legend(loc="lower right", title="dotted: MDD", title_fontsize=6)
    return picture


def main() -> None:
    """Simulate, and write tables, the figure and a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("reports/calibration"))
    options = parser.parse_args()
    out, n = options.out, options.corpora
    out.mkdir(parents=True, exist_ok=True)
    covered, level, powers = coverage(n), tests(n), power(max(1, n // 4))
    steps = ladder()
    seen = verdicts(steps)
    for name, table in (
        ("coverage", covered), ("level", level), ("power", powers), ("ladder", steps)
    ):  # fmt: skip
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")
    with drawing():
        save(draw(covered, level, powers), {e: out / f"calibration.{e}" for e in ("pdf", "svg")})
    (out / "README.md").write_text(page(covered, level, powers, seen, n), "utf-8")


def markdown(table: pd.DataFrame) -> str:
    """Print a table as Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def page(
    covered: pd.DataFrame, level: pd.DataFrame, powers: pd.DataFrame, seen: pd.DataFrame, n: int
) -> str:
    """State what was found."""

    def grid(table: pd.DataFrame, column: str, value: str) -> str:
        wide = table.pivot_table(index=["law", "questions"], columns=column, values=value,
                                 sort=False).reset_index()  # fmt: skip
        wide["law"] = wide["law"].map(LAWS)
        return markdown(wide.map(lambda x: f"{x:.3f}" if isinstance(x, float) else x))

    runs = level[level["test"].str.contains("runs each")]
    plain = level[~level["test"].str.contains("runs each")]
    return f"""# Do the intervals cover, and do the tests keep their level?

{n:,} simulated corpora for each figure (a quarter of them for power): questions in 11 languages
whose values correlate across languages (.6 before the quantiles are taken), measured by the code
that measures real checkpoints, with 1,000 resamples. By `python analyses/calibration/run.py`, on
Python {platform.python_version()}, numpy {np.__version__}.

![Coverage, level and power](calibration.svg)

In the figure a circle is average precision, a triangle rank distance, a square the lift; grey is
what should be.

## 95 % intervals that hold the truth

Should be .93 to .97. Resampling queries in place of questions takes eleven translations of one
question for eleven questions.

{grid(covered, "interval", "coverage")}

## True nulls rejected at 5 %

Should be .04 to .06 for the paired test, and no more than .05 for "some language" after Holm's
adjustment.

{grid(plain, "test", "rejected")}

Several runs of two strategies that do not differ (100 questions), whose luck has the spread that
is given, in mAP; tested as a random effect:

{markdown(runs[["test", "rejected"]])}

## Power

Of a difference of mAP that was planted; `mdd` is the minimum detectable difference that alignkit
printed, on average: a difference of that size should be found four times of five.

{markdown(powers.drop(columns="corpora").round(4))}

## Which measures see a planted bias

Vectors are meaning + λ × an offset of each language, with λ from {STRENGTHS[0]:g} to
{STRENGTHS[-1]:g}; 5 languages, 200 questions, mean of 3 seeds. "sees it" is monotone in λ, but for
2 % of the range; "blind" is undefined or does not move.

{markdown(seen)}
"""


if __name__ == "__main__":
    main()
