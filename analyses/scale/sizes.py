"""Disk and hours for MIRACL, from its published sizes and measured rates.

python analyses/scale/sizes.py [--tokens 140] > table

Rates stand in reports/scale/rates.csv, each with the machine and model that it was measured on; add
your own there. Tokens per passage are an assumption, since the corpora are not read: MIRACL's
passages are paragraphs of Wikipedia, about 100 words.
"""

import argparse
from pathlib import Path

import pandas as pd

REPORTS = Path(__file__).parents[2] / "reports" / "scale"
# Passages by language: table 1 of arXiv 2210.09984, for the 16 languages that it counts.
PASSAGES = {
    "ar": 2_061_414, "bn": 297_265, "en": 32_893_221, "es": 10_373_953, "fa": 2_207_172,
    "fi": 1_883_509, "fr": 14_636_953, "hi": 506_264, "id": 1_446_315, "ja": 6_953_614,
    "ko": 1_486_752, "ru": 9_543_918, "sw": 131_924, "te": 518_079, "th": 542_166, "zh": 4_934_368,
}  # fmt: skip
BYTES = {"float32": 4, "float16": 2, "int8": 1}
DIMS = (384, 768)
KEY = 16  # bytes that the cache keeps of a text beside its vector


def disk(n_passages: int) -> list[float]:
    """Gigabytes of vectors and keys, for every dimension and type."""
    return [n_passages * (dim * size + KEY) / 1e9 for dim in DIMS for size in BYTES.values()]


def sizes() -> pd.DataFrame:
    """Gigabytes of each language's vectors, the largest first, and of all."""
    rows = sorted(PASSAGES.items(), key=lambda item: -item[1])
    table = [(language, n, *disk(n)) for language, n in [*rows, ("all", sum(PASSAGES.values()))]]
    names = [f"{dim}, {name}" for dim in DIMS for name in BYTES]
    return pd.DataFrame(table, columns=["language", "passages", *names])


def hours(tokens: float) -> pd.DataFrame:
    """Hours to embed all passages on one device, and with 16 of them, at every measured rate."""
    rates = pd.read_csv(REPORTS / "rates.csv")
    one = sum(PASSAGES.values()) * tokens / rates["tokens_per_second"] / 3600
    return rates.assign(hours=one, hours_by_16=one / 16)


def markdown(table: pd.DataFrame, digits: int) -> str:
    """Lay out a table with thousands' commas."""
    cells = [[f"{v:,.{digits}f}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else
              str(v) for v in row] for row in table.itertuples(index=False)]  # fmt: skip
    lines = [table.columns, ["---"] * len(table.columns), *cells]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=float, default=140.0, help="tokens per passage")
    asked = parser.parse_args()
    print(markdown(sizes(), 1), markdown(hours(asked.tokens), 0), sep="\n\n")


if __name__ == "__main__":
    main()
