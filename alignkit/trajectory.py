"""What `analyze` does with the folder of a training: measure every step, and show the way."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from alignkit.checkpoints import load_checkpoint, step_of, steps_in
from alignkit.errors import AlignkitError
from alignkit.figures import check_formats
from alignkit.figures.page import PAPER, Page
from alignkit.progress import SILENT, Reporter
from alignkit.run import RunSettings, compare, write_run
from alignkit.run_folder import check_free, new_folder
from alignkit.tables import Results
from alignkit.turning_point import turning_points


def is_training(location: str) -> bool:
    """Whether a checkpoint's location is a folder with `checkpoint-N` in it."""
    return bool(steps_in(Path(location).expanduser()))


def trajectory(
    folder: Path,
    *,
    data: Sequence[str] = ("sample",),
    settings: RunSettings | None = None,
    out: Path | None = None,
    force: bool = False,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> Results:
    """Measure the steps of a training on datasets, each compared with the first.

    Steps are labelled `step-N`; a step that cannot be read, such as one that a kill tore, is left
    out, and said. Written to `out`, if given: a run like that of `compare`, with one figure and one
    table, of alignment and bias against steps, and the step after which cross-lingual alignment
    begins to fall. There is no projection.

    Raises
    ------
    AlignkitError
        If fewer than two steps can be read, or another input is wrong. `out` is then as it was.
    """
    settings = replace(settings or RunSettings(), umap=False)
    check_formats(formats)
    if out is not None:
        check_free(out, force=force)
    steps: list[Path] = []
    left_out: list[str] = []
    for path in steps_in(folder):
        try:
            load_checkpoint(str(path), settings.encode)
        except AlignkitError as error:
            left_out.append(f"{path.name} is left out: {error}")
            reporter.say(left_out[-1], level=-1)
        else:
            steps.append(path)
    if len(steps) < 2:
        raise AlignkitError(
            f"{folder} has {len(steps)} steps that can be read, and a way needs two; train with a "
            "smaller --save-every, or name one step"
        )
    specs = [f"step-{step_of(path)}={path}" for path in steps]
    found = compare(specs, data=data, settings=settings, reporter=reporter)
    numbers = [step_of(path) for path in steps]
    way = {
        "folder": str(folder),
        "steps": numbers,
        "left_out": left_out,
        "training": _training(folder),
        "turning_points": turning_points(found, numbers),
    }
    results = replace(found, provenance={**found.provenance, "trajectory": way})
    if out is not None:
        with new_folder(out, force=force) as draft:
            write_run(results, draft, formats=formats, page=page, reporter=reporter)
    return results


def default_trajectory_out(folder: Path, data: Sequence[str]) -> Path:
    """Where the way of a training goes if nobody says: reports/<folder>-steps-<dataset>."""
    names = [re.sub(r"[^A-Za-z0-9.-]+", "-", spec.partition(":")[0]) for spec in data]
    return Path("reports") / "-".join([folder.resolve().name, "steps", *names])


def _training(folder: Path) -> dict[str, Any] | None:
    """Read the settings of a training of alignkit's own; None of another."""
    try:
        stored = json.loads((folder / "provenance.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return stored.get("settings") if isinstance(stored, dict) else None
