"""Do the papers' figures come out of a stored run, in one command?"""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "analyses" / "paper_figures" / "run.py"


def test_one_command_draws_all_that_a_run_has(alignkit, data, vectors, here):
    alignkit("compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data, "--out", "run",
             "--no-umap", "--format", "png", "--bootstrap", "50")  # fmt: skip

    done = subprocess.run(
        [sys.executable, SCRIPT, "run", "--out", "figures", "--format", "svg"],
        cwd=here, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    names = {path.name for path in (here / "figures").iterdir()}
    assert names == {
        "small-settings.tex", "small-settings.md", "small-settings.csv",
        "small-rank-distance-bars.svg", "small-preference-heat-map.svg",
        "alpha-sweep-minilm.svg", "alpha-sweep-scratch.svg",
    }  # fmt: skip
    assert "small has no umap" in done.stdout


def test_a_folder_that_is_no_run_is_refused(here):
    done = subprocess.run(
        [sys.executable, SCRIPT, "nothing"], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nothing is not a run" in done.stderr
    assert "Traceback" not in done.stderr
