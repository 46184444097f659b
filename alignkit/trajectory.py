"""What `analyze` does with the folder of a training: measure every step, and show the way."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from alignkit.checkpoints import Spec, load_checkpoint, parse_spec, step_of, steps_in
from alignkit.errors import AlignkitError
from alignkit.figures import check_formats
from alignkit.figures.page import PAPER, Page
from alignkit.progress import SILENT, Reporter
from alignkit.run import RunSettings, compare, names_of, write_run
from alignkit.run_folder import check_free, new_folder
from alignkit.tables import Results
from alignkit.turning_point import turning_points


def is_training(spec: str) -> bool:
    """Whether `[label=]LOCATION[,key=value…]` names a folder with `checkpoint-N` in it."""
    parsed = parse_spec(spec)
    return parsed.revision is None and bool(steps_in(_folder(parsed)))


def trajectory(
    training: str,
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

    `training` is `[label=]FOLDER[,key=value…]`; its keys hold for every step. Steps are labelled
    `label-N`, or `step-N` without a label; a step that cannot be read, such as one that a kill
    tore, is left out, and said. Written to `out`, if given: a run like that of `compare`, with one
    figure and one table, of alignment and bias against steps, and the step after which
    cross-lingual alignment begins to fall. There is no projection.

    Raises
    ------
    AlignkitError
        If fewer than two steps can be read, or another input is wrong. `out` is then as it was.
    """
    settings = replace(settings or RunSettings(), umap=False)
    check_formats(formats)
    if out is not None:
        check_free(out, force=force)
    parsed = parse_spec(training)
    folder = _folder(parsed)
    steps, left_out = _readable(parsed, settings)
    if len(steps) < 2:
        raise AlignkitError(
            f"{folder} has {len(steps)} steps that can be read, and a way needs two; train with a "
            f"smaller --save-every, or name one step{_because(left_out)}"
        )
    for words in left_out:
        reporter.say(words, level=-1)
    found = compare(
        [_spec_of(path, parsed) for path in steps], data=data, settings=settings, reporter=reporter
    )
    numbers = [step_of(path) for path in steps]
    way = {
        "folder": str(folder),
        "label": _label(parsed),
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


def default_trajectory_out(training: str, data: Sequence[str]) -> Path:
    """Where the way of a training goes if nobody says: reports/<label or folder>-steps-<dataset>.

    Examples
    --------
    >>> default_trajectory_out("new=runs/a", ["sample"]).as_posix()
    'reports/new-steps-sample'
    """
    parsed = parse_spec(training)
    return Path("reports") / "-".join([_label(parsed), "steps", *names_of(data)])


def _folder(parsed: Spec) -> Path:
    return Path(parsed.location).expanduser()


def _label(parsed: Spec) -> str:
    return parsed.label or _folder(parsed).resolve().name


def _spec_of(step: Path, parsed: Spec) -> str:
    """Name a step as `compare` takes it, with the keys of the training."""
    keys = [f"{key}={value}" for key, value in parsed.settings.items()]
    return ",".join([f"{parsed.label or 'step'}-{step_of(step)}={step}", *keys])


def _readable(parsed: Spec, settings: RunSettings) -> tuple[list[Path], list[str]]:
    """Sort the steps: those that can be opened, and of the others, why not."""
    steps: list[Path] = []
    left_out: list[str] = []
    for path in steps_in(_folder(parsed)):
        try:
            load_checkpoint(_spec_of(path, parsed), settings.encode)
        except AlignkitError as error:
            left_out.append(f"{path.name} is left out: {error}")
        else:
            steps.append(path)
    return steps, left_out


def _because(left_out: list[str]) -> str:
    return f" ({left_out[0]})" if left_out else ""


def _training(folder: Path) -> dict[str, Any] | None:
    """Read the settings of a training of alignkit's own; None of another."""
    try:
        stored = json.loads((folder / "provenance.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return stored.get("settings") if isinstance(stored, dict) else None
