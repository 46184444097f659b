"""MLQA-R: questions in two to four of seven languages each, against every sentence."""

from pathlib import Path

from alignkit.datasets import Request, dataset
from alignkit.datasets.lareqa import Counts
from alignkit.datasets.published import Release, load_release
from alignkit.tables import Dataset, DatasetCard

COUNTS = {
    "ar": Counts(517, 2545),
    "de": Counts(512, 2362),
    "en": Counts(1148, 6264),
    "es": Counts(500, 1787),
    "hi": Counts(507, 2426),
    "vi": Counts(511, 2828),
    "zh": Counts(504, 2322),
}

CARD = DatasetCard(
    name="mlqa-r",
    title="MLQA-R",
    languages=tuple(COUNTS),
    licence="CC BY-NC 4.0",
    source="LAReQA, arXiv 2004.05484; github.com/google-research-datasets/lareqa",
    description=(
        "Questions of MLQA's development set against every sentence of its paragraphs; each of the "
        "1,148 questions exists in English and in one to three of the other languages. A download "
        "is verified by the published number of questions and candidates, later reads by the "
        "checksum seen then."
    ),
)

RELEASE = Release(
    card=CARD,
    folder=(
        "https://raw.githubusercontent.com/google-research-datasets/lareqa/"
        "354d67d1cd066854cdfbf5ad0e6105528976141d"
    ),
    counts=COUNTS,
    sha256={},  # not known: the licence forbids handing the files on, so no copy was at hand
)


@dataset(CARD, has_context=True, further_splits="articles:0-31")
def load(path: Path | None, request: Request) -> Dataset:
    """Read the files, of which each download is verified by its published counts.

    The checksum seen then is kept beside the file as `{language}.json.sha256`, and later reads
    are verified against it. With `candidate="sentence+context"` a passage's text is the sentence,
    a newline and the whole paragraph.
    """
    return load_release(RELEASE, path, request)
