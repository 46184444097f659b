"""Where MIRACL's files lie, in a folder or where they are published.

Not a dataset itself, but how its files are found, fetched and verified.
"""

from math import ceil
from pathlib import Path
from typing import NamedTuple

from alignkit.datasets import Request, choose_languages
from alignkit.datasets.download import address, keep
from alignkit.datasets.packed import known_checksums, read_lines
from alignkit.errors import AlignkitError

NAME = "miracl"
PASSAGES = {
    "ar": 2_061_414, "bn": 297_265, "de": 15_866_222, "en": 32_893_221, "es": 10_373_953,
    "fa": 2_207_172, "fi": 1_883_509, "fr": 14_636_953, "hi": 506_264, "id": 1_446_315,
    "ja": 6_953_614, "ko": 1_486_752, "ru": 9_543_918, "sw": 131_924, "te": 518_079,
    "th": 542_166, "yo": 49_043, "zh": 4_934_368,
}  # fmt: skip
IN_A_FILE = 500_000  # passages
HUB = "https://huggingface.co/datasets/miracl"
COMMITS = {
    "miracl": "5be20db9509754dadad47689368639fcec739c00",
    "miracl-corpus": "d921ec7e349ce0d28daf30b2da9da5ee698bef0d",
}
CHECKSUMS = Path(__file__).with_name("miracl_dev.sha256")  # of topics and qrels; sha256sum's format


class Files(NamedTuple):
    """The files of one language."""

    language: str
    topics: Path
    qrels: Path
    corpus: list[Path]


def find_files(path: Path | None, request: Request) -> list[Files]:
    """Find the files of each language wanted in a folder, or download them into the cache."""
    split = "dev" if request.split == "test" else request.split
    if path is None:
        if request.languages is None:
            raise AlignkitError(
                f"all 18 corpora of MIRACL have {sum(PASSAGES.values()):,} passages; name the "
                "languages to download, as in --languages sw,yo"
            )
        languages = choose_languages(NAME, PASSAGES, request)
        folder = request.cache_folder / "datasets" / NAME
        for language in languages:
            _download(folder, language, split, request)
    else:
        folder = path
        present = [one for one in PASSAGES if _place(folder, "topics", one, split)]
        if not present:
            raise AlignkitError(
                f"{folder} has no {_below('topics', 'sw', split)} or that of another language; "
                f"give the folder that holds the splits of MIRACL, or another split than {split!r}"
            )
        languages = choose_languages(NAME, present, request)
    return [_own(folder, language, split) for language in languages]


def _below(kind: str, language: str, split: str) -> str:
    return f"miracl-v1.0-{language}/{kind}/{kind}.miracl-v1.0-{language}-{split}.tsv"


def _roots(folder: Path) -> list[Path]:
    """Where the two published folders may lie, side by side or as their repositories."""
    return [folder, folder / "miracl", folder / "miracl-corpus"]


def _place(folder: Path, kind: str, language: str, split: str) -> Path | None:
    below = _below(kind, language, split)
    for root in _roots(folder):
        for file in (root / below, root / Path(below).name):
            if file.is_file():
                return file
    return None


def _own(folder: Path, language: str, split: str) -> Files:
    topics, qrels = (_place(folder, kind, language, split) for kind in ("topics", "qrels"))
    if topics is None or qrels is None:
        missing = _below("qrels" if topics else "topics", language, split)
        raise AlignkitError(
            f"{folder} has no {missing}; put it there from {HUB}/miracl, or choose another split"
        )
    shards: dict[int, Path] = {}
    for root in _roots(folder):
        for file in root.glob(f"miracl-corpus-v1.0-{language}/docs-*.jsonl.gz"):
            number = file.name.removeprefix("docs-").removesuffix(".jsonl.gz")
            if number.isdecimal():
                shards.setdefault(int(number), file)
    for number in range(max(shards, default=-1) + 1):
        if number not in shards:
            raise AlignkitError(
                f"{shards[max(shards)].parent} has no docs-{number}.jsonl.gz; fetch it again"
            )
    return Files(language, topics, qrels, [shards[number] for number in sorted(shards)])


def no_corpus(files: Files, path: Path | None) -> str:
    """Say that a language has no corpus, and how to get it."""
    name = f"miracl-corpus-v1.0-{files.language}/docs-*.jsonl.gz"
    return (
        f"{path} has topics and qrels, but no corpus of {files.language!r}: put {name} there from "
        f"{HUB}/miracl-corpus, or write 'miracl' without a path to download it; `alignkit datasets "
        "check` reads the topics alone"
    )


def _download(folder: Path, language: str, split: str, request: Request) -> None:
    """See to it that the published files of a language lie in the cache, whole."""
    known = known_checksums(CHECKSUMS)
    n_files = ceil(PASSAGES[language] / IN_A_FILE)
    files = [("miracl", _below(kind, language, split)) for kind in ("topics", "qrels")]
    files += [
        ("miracl-corpus", f"miracl-corpus-v1.0-{language}/docs-{i}.jsonl.gz")
        for i in range(n_files)
    ]
    for repository, below in files:
        published = f"{HUB}/{repository}/resolve/{COMMITS[repository]}"
        keep(
            address(published, below, dataset=NAME),
            folder / below,
            sha256=known.get(Path(below).name),
            check=lambda file: sum(1 for _ in read_lines(file)),  # its end has a checksum
            offline=request.offline,
            reporter=request.reporter,
        )
