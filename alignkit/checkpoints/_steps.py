"""The `checkpoint-N` of a training."""

import re
from pathlib import Path

_STEP = re.compile(r"checkpoint-(\d+)")


def step_of(path: Path) -> int:
    """Read the step of a `checkpoint-N`; -1 for another folder."""
    matched = _STEP.fullmatch(path.name)
    return int(matched[1]) if matched else -1


def steps_in(folder: Path) -> list[Path]:
    """List the `checkpoint-N` of a training, by step, whole or not."""
    found = (path for path in folder.glob("checkpoint-*") if path.is_dir())
    return sorted((path for path in found if step_of(path) >= 0), key=step_of)
