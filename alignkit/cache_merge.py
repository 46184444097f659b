"""Joining vector caches: what shards embedded elsewhere comes together in one place.

Everything is read and checked before anything is written, so that caches which do not belong
together leave the target as it was. Files have the digest of their content as a name: to merge
again changes nothing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.shard import ShardFile, open_shard, shard_shape, write_whole
from alignkit.store import NOTE, StoredVectors, VectorStore, index_of, read_recipe, recipe_key

SAME = 0.99  # cosine of a text's vectors in two batches; of two checkpoints' it is anything


@dataclass(frozen=True)
class Merged:
    """What a merge did: files and bytes copied, and how complete each sharded job is, in words."""

    files: int
    size: int
    jobs: tuple[str, ...]


def merge_caches(sources: Sequence[Path], into: VectorStore) -> Merged:
    """Copy the vectors of the cache folders `sources` into `into`.

    Raises AlignkitError, and copies nothing, where a source is no cache or has a damaged file, and
    where shards of one job come from different checkpoints.
    """
    stores = [_open(source) for source in sources]
    for home in dict.fromkeys(home.name for store in stores for home in store.homes()):
        _check_home([store.folder / home[:2] / home for store in (into, *stores)])
    jobs = tuple(sorted(_check_jobs([into, *stores])))
    files = size = 0
    for store in stores:
        for home in store.homes():
            target = into.reserve(read_recipe(home))
            for path in _wanted(home, target):
                files, size = files + 1, size + path.stat().st_size
                _copy(path, target / path.name, into)
    return Merged(files, size, jobs)


def _open(source: Path) -> VectorStore:
    if not (source / "vectors").is_dir():
        raise AlignkitError(
            f"{source} is no cache: it has no folder 'vectors'; name what ALIGNKIT_CACHE was there"
        )
    return VectorStore(source)


def _wanted(home: Path, target: Path) -> Iterator[Path]:
    """Give the files of a recipe's folder that the target has not."""
    for pattern in ("*.safetensors", NOTE.format("*")):
        for path in sorted(home.glob(pattern)):
            there = target / path.name
            if not there.exists() or there.stat().st_size != path.stat().st_size:
                yield path


def _copy(path: Path, target: Path, into: VectorStore) -> None:
    try:
        write_whole(target, path.read_bytes())
    except OSError as error:
        raise into.unwritable(error) from error


def _check_home(folders: list[Path]) -> None:
    """Refuse what can't be of one checkpoint, though it lies under one recipe."""
    shards: dict[Path, tuple[np.ndarray, ShardFile]] = {}
    for folder in folders:
        if folder.is_dir() and recipe_key(read_recipe(folder)) != folder.name:
            raise AlignkitError(
                f"{folder / 'recipe.json'} is of another checkpoint than its folder's name says; "
                "remove that folder, and embed its texts again"
            )
        for path in sorted(folder.glob("*.safetensors")):
            shards[path] = open_shard(path)
    dims = {shard_shape(path)[1]: path for path in shards}
    if len(dims) > 1:
        first, second = list(dims.items())[:2]
        raise AlignkitError(
            f"{first[1]} has vectors of {first[0]} dimensions and {second[1]} of {second[0]}: they "
            "are of different checkpoints; remove the one that is wrong"
        )
    keys, vectors = [key for key, _ in shards.values()], [one for _, one in shards.values()]
    _check_repeats(index_of(keys, vectors, []), list(shards))


def _check_repeats(stored: StoredVectors, paths: list[Path]) -> None:
    """Refuse two vectors of one text that no two batches of one checkpoint could give."""
    for row in np.flatnonzero(stored.keys[1:] == stored.keys[:-1]):
        places = stored.places[row : row + 2]
        one, other = (stored.vector(place) for place in places)
        if one @ other < SAME * np.linalg.norm(one) * np.linalg.norm(other):
            first, second = (paths[place[0]] for place in places)
            raise AlignkitError(
                f"{first} and {second} have different vectors of one text: they are of different "
                "checkpoints; remove the one that is wrong"
            )


def _check_jobs(stores: list[VectorStore]) -> Iterator[str]:
    """Say how complete each sharded job is; refuse one whose shards are of several checkpoints."""
    jobs: dict[str, dict[str, set[int]]] = {}
    recipes: dict[str, dict[str, str]] = {}
    for store in stores:
        for home in store.homes():
            for path in home.glob(NOTE.format("*")):
                note = _read_note(path)
                job = json.dumps({name: note[name] for name in ("data", "role", "of")})
                jobs.setdefault(job, {}).setdefault(home.name, set()).add(note["shard"])
                recipes[home.name] = read_recipe(home)
    for job, done in jobs.items():
        of = json.loads(job)["of"]
        _check_job(job, done, recipes)
        for home, numbers in done.items():
            lacking = sorted(set(range(1, of + 1)) - numbers)
            state = f"lacks {', '.join(f'{n}/{of}' for n in lacking)}" if lacking else "complete"
            yield f"{_named(job)}, {recipes[home]['fingerprint'][:8]}: {state}"


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_text("utf-8"))
        return {name: note[name] for name in ("data", "role", "shard", "of")}
    except (ValueError, KeyError, TypeError) as error:
        raise AlignkitError(
            f"{path} is damaged: it does not say which shard was done; copy it again, or remove it "
            "and run that shard again"
        ) from error


def _check_job(job: str, done: dict[str, set[int]], recipes: dict[str, dict[str, str]]) -> None:
    of = json.loads(job)["of"]
    partial = [(home, numbers) for home, numbers in done.items() if len(numbers) < of]
    for i, (home, numbers) in enumerate(partial):
        for other, others in partial[:i]:
            if not numbers & others:
                a, b = recipes[other], recipes[home]
                differs = [name for name in a if a[name] != b.get(name)]
                raise AlignkitError(
                    f"{_named(job)}: shard {min(others)}/{of} and shard {min(numbers)}/{of} are of "
                    f"different checkpoints: {differs[-1]} is {a[differs[-1]][:12]} and "
                    f"{b.get(differs[-1], 'nothing')[:12]}; embed all shards with one checkpoint "
                    "and --dtype"
                )


def _named(job: str) -> str:
    stated = json.loads(job)
    return f"{' and '.join(name for name, _ in stated['data'])}, {stated['role']} texts"
