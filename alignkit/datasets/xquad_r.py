"""XQuAD-R: 1,190 questions in eleven languages, all parallel, against every sentence."""

from pathlib import Path

from alignkit.datasets import Request, dataset
from alignkit.datasets.lareqa import Counts
from alignkit.datasets.published import Release, load_release
from alignkit.tables import Dataset, DatasetCard

CANDIDATES = {
    "ar": 1222, "de": 1276, "el": 1234, "en": 1180, "es": 1215, "hi": 1244, "ru": 1219, "th": 852,
    "tr": 1167, "vi": 1209, "zh": 1196,
}  # fmt: skip

# Of the files at the commit below.
SHA256 = {
    "ar": "c52922d3b8ac1ae03ed5ac38647ad59870dca3dda2beefe18ecdc30729acb69d",
    "de": "16fb0f4bf4916154b585a20c24c66074591c9718a1affe764ff4697572328949",
    "el": "163fd43ee785a30eb534ae2061e9eaa766a7ee4e8ffce5e4b422480c150f64b6",
    "en": "7b0954f39297c27a31fef610f0883337dd2907fa8699151dc922afdd0fa12ffe",
    "es": "f8e836b2d91009c4363e04315f7ede363eedbbb49c67dda60de6c4aa782f58de",
    "hi": "ea45ba8ae4513d1533b222bebdc02a90bc319c055d3aeea68584a053d2e92872",
    "ru": "7f4dff853538b9a5fcc28c070b8bb983a5c5d190ac747b8e005a1ada9cab18f1",
    "th": "c3a041864c3a9fb0b4dd91cfdf99cf36b411b3e704c58a303c97bc6dc786cfe4",
    "tr": "f3e8c13002bbce154a4578f535f7533cb70f3da08840e6b62735935baec7bd94",
    "vi": "e35926bf5cc6fc6ecbdfca49467aabeb454f08d152d7818143a906bd31dde995",
    "zh": "80c2cde7b9c2fb134c303cbb52f2ba396ead9eb0014aec43993543d2ba9e93ed",
}

CARD = DatasetCard(
    name="xquad-r",
    title="XQuAD-R",
    languages=tuple(CANDIDATES),
    licence="CC BY-SA 4.0",
    source="LAReQA, arXiv 2004.05484; github.com/google-research-datasets/lareqa",
    description=(
        "Questions of XQuAD, parallel in all languages, against every sentence of its paragraphs. "
        "A sentence answers a question if the published answer starts in it."
    ),
)

RELEASE = Release(
    card=CARD,
    folder=(
        "https://raw.githubusercontent.com/google-research-datasets/lareqa/"
        "5405d2a77e83d5ccb47623a3f9e5604c3f103193"
    ),
    counts={language: Counts(1190, n) for language, n in CANDIDATES.items()},
    sha256=SHA256,
)


@dataset(CARD, has_context=True, further_splits="articles:0-31")
def load(path: Path | None, request: Request) -> Dataset:
    """Read the files, of which each download is verified by its checksum.

    With `candidate="sentence+context"` a passage's text is the sentence, a newline and the whole
    paragraph: LAReQA's encoders read both.
    """
    return load_release(RELEASE, path, request)
