"""A small training for tests; run as a script it trains, to be killed.

python training_run.py OUT STEPS [PAUSE]
"""

import json
import sys
import time
from pathlib import Path

from transformers import TrainerCallback

from alignkit.checkpoints import EncodeOptions
from alignkit.training import BatchStrategy, TrainSettings, loop

CPU = EncodeOptions(device="cpu", offline=True)


def write_data(path, languages=("de", "en"), n_ids=40):
    """A `files:` dataset with a train and a test split, words shared within a language only."""
    rows = []
    for i in range(n_ids):
        split = "test" if i % 4 == 0 else "train"
        for code in languages:
            words = [f"{code}{i % 7}", f"{code}w{i // 7}", f"{code}x{i % 5}"]
            rows.append(
                {"query_id": f"q{i}", "language": code, "query": f"{' '.join(words)} {code}ask",
                 "passage_id": f"p{i}", "passage": f"{' '.join(words[::-1])} {code}say",
                 "split": split}
            )  # fmt: skip
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return f"files:{path}"


def small(data, **changes):
    """Settings of a training that takes a second."""
    options = {
        "strategy": BatchStrategy("hybrid"), "init": "scratch,vocabulary=200,dim=16",
        "data": (data,), "batch": 8, "steps": 12, "save_every": 4, "encode": CPU,
    }  # fmt: skip
    return TrainSettings(**{**options, **changes})


class Slow(TrainerCallback):
    def __init__(self, pause):
        self.pause = pause

    def on_step_end(self, args, state, control, **_):  # noqa: ARG002
        time.sleep(self.pause)
        sys.stdout.write(f"{state.global_step}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    data, out, init, pause = sys.argv[1:]
    make = loop._trainer

    def slowed(*arguments):
        trainer = make(*arguments)
        trainer.add_callback(Slow(float(pause)))
        return trainer

    loop._trainer = slowed
    loop.train(small(data, init=init), Path(out))
