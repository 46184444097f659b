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
    entry = next(entry for entry in run["datasets"] if entry["name"] == dataset)
    checkpoints = [
        f"{checkpoint['label']}={str(checkpoint['fingerprint'])[:SHORT]}"
        for checkpoint in run["checkpoints"]
        if checkpoint.get("fingerprint")
    ]
    parts: dict[str, Any] = {
        "data": dataset,
        "languages": ".".join(entry.get("languages") or ()),
        "queries": entry.get("n_queries"),
        "passages": entry.get("n_passages"),
        "candidate": run.get("candidate"),
        "checksum": _short(entry.get("checksum")),
        "ties": "against",
        "bootstrap": _bootstrap(run),
        "seed": run.get("seed"),
        "checkpoints": ",".join(checkpoints),
        "alignkit": (run.get("versions") or {}).get("alignkit") or run.get("version"),
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items() if value not in (None, ""))


def _bootstrap(run: dict[str, Any]) -> str | None:
    n = run.get("bootstrap") or run.get("n_bootstrap")
    return f"{n}.by-query-id" if n else None


def _short(checksum: str | None) -> str | None:
    return re.sub(r"^sha256[:-]", "", checksum)[:SHORT] if checksum else None
