"""The content-addressed vector cache: immutable shards under the recipe that made them.

    {cache}/vectors/{key[:2]}/{key}/
        recipe.json           what, with a text, determines a vector
        shard-{digest}.json   which shard of which data was embedded here, where that was asked
        {digest}.safetensors  keys (n, 16) uint8 and vectors (n, dim), float32 or float16

A shard is written under a temporary name and renamed, so that a file with its final name is whole;
its name is the digest of its content, so that two processes that write the same do no harm.
"""

import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.cache_folder import cache_folder
from alignkit.errors import AlignkitError
from alignkit.shard import (
    TEMPORARY,
    ShardFile,
    is_whole,
    open_shard,
    shard_shape,
    text_keys,
    unreadable,
    write_shard,
    write_whole,
)

Recipe = Mapping[str, str]
NOTE = "shard-{}.json"  # beside the vectors: which shard of which data is done
HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True)
class StoredVectors:
    """Where all vectors of one recipe are; `damaged` are shards that could not be trusted."""

    keys: np.ndarray  # (n,) S16, sorted
    places: np.ndarray  # (n, 2) int64: shard and row of each key
    shards: tuple[ShardFile, ...]
    damaged: tuple[Path, ...] = ()

    @property
    def dim(self) -> int:
        """Length of the vectors, 0 where there are none."""
        return self.shards[0].shape[1] if self.shards else 0

    def places_of(self, texts: Collection[str]) -> np.ndarray:
        """Shard and row of each text's vector, (n, 2) int64; -1 where it is not there."""
        if not len(self.keys):
            return np.full((len(texts), 2), -1)
        wanted = _as_strings(text_keys(texts))
        positions = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        places = self.places[positions]
        places[self.keys[positions] != wanted] = -1
        return places

    def copy(self, places: np.ndarray, out: np.ndarray, rows: np.ndarray) -> None:
        """Write the vector at places[i] to out[rows[i]], wherever there is one."""
        order = np.argsort(places[:, 0], kind="stable")
        starts = np.searchsorted(places[order, 0], np.arange(len(self.shards) + 1))
        for number, shard in enumerate(self.shards):
            here = order[starts[number] : starts[number + 1]]
            if len(here):
                out[rows[here]] = shard.vectors()[places[here, 1]]

    def vector(self, place: np.ndarray) -> np.ndarray:
        """Give the one vector at a place, (dim,) float64."""
        return self.shards[place[0]].vectors()[place[1]].astype(np.float64)


def read_recipe(home: Path) -> dict[str, str]:
    """Read what the vectors of a folder were made by.

    Raises AlignkitError where it does not say.
    """
    try:
        return json.loads((home / "recipe.json").read_bytes().decode("utf-8", "surrogatepass"))
    except (OSError, ValueError) as error:
        raise AlignkitError(
            f"{home} does not say which checkpoint its vectors are of ({error}); remove that folder"
        ) from error


def recipe_key(recipe: Recipe) -> str:
    """Sha256 of the recipe, in hex: the folder that its vectors lie in."""
    stated = json.dumps(dict(recipe), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(stated.encode()).hexdigest()


class VectorStore:
    """The vector cache in `cache`, the user's own by default.

    A class because its methods share the place on disk.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self.folder = (cache or cache_folder()) / "vectors"

    def read(self, recipe: Recipe) -> StoredVectors:
        """Open all that was made by `recipe`; every shard is hashed, and a bad one is removed.

        Removing is safe: what a bad shard held is embedded again.
        """
        folder = self._home(recipe)
        keys: list[np.ndarray] = []
        shards: list[ShardFile] = []
        damaged: list[Path] = []
        for path in sorted(folder.glob("*.safetensors")):
            try:
                shard_keys, shard = open_shard(path)
            except AlignkitError:
                damaged.append(path)
                _remove(path)
            except FileNotFoundError:
                continue  # pruned by another process a moment ago
            except OSError as error:
                raise unreadable(path, error) from error
            else:
                keys.append(shard_keys)
                shards.append(shard)
        _touch(folder / "recipe.json")
        return index_of(keys, shards, damaged)

    def names(self, recipe: Recipe) -> list[str]:
        """Name the recipe's shards, each by the digest of its content; they count as used now."""
        folder = self._home(recipe)
        _touch(folder / "recipe.json")
        return [path.name for path in _shards(folder)]

    def reserve(self, recipe: Recipe) -> Path:
        """Make the recipe's folder, so that a place that cannot be written is known at once."""
        folder = self._home(recipe)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "recipe.json").exists():
                stated = json.dumps(dict(recipe), indent=2, sort_keys=True, ensure_ascii=False)
                write_whole(folder / "recipe.json", stated.encode("utf-8", "surrogatepass"))
        except OSError as error:
            raise self.unwritable(error) from error
        return folder

    def append(self, recipe: Recipe, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Write one shard: row i of `vectors` (n, dim), float32 or float16, embeds text i."""
        assert vectors.dtype in (np.float32, np.float16)
        assert len(texts) == len(vectors) > 0
        folder = self.reserve(recipe)
        try:
            write_shard(folder, texts, vectors)
        except OSError as error:
            raise self.unwritable(error) from error

    def note_shard(
        self, recipe: Recipe, data: Sequence[tuple[str, str]], number: int, of: int
    ) -> None:
        """Leave word that shard `number` of `of` is done; `data` are names and checksums."""
        job = {"data": list(data), "role": recipe["role"], "shard": number, "of": of}
        digest = hashlib.sha256(json.dumps(job).encode()).hexdigest()[:16]
        try:
            write_whole(
                self.reserve(recipe) / NOTE.format(digest), json.dumps(job, indent=2).encode()
            )
        except OSError as error:
            raise self.unwritable(error) from error

    def info(self) -> list[dict[str, Any]]:
        """List what the cache holds, a recipe each, the largest first.

        Every entry has the recipe's own keys (`fingerprint`, `role`, `prompt`, …) and `key`,
        `texts`, `dim`, `shards`, `bytes`, `last_used` (seconds since 1970).
        """
        infos = [_info(folder) for folder in self.homes()]
        return sorted(infos, key=lambda info: -info["bytes"])

    def verify(self) -> list[Path]:
        """Hash every shard again; the bad ones, which `read` would remove."""
        return [path for folder in self.homes() for path in _shards(folder) if not is_whole(path)]

    def prune(self, *, older_than_days: int | None = None, everything: bool = False) -> int:
        """Remove what interrupted runs left behind, and what was not used for so many days, or all.

        Returns the bytes that this freed. A temporary file younger than an hour may belong to a
        running process: it stays, unless everything goes.
        """
        now = time.time()
        oldest = -np.inf if older_than_days is None else now - older_than_days * DAY
        doomed: list[Path] = []
        for folder in self.homes():
            old = everything or _last_used(folder) < oldest
            doomed += [path for path in folder.iterdir() if old or _is_left_over(path, now)]
        freed = sum(_remove(path) for path in doomed)
        for folder in self.homes():
            _remove_if_empty(folder)
        return freed

    def _home(self, recipe: Recipe) -> Path:
        key = recipe_key(recipe)
        return self.folder / key[:2] / key

    def homes(self) -> Iterator[Path]:
        """Folders, one a recipe."""
        return iter(sorted(path for path in self.folder.glob("*/*") if path.is_dir()))

    def unwritable(self, error: OSError) -> AlignkitError:
        """Say why nothing can be written here, and what to do."""
        return AlignkitError(
            f"cannot write the vector cache in {self.folder}: {error.strerror or error}; "
            "set ALIGNKIT_CACHE to a folder with room that you may write to"
        )


def index_of(keys: list[np.ndarray], shards: list[ShardFile], damaged: list[Path]) -> StoredVectors:
    """Find one's way in shards: keys (n, 16) of each, and where its vectors are."""
    if not keys:
        return StoredVectors(
            np.zeros(0, "S16"), np.zeros((0, 2), np.int64), (), damaged=tuple(damaged)
        )
    places = np.concatenate(
        [np.column_stack([np.full(len(k), n), np.arange(len(k))]) for n, k in enumerate(keys)]
    )
    strings = _as_strings(np.concatenate(keys))
    order = np.argsort(strings, kind="stable")
    return StoredVectors(strings[order], places[order], tuple(shards), damaged=tuple(damaged))


def _as_strings(keys: np.ndarray) -> np.ndarray:
    # Bytes of a fixed width compare as the digests do: numpy pads with zeros, so a digest that
    # ends in zeros stays equal to itself and to nothing else.
    return np.ascontiguousarray(keys).view("S16").ravel()


def _info(folder: Path) -> dict[str, Any]:
    try:
        recipe = read_recipe(folder)
    except AlignkitError:
        recipe = {}
    shapes = [shard_shape(path) for path in _shards(folder)]
    return {
        "fingerprint": "?",
        "role": "?",
        **recipe,
        "key": folder.name,
        "texts": sum(n for n, _ in shapes),
        "dim": max((dim for _, dim in shapes), default=0),
        "shards": len(shapes),
        "bytes": sum(path.stat().st_size for path in folder.iterdir()),
        "last_used": _last_used(folder),
    }


def _is_left_over(path: Path, now: float) -> bool:
    return path.name.startswith(TEMPORARY) and _modified(path) < now - HOUR


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def _last_used(folder: Path) -> float:
    return max((_modified(path) for path in folder.iterdir()), default=0.0)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _touch(path: Path) -> None:
    # The time of last use, for `prune`; a cache that may only be read keeps its old one.
    try:
        os.utime(path)
    except OSError:
        return


def _remove(path: Path) -> int:
    """Bytes that this freed, 0 where it may not be removed."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size


def _remove_if_empty(folder: Path) -> None:
    for place in (folder, folder.parent):
        try:
            place.rmdir()
        except OSError:
            return
