"""The line under every table that says what its numbers depend on, in the manner of sacrebleu."""

import re
from typing import Any

from alignkit.tables import Results

SHORT = 8  # characters of a checksum


def signature(results: Results, dataset: str) -> str:
    """Everything that two runs must share for their numbers to be comparable.

    Entries that a run does not know are left out. Checkpoints stand with their fingerprints.
    """
    run = results.provenance
    settings: dict[str, Any] = run.get("settings") or {}
    packages: dict[str, Any] = (run.get("environment") or {}).get("packages") or {}
    entry = next(entry for entry in run["datasets"] if entry["name"] == dataset)
    checkpoints = [
        f"{checkpoint['label']}={str(checkpoint['fingerprint'])[:SHORT]}{_kept(checkpoint)}"
        for checkpoint in run["checkpoints"]
        if checkpoint.get("fingerprint")
    ]
    parts: dict[str, Any] = {
        "data": dataset,
        "languages": ".".join(entry.get("languages") or ()),
        "queries": total(entry.get("queries")),
        "passages": total(entry.get("passages")),
        "candidate": settings.get("candidate"),
        "checksum": _short(entry.get("checksum")),
        "ties": "against",
        "bootstrap": _bootstrap(settings.get("bootstrap")),
        "seed": settings.get("seed"),
        "checkpoints": ",".join(checkpoints),
        "alignkit": packages.get("alignkit"),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items() if value not in (None, ""))


def total(by_language: dict[str, int] | None) -> int | None:
    """Add up a dataset's queries or passages, which a run counts by language."""
    return sum(by_language.values()) if by_language else None


def _bootstrap(n: int | None) -> str | None:
    return f"{n}.by-query-id" if n else None


def _kept(checkpoint: dict[str, Any]) -> str:
    """Say what is kept of a vector, where that is not all of it."""
    dim, dtype = checkpoint.get("truncate_dim"), checkpoint.get("store_dtype", "float32")
    return (f"/{dim}" if dim else "") + ("" if dtype == "float32" else f"/{dtype}")


def _short(checksum: str | None) -> str | None:
    return re.sub(r"^sha256[:-]", "", checksum)[:SHORT] if checksum else None
