"""How often the gate fails where nothing grew worse, and catches what did.

python analyses/calibration/gate.py [--pairs 1000]

Simulated pairs of checkpoints, three measures each (mAP, rank distance, same-language lift), and
four rules: the average of each, and the worst language's mAP. Writes reports/calibration/gate.md.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

os.environ.setdefault("OMP_NUM_THREADS", "1")

from run import markdown, repeated
from simulate import World

from alignkit.gate import Rule, Rules, judge
from alignkit.measures import Measures

LAWS = ("map", "rank_distance", "same_language_lift")
IDS = (100, 300, 1190)
FORBID_ANY = Rules(
    (
        Rule("map", setting="multilingual"),
        Rule("map", setting="multilingual", languages=("worst",)),
        Rule("rank_distance", setting="multilingual"),
        Rule("same_language_lift@10", setting="multilingual"),
    )
)


def pair(
    ids: int, worse_by: float, rng: np.random.Generator, *, same: bool = False
) -> tuple[Measures, Measures]:
    """Simulate two checkpoints, the second worse in everything by so many standard errors."""
    sides: tuple[list, list] = ([], [])
    for law in LAWS:
        world = World(law, ids)
        before, after = world.values(world.normals(rng, 2))
        if same:
            after = before.copy()
        error = (after - before).mean(axis=1).std(ddof=1) / np.sqrt(ids)
        sign = -1 if law == "map" else 1
        for side, values in zip(sides, (before, after + sign * worse_by * error), strict=True):
            side.append(world.measures(values))
    first, second = (
        Measures("simulated", one[0].ids, [m for part in one for m in part.measured], [],
                 one[0].languages, {})
        for one in sides
    )  # fmt: skip
    return first, second


def fails(ids: int, worse_by: float, same: bool, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether some rule fails, and whether that of the average mAP does."""
    before, after = pair(ids, worse_by, rng, same=same)
    found = judge(FORBID_ANY, before, after, seed=int(rng.integers(2**31)))
    failed = [one.status == "fail" for one in found]
    return any(failed), failed[0]


# A one-sided test at 5 % finds 1.645 + .842 standard errors four times of five.
MDD = 1.644854 + 0.841621
SCENARIOS = {
    "no change": (0.0, False), "identical": (0.0, True), "worse by twice the MDD": (2 * MDD, False),
    "better by twice the MDD": (-2 * MDD, False),
}  # fmt: skip


def main() -> None:
    """Simulate, and write a table and a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("reports/calibration"))
    asked = parser.parse_args()
    rows = []
    for ids in IDS:
        for name, (worse_by, same) in SCENARIOS.items():
            found = np.array(repeated(partial(fails, ids, worse_by, same), asked.pairs))
            rows.append((name, ids, *found.mean(axis=0), asked.pairs))
            print(*rows[-1], flush=True)
    table = pd.DataFrame(
        rows, columns=["true change", "questions", "some rule fails", "that of mAP fails", "pairs"]
    )
    table.to_csv(asked.out / "gate.csv", index=False, lineterminator="\n")
    (asked.out / "gate.md").write_text(
        f"""# How often does the gate fail?

{asked.pairs:,} simulated pairs of checkpoints for each line, by `python
analyses/calibration/gate.py`: four rules (average of mAP, rank distance and same-language lift, and
the worst language's mAP), nothing allowed, which is where a gate errs most, alpha .05 over the
family. The change holds for all three measures; MDD is the loss that a single one-sided test at
5 % finds four times of five. "Some rule fails" should be at most .05 with no change, 0 for
identical and for better checkpoints, and at least .95 for worse ones.

{markdown(table)}
""",
        "utf-8",
    )


if __name__ == "__main__":
    main()
