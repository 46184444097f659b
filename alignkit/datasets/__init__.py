"""Datasets: parallel queries, passages and their answers; one dataset a file.

A dataset is a function that reads files into a `Dataset`, registered with its card:

    @dataset(DatasetCard(name="mine", ...))
    def load(path: Path | None, request: Request) -> Dataset:

The file is all it takes: `--data mine`, the listing and the checks here follow from the card.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from alignkit.cache_folder import cache_folder
from alignkit.datasets.placed import Source, in_languages, of_dataset
from alignkit.datasets.spec import parse_spec, reaching
from alignkit.errors import AlignkitError
from alignkit.languages import display_order, normalise
from alignkit.progress import SILENT, Reporter
from alignkit.registry import Registry
from alignkit.tables import Dataset, DatasetCard

Candidate = Literal["sentence", "sentence+context"]


@dataclass(frozen=True)
class Request:
    """What the user wants of a dataset.

    `languages` are normalised and, where the card names the dataset's languages, among them; None
    means all. `candidate` says what stands for a passage. `cache_folder` is where downloads are
    kept; `offline` forbids them.
    """

    languages: tuple[str, ...] | None
    candidate: Candidate
    split: str
    offline: bool
    reporter: Reporter
    cache_folder: Path


Loader = Callable[[Path | None, Request], Dataset]
Sources = Callable[[Path | None, Request], Iterable[Source]]


@dataclass(frozen=True)
class RegisteredDataset:
    """A dataset that can be asked for by name.

    `has_context` says whether its passages are sentences of a longer text, which
    `candidate="sentence+context"` adds. `further_splits` is an example of splits that are not on
    the card, which `load` checks itself; `splits_of` lists those that a path holds. `sources`
    reads the files without judging them, for `alignkit datasets check`, perhaps in all languages;
    without it, that sees what `load` gives.
    """

    card: DatasetCard
    load: Loader
    has_context: bool
    further_splits: str
    splits_of: Callable[[Path], set[str]] | None
    sources: Sources | None


DATASETS: Registry[RegisteredDataset] = Registry("dataset", "alignkit.datasets")


def dataset(
    card: DatasetCard,
    *,
    has_context: bool = False,
    further_splits: str = "",
    splits_of: Callable[[Path], set[str]] | None = None,
    sources: Sources | None = None,
) -> Callable[[Loader], Loader]:
    """Decorate: register a function that loads the dataset of `card`."""

    def decorate(load: Loader) -> Loader:
        found = RegisteredDataset(card, load, has_context, further_splits, splits_of, sources)
        DATASETS.add(card.name, found)
        return load

    return decorate


def load_dataset(
    spec: str = "sample",
    *,
    languages: Iterable[str] | None = None,
    candidate: str = "sentence",
    split: str = "test",
    offline: bool = False,
    reporter: Reporter = SILENT,
) -> Dataset:
    """Load a dataset by name, from a folder or file of yours or from where it is published.

    Parameters
    ----------
    spec : `NAME` or `NAME:PATH`; `NAME` alone is bundled or downloaded once into the cache.
    languages : codes in any common form; None for all that the dataset has.
    candidate : "sentence", or "sentence+context" for a passage with the paragraph it stands in.
    split : which part, of those on the dataset's card.
    offline : forbid downloads.
    reporter : where downloads and their progress are told.

    Raises
    ------
    AlignkitError
        For everything that the caller can mend; the text is one line.

    Examples
    --------
    >>> load_dataset("xquad-r:/data/xquad-r", languages=["en", "deu"])  # doctest: +SKIP
    """
    found, path, request = _requested(
        spec, languages, candidate=candidate, split=split, offline=offline, reporter=reporter
    )
    with reaching(spec):
        return found.load(path, request)


def sources_of(
    spec: str,
    *,
    languages: Iterable[str] | None = None,
    split: str = "test",
    offline: bool = False,
    reporter: Reporter = SILENT,
) -> Iterator[Source]:
    """Read a dataset's texts file by file without judging them; see `load_dataset`.

    What can't be read so is loaded and given as one file without lines. After the last text,
    AlignkitError is raised if none was of the split, or of a language wanted.
    """
    found, path, request = _requested(
        spec, languages, candidate="sentence", split=split, offline=offline, reporter=reporter
    )
    sources = _sources(spec, found, path, request)
    return in_languages(sources, request.languages, lambda there: _check(spec, there, request))


def _sources(
    spec: str, found: RegisteredDataset, path: Path | None, request: Request
) -> Iterator[Source]:
    with reaching(spec):
        if found.sources is not None:
            yield from found.sources(path, request)
        else:
            yield from of_dataset(path or Path(found.card.name), found.load(path, request))


def _check(spec: str, there: set[str], request: Request) -> None:
    """Refuse a split or languages that the texts of a dataset are not of."""
    if not there:
        languages = f" in {_listed(request.languages)}" if request.languages else ""
        has = splits_of(spec)
        mend = f"; its splits are {_listed(has)}" if has else ""
        raise AlignkitError(f"{spec!r} has no text of the split {request.split!r}{languages}{mend}")
    choose_languages(spec, there, request)


def _requested(
    spec: str,
    languages: Iterable[str] | None,
    *,
    candidate: str,
    split: str,
    offline: bool,
    reporter: Reporter,
) -> tuple[RegisteredDataset, Path | None, Request]:
    """Find the dataset, its path and what is wanted of it."""
    name, path = parse_spec(spec)
    found = DATASETS.get(name)
    if split not in found.card.splits and not found.further_splits:
        has = ", ".join(repr(known) for known in found.card.splits)
        raise AlignkitError(f"the dataset {name!r} has no split {split!r}; it has {has}")
    request = Request(
        languages=_wanted(languages),
        candidate=_candidate(candidate, found),
        split=split,
        offline=offline,
        reporter=reporter,
        cache_folder=cache_folder(),
    )
    if found.card.languages and path is None:  # a folder of one's own may hold others
        choose_languages(name, found.card.languages, request)
    return found, path, request


def splits_of(spec: str) -> tuple[str, ...]:
    """Name the splits of a dataset, those on its card or those that its file holds."""
    name, path = parse_spec(spec)
    found = DATASETS.get(name)
    if path is None or found.splits_of is None:
        return found.card.splits
    return tuple(sorted(found.splits_of(path)))


def path_of(spec: str) -> Path | None:
    """Give the path of `NAME:PATH`, which is there; None where data are bundled or published."""
    return parse_spec(spec)[1]


def choose_languages(name: str, present: Iterable[str], request: Request) -> list[str]:
    """Languages to read of those `present`, in alphabetical order.

    Raises
    ------
    AlignkitError
        If one is wanted that the dataset called `name` does not have.
    """
    present = set(present)
    wanted = present if request.languages is None else set(request.languages)
    missing = display_order(wanted - present)
    if missing:
        raise AlignkitError(
            f"the dataset {name!r} has no {_listed(missing)}; it has {_listed(sorted(present))}"
        )
    return sorted(wanted)


def _wanted(languages: Iterable[str] | None) -> tuple[str, ...] | None:
    if languages is None:
        return None
    if isinstance(languages, str):  # a string is an iterable of letters
        languages = languages.split(",")
    wanted = tuple(dict.fromkeys(normalise(code) for code in languages))
    if not wanted:
        raise AlignkitError("no language is left to load; name at least one, such as 'en'")
    return wanted


def _candidate(candidate: str, found: RegisteredDataset) -> Candidate:
    name = found.card.name
    for known in get_args(Candidate):
        if candidate == known:
            if candidate != "sentence" and not found.has_context:
                raise AlignkitError(
                    f"the passages of {name!r} have no context; leave the candidate at 'sentence'"
                )
            return known
    known = " or ".join(repr(known) for known in get_args(Candidate))
    raise AlignkitError(f"no candidate is called {candidate!r}; write {known}")


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(repr(code) for code in codes)
