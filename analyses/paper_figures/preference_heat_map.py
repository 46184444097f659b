"""Which languages a pool of all prefers, query language by passage language, as in LAReQA."""

from matplotlib.figure import Figure

from alignkit.figures import FIGURES
from alignkit.tables import Results


def draw(results: Results, dataset: str) -> Figure | None:
    """Draw every checkpoint, and what changed; None where a dataset has no mixed pool."""
    card = FIGURES.get("heatmap-preference_rank")
    return card.draw(results, dataset) if card.applies(results, dataset) else None
