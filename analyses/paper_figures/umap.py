"""Maps of the queries by language, and of where their translations lie."""

from matplotlib.figure import Figure

from alignkit.figures import FIGURES
from alignkit.tables import Results


def draw(results: Results, dataset: str) -> Figure | None:
    """Draw every checkpoint's maps; None of a run that was made with --no-umap."""
    card = FIGURES.get("umap")
    return card.draw(results, dataset) if card.applies(results, dataset) else None
