"""Figures: one a file, drawn from a run's results alone.

A figure is a function of the results and a dataset's name, registered with `@figure`. It returns
a matplotlib `Figure`, or None where it says nothing about these data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignkit.errors import AlignkitError
from alignkit.figures.lettering import Lettering, lettering_for
from alignkit.figures.page import PAPER, Page
from alignkit.figures.selection import steps_of, where
from alignkit.progress import SILENT, Reporter
from alignkit.registry import Registry
from alignkit.tables import Results

if TYPE_CHECKING:  # matplotlib takes half a second: it loads when something is drawn
    import matplotlib.figure

Draw = Callable[[Results, str], "matplotlib.figure.Figure | None"]
Describe = Callable[[Results, str], str]

PROJECTION = "projection"  # in `needs`: the coordinates of the texts
REPAIR, COMPRESSION = "repair", "compression"  # in `needs`: such variants of the vectors
TRAJECTORY = "trajectory"  # in `needs`: the steps of a training, which other figures don't show


@dataclass(frozen=True)
class FigureCard:
    """A figure and the words that go with it.

    Attributes
    ----------
    needs : metrics of which the dataset must have a value, PROJECTION, REPAIR, COMPRESSION or
        TRAJECTORY.
    caption : what is drawn and how to read it, for a reader who sees it.
    alt : one sentence with what the figure shows in these data, for a reader who does not.
    order : where it stands in a report; smaller comes first.
    """

    name: str
    draw: Draw
    needs: tuple[str, ...]
    caption: Describe
    alt: Describe
    order: int

    def applies(self, results: Results, dataset: str) -> bool:
        """Whether the dataset has everything that the figure needs."""
        rows = where(results.metrics, dataset=dataset)
        if bool(steps_of(results)) != (TRAJECTORY in self.needs):
            return False
        present = {*rows["metric"][rows["value"].notna()], TRAJECTORY}
        present |= set(where(results.variants, dataset=dataset)["kind"])
        if len(where(results.projection, dataset=dataset)):
            present.add(PROJECTION)
        return present.issuperset(self.needs)


@dataclass(frozen=True)
class DrawnFigure:
    """A figure on disk: `paths` by format ("pdf", "png", "svg"), `width` in inches."""

    name: str
    dataset: str
    paths: dict[str, Path]
    caption: str
    alt: str
    width: float


FORMATS = ("pdf", "png", "svg")
FIGURES: Registry[FigureCard] = Registry("figure", "alignkit.figures")


def figure(
    name: str, *, needs: tuple[str, ...], caption: str | Describe, alt: Describe, order: int = 100
) -> Callable[[Draw], Draw]:
    """Register a function as the figure `name`; see `FigureCard` for the fields."""
    describe: Describe = (
        (lambda _results, _dataset: caption) if isinstance(caption, str) else caption
    )

    def decorate(draw: Draw) -> Draw:
        FIGURES.add(name, FigureCard(name, draw, needs, describe, alt, order))
        return draw

    return decorate


def check_formats(formats: Sequence[str]) -> None:
    """Refuse a format that cannot be written before the first figure is drawn."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        known = ", ".join(FORMATS)
        raise AlignkitError(f"figures cannot be written as {unknown[0]!r}; choose from {known}")


def draw_all(
    results: Results,
    folder: Path,
    formats: Sequence[str] = FORMATS,
    *,
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> list[DrawnFigure]:
    """Draw every figure that applies to each dataset into `folder`, the same bytes every time.

    `page` is what they are sized to. Files are called `{dataset}-{figure}.{format}`, with "-at-"
    for the "@" of a metric. A label that no font of this machine can write is replaced by the
    checkpoint's number, and `reporter` says so.
    """
    from alignkit.figures import kept

    check_formats(formats)
    folder.mkdir(parents=True, exist_ok=True)
    lettering = lettering_for(results.checkpoints)
    if lettering.advice:
        reporter.say(lettering.advice)
    key = kept.key_of(results, {"page": page, "lettering": lettering}, formats)
    described = kept.take(key, folder)
    if described is None:
        described = _draw(results, folder, formats, page, lettering)
        kept.keep(key, folder, described)
    return [
        DrawnFigure(paths={kind: folder / name for kind, name in one.pop("files").items()}, **one)
        for one in described
    ]


def _draw(
    results: Results, folder: Path, formats: Sequence[str], page: Page, lettering: Lettering
) -> list[dict[str, Any]]:
    """Draw to files; describes each figure by the fields of `DrawnFigure`, and `files`."""
    from alignkit.figures.style import drawing, save

    cards = sorted(FIGURES.values(), key=lambda card: (card.order, card.name))
    described: list[dict[str, Any]] = []
    with drawing(page, lettering):
        for dataset in results.datasets:
            for card in cards:
                picture = card.draw(results, dataset) if card.applies(results, dataset) else None
                if picture is None:
                    continue
                stem = f"{dataset}-{card.name}".replace("@", "-at-")
                files = {name: f"{stem}.{name}" for name in formats}
                save(picture, {kind: folder / name for kind, name in files.items()})
                described.append({
                    "name": card.name, "dataset": dataset, "files": files,
                    "caption": card.caption(results, dataset), "alt": card.alt(results, dataset),
                    "width": picture.get_figwidth(),
                })  # fmt: skip
    return described
