"""What each of several processes trains on; torchrun starts it.

torchrun --nproc-per-node 2 two_processes.py DATA STRATEGY OUT
"""

import json
import os
import sys
from pathlib import Path

from training_run import small

from alignkit.training import BatchStrategy, loop

if __name__ == "__main__":
    data, strategy, out = sys.argv[1:]
    seen = []
    make = loop._trainer

    def recording(*arguments):
        trainer = make(*arguments)
        collate = trainer.data_collator
        examples = arguments[4]
        row_of = {}
        for row, example in enumerate(examples):
            row_of.setdefault(tuple(example.values()), row)

        def record(batch):
            seen.append([row_of[tuple(example.values())] for example in batch])
            return collate(batch)

        trainer.data_collator = record
        # The Trainer reads label columns from its collator.
        record.valid_label_columns = collate.valid_label_columns
        return trainer

    loop._trainer = recording
    loop.train(small(data, strategy=BatchStrategy(strategy), steps=6), Path(out))
    rank = os.environ["RANK"]
    Path(f"{out}-rank{rank}.json").write_text(json.dumps(seen))
