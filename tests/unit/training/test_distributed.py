"""Two processes on the CPU (gloo): together they see what one would, nothing twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training_run import write_data

import alignkit
from alignkit.training import pairs

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["hybrid", "monolingual", "cross-lingual"])
def test_two_processes_train_together(strategy, tmp_path):
    data = write_data(tmp_path / "data.jsonl", languages=("de", "en", "th"), n_ids=64)
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port",
        "0", "--standalone", SUPPORT / "two_processes.py", data, strategy, out,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # accelerate reads a batch ahead: the last was read and not trained on.
    seen = [json.loads(Path(f"{out}-rank{rank}.json").read_text())[:6] for rank in (0, 1)]

    table = pairs([alignkit.load_dataset(data, split="train")]).with_format("arrow")[:].to_pandas()
    assert [len(batches) for batches in seen] == [6, 6]
    everything = np.concatenate([np.concatenate(batches) for batches in seen])
    assert len(set(everything)) == len(everything) == 6 * 2 * 8  # one epoch: nothing twice
    for step in zip(*seen, strict=True):
        part = table.iloc[np.concatenate(step)]
        assert part["query_id"].is_unique  # across both, whose passages are each other's negatives
        same = part["query_language"] == part["passage_language"]
        assert same.nunique() == 1
        if same.all():
            assert part["query_language"].nunique() == 1
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    assert stored["finished"]
    assert stored["settings"]["processes"] == 2
