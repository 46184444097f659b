"""What `alignkit demo` does: train three small checkpoints from one start, and compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alignkit.checkpoints import EncodeOptions
from alignkit.figures.page import PAPER, Page
from alignkit.progress import SILENT, Reporter
from alignkit.run import RunSettings, compare
from alignkit.run_folder import check_free
from alignkit.tables import Results

STRATEGIES = ("monolingual", "cross-lingual", "hybrid")
DATA = ("sample-generated", "sample")
# A bag of subwords: it learns in seconds, and what a strategy does shows in it as in larger ones.
INIT = "scratch,vocabulary=8000,dim=128"
BATCH, STEPS = 64, 400


@dataclass(frozen=True)
class Demo:
    """What came out, and where the three checkpoints are."""

    results: Results
    checkpoints: tuple[Path, ...]


def demo(
    out: Path | str = "reports/demo",
    *,
    seed: int = 0,
    umap: bool = True,
    force: bool = False,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    page: Page = PAPER,
    reporter: Reporter = SILENT,
) -> Demo:
    """Train on the sample's train split and compare on its test split, on the CPU and offline.

    Checkpoints go to `OUT-checkpoints`, the run to `out`. They begin with the same random vectors
    and see as many batches of the same size; only the languages in a batch differ. Checkpoints that
    an earlier demo finished are not trained again.

    Raises AlignkitError if `out` exists and `force` is not given.
    """
    from alignkit.training import BatchStrategy, TrainSettings, train  # torch takes seconds

    out = Path(out)
    check_free(out, force=force)
    cpu = EncodeOptions(device="cpu", offline=True)
    folders: list[Path] = []
    for strategy in STRATEGIES:
        folder = out.with_name(f"{out.name}-checkpoints") / f"{strategy}-seed{seed}"
        settings = TrainSettings(
            BatchStrategy(strategy), init=INIT, data=DATA, batch=BATCH, steps=STEPS,
            save_every=STEPS, seed=seed, encode=cpu,
        )  # fmt: skip
        train(settings, folder, keep_finished=True, reporter=reporter)
        folders.append(folder)
    results = compare(
        [f"{strategy}={folder}" for strategy, folder in zip(STRATEGIES, folders, strict=True)],
        data=DATA, out=out, force=force, formats=formats, page=page, reporter=reporter,
        settings=RunSettings(encode=cpu, seed=seed, umap=umap),
    )  # fmt: skip
    return Demo(results, tuple(folders))
