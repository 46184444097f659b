"""Sentence pairs as MTEB's bitext data have them: sentence1, sentence2 and perhaps lang.

Not a dataset itself, but how its files are found and read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from alignkit.datasets import Request
from alignkit.datasets.packed import SUFFIXES, read_rows, text_of
from alignkit.errors import AlignkitError
from alignkit.languages import normalise

# What files and folders of data sets are called after; other words may be languages.
_SPLITS = {
    "train", "training", "dev", "devtest", "val", "valid", "validation", "eval", "test",
}  # fmt: skip


class Pair(NamedTuple):
    """A sentence and its translation; `own_id` is the id of both, `line` where they stand."""

    own_id: str
    languages: tuple[str, str]
    texts: tuple[str, str]
    line: int


def pair_files(path: Path, request: Request) -> list[Path]:
    """Files of sentence pairs; all of them where neither name nor folder of any says a split.

    Raises AlignkitError where they say splits, and none the one that is wanted, and for a file in
    a format that is not read.
    """
    if path.is_file():
        if not path.name.endswith(SUFFIXES):
            raise AlignkitError(
                f"{path} is no file that 'mteb' reads; give one ending in {', '.join(SUFFIXES)}"
            )
        return [path]
    files = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES))
    if not files:
        raise AlignkitError(
            f"{path} has neither corpus, queries and qrels nor files of sentence pairs, which end "
            f"in {', '.join(SUFFIXES)}"
        )
    _check_forms(files)
    words = [{split_of(file), *file.relative_to(path).parts[:-1]} for file in files]
    of_split = [file for file, said in zip(files, words, strict=True) if request.split in said]
    has = sorted(_SPLITS & set().union(*words))
    if has and not of_split:
        raise AlignkitError(
            f"{path} has no sentence pairs of the split {request.split!r}; it has {', '.join(has)}"
        )
    return of_split or files


def _check_forms(files: list[Path]) -> None:
    """Refuse one table in two formats, which would be read as two tables."""
    seen: dict[Path, Path] = {}
    for file in files:
        suffix = next(one for one in SUFFIXES if file.name.endswith(one))
        other = seen.setdefault(file.with_name(file.name.removesuffix(suffix)), file)
        if other is not file:
            raise AlignkitError(f"{file} and {other.name} have one name; remove one of them")


def read_pairs(file: Path, request: Request, numbers: Counter[str]) -> Iterator[Pair]:
    """Read the rows of a file.

    `numbers` holds how many pairs of each two languages came before, in other files, and counts
    on: the files may be parts of one, each with a first line.
    """
    for line, row in read_rows(file):
        place = f"{file}, line {line}"
        texts = text_of(row, "sentence1", place), text_of(row, "sentence2", place)
        languages = _two_languages(row.get("lang"), file, request)
        both = "-".join(languages)
        numbers[both] += 1
        yield Pair(f"{both}-{numbers[both]}", languages, texts, line)


def _two_languages(said: object, file: Path, request: Request) -> tuple[str, str]:
    """Languages of a row: what it says, else its file or folder, else --languages."""
    for name in (said, file.name.partition(".")[0], file.parent.name):
        for cut in re.finditer("-", str(name or "")):
            try:
                return normalise(str(name)[: cut.start()]), normalise(str(name)[cut.end() :])
            except AlignkitError:
                continue
    if request.languages is not None and len(request.languages) == 2:
        return request.languages[0], request.languages[1]
    raise AlignkitError(
        f"{file}: neither a column lang nor a name such as de-en.jsonl says which languages the "
        "sentences have; name both, as in --languages de,en"
    )


def split_of(file: Path) -> str:
    """`test` of test.tsv and of test-00000-of-00001.parquet."""
    return re.split(r"[.-]", file.name, maxsplit=1)[0]
