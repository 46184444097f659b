"""All benchmarks beside their peers and floors; writes reports/benchmarks.

python analyses/benchmarks/run.py --data xquad-r:PATH --model FOLDER [--only ranks,umap,…]

FOLDER is a sentence-transformers model. Peers: `pip install faiss-cpu mteb ranx`. Nothing else
should run on the machine meanwhile. What is left out keeps the rows that an earlier run wrote.
"""

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from encoding import encoding, encoding_on_gpu
from evaluators import evaluators
from growth import draw, growth
from projecting import projecting
from ranking import large_pool, pool_on_gpu, ranking
from timing import HEADINGS, Row
from whole import whole

import alignkit
from alignkit.figures.style import drawing, save

PARTS = ("ranks", "evaluators", "umap", "whole", "pool", "encode", "gpu", "growth")
USUAL = [part for part in PARTS if part != "gpu"]


def main() -> None:
    """Time what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="sample")
    parser.add_argument("--model", type=Path, help="needed for encode")
    parser.add_argument("--only", default=",".join(USUAL), help="gpu has to be named")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("reports/benchmarks"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    dataset, n = alignkit.load_dataset(asked.data), asked.repetitions
    works = {
        "ranks": lambda: ranking(dataset, n),
        "evaluators": lambda: evaluators(dataset, n),
        "umap": lambda: projecting(dataset, n),
        "whole": lambda: whole(dataset, asked.data, n),
        "pool": lambda: large_pool(n),
        "encode": lambda: encoding(dataset.queries, "questions", asked.model, n)[0],
        "gpu": lambda: [*encoding_on_gpu(dataset, n), *pool_on_gpu(n)],
    }
    chosen = asked.only.split(",")
    stored = asked.out / "rows.json"
    rows = json.loads(stored.read_text("utf-8")) if stored.is_file() else {}
    for part, work in works.items():
        if part in chosen and (part != "encode" or asked.model):
            print(part, flush=True)
            others = [row for row in rows.get(part, ()) if row["machine"] != _machine()]
            rows[part] = [*others, *(asdict(row) | {"machine": _machine()} for row in work())]
            stored.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if "growth" in chosen:
        print("growth", flush=True)
        growth(n).to_csv(asked.out / "growth.csv", index=False, lineterminator="\n")
    if (asked.out / "growth.csv").is_file():
        with drawing():
            save(draw(asked.out / "growth.csv"),
                 {kind: asked.out / f"growth.{kind}" for kind in ("pdf", "svg")})  # fmt: skip
    stated = [one for part in PARTS for one in rows.get(part, ())]
    tables: dict[str, list[Row]] = {}
    for one in stated:
        machine = one.pop("machine")
        tables.setdefault(machine, []).append(Row(**{**one, "ratios": tuple(one["ratios"])}))
    page = _page(tables)
    (asked.out / "README.md").write_text(page, "utf-8")
    print(page)


def _page(tables: dict[str, list[Row]]) -> str:
    parts = "\n\n".join(f"{machine}:\n\n{_table(rows)}" for machine, rows in tables.items())
    return f"""# How fast

By `python analyses/benchmarks/run.py`, everything in turn on one machine. A ratio is that of the
times of one round, its median and spread over n rounds: against a peer, how many times faster we
are; against a floor, how many times the floor we take. A part that was not run again on a machine
keeps the rows that an earlier run, of an earlier alignkit perhaps, left there. `growth.csv` holds
what the figure shows; a pool of a million was timed once. `corpus.csv`
(`analyses/benchmarks/corpus.py`) has time and memory of reading, embedding and measuring up to a
million passages.

{parts}

{(Path(__file__).with_name("findings.md")).read_text("utf-8").strip()}

![Time and memory against size](growth.svg)
"""


def _table(rows: list[Row]) -> str:
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = f"{len(names)} cores of {names[0]}" if names else platform.processor()
    name += " with AMX" if any("amx_bf16" in line for line in lines) else ""
    name += f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, Python {platform.python_version()}, numpy {np.__version__}"


if __name__ == "__main__":
    main()
