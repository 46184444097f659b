"""Small files in MIRACL's published layout."""

import gzip
import json
from pathlib import Path


def write_corpus(folder: Path, language: str, shards: list[list[tuple[str, str, str]]]) -> Path:
    """Write docs-{i}.jsonl.gz of rows (docid, title, text)."""
    place = folder / f"miracl-corpus-v1.0-{language}"
    place.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(shards):
        with gzip.open(place / f"docs-{number}.jsonl.gz", "wt", encoding="utf-8") as file:
            for docid, title, text in rows:
                row = {"docid": docid, "title": title, "text": text}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return place


def write_judged(
    folder: Path, language: str, topics: str, qrels: str, *, split: str = "dev", flat: bool = False
) -> tuple[Path, Path]:
    """Write topics and qrels, in the published folders or flat beside each other."""
    written = []
    for kind, content in (("topics", topics), ("qrels", qrels)):
        place = folder if flat else folder / f"miracl-v1.0-{language}" / kind
        place.mkdir(parents=True, exist_ok=True)
        file = place / f"{kind}.miracl-v1.0-{language}-{split}.tsv"
        file.write_text(content, "utf-8")
        written.append(file)
    return written[0], written[1]
