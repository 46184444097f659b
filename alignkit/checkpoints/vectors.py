"""Vectors that were made elsewhere: a .npz or .parquet file with the ids of our texts."""

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from alignkit.checkpoints import Checkpoint, checkpoint_kind
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._spec import VECTOR_SUFFIXES
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.provenance import hash_file
from alignkit.tables import Role, Texts

ROLES = ("query", "passage")


@dataclass(frozen=True)
class VectorFile:
    """What the file holds; a value with a check. Row i of every array belongs together."""

    path: Path
    ids: np.ndarray  # (n,) str
    roles: np.ndarray | None  # (n,) str
    vectors: np.ndarray  # (n, dim), of the file's own dtype

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or self.vectors.dtype.kind != "f":
            raise AlignkitError(
                f"the embeddings in {self.path} are {self.vectors.dtype} of shape "
                f"{self.vectors.shape}; they should be floats of shape (texts, dimensions)"
            )
        for name, column in (("ids", self.ids), ("roles", self.roles)):
            if column is not None and column.shape != self.vectors.shape[:1]:
                raise AlignkitError(
                    f"{self.path} has {column.size:,} {name} and {len(self.vectors):,} embeddings; "
                    "there should be one of each a text"
                )
        self._check_roles()
        repeated = self.ids[self.index.duplicated()]
        if len(repeated):
            raise AlignkitError(
                f"{len(repeated)} ids stand more than once in {self.path}, first "
                f"{str(repeated[0])!r}; keep one vector a text and role"
            )

    def _check_roles(self) -> None:
        if self.roles is None:
            return
        unknown = sorted({str(role) for role in self.roles} - set(ROLES))
        if unknown:
            raise AlignkitError(
                f"{self.path} has the role {unknown[0]!r}; a role is 'query' or 'passage'"
            )

    @cached_property
    def index(self) -> pd.Index:
        """Row of "role id"; the role is empty in a file without roles."""
        roles = self.roles if self.roles is not None else [""] * len(self.ids)
        return pd.Index([f"{role} {name}" for role, name in zip(roles, self.ids, strict=True)])


@checkpoint_kind("vectors")
@dataclass(frozen=True)
class VectorsCheckpoint(Checkpoint):
    """A file of vectors; read when opened, as it is needed in any case."""

    precedence = 10
    looks_for = "a .npz or .parquet file (vectors)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether it is a file with one of the two suffixes."""
        return path.is_file() and path.suffix in VECTOR_SUFFIXES

    def __post_init__(self) -> None:
        options = self.options
        unfit = {
            "pooling": options.pooling != "auto",
            "query-prompt": options.query_prompt is not None,
            "passage-prompt": options.passage_prompt is not None,
        }
        for name in (name for name, given in unfit.items() if given):
            raise AlignkitError(
                f"{self.label} holds vectors made elsewhere: --{name} cannot change them; give it "
                f"to the other checkpoint alone, as in LOCATION,{name}=…"
            )
        _ = self.content

    @cached_property
    def content(self) -> VectorFile:
        """The file, read."""
        read = _read_npz if self.path.suffix == ".npz" else _read_parquet
        return read(self.path)

    @cached_property
    def _asked(self) -> tuple[np.ndarray, np.ndarray]:
        """Role (an index into ROLES, -1 before) and hash of the text that each vector stood for."""
        n_vectors = len(self.content.ids)
        return np.full(n_vectors, -1, np.int8), np.zeros(n_vectors, np.int64)

    def compute_fingerprint(self) -> str:
        """Of the file's bytes."""
        return hash_file(self.path)

    def describe(self) -> dict[str, Any]:
        """With shape, and the dtype in the file."""
        n_vectors, dim = self.content.vectors.shape
        return {
            **super().describe(),
            "n_vectors": n_vectors,
            "dim": dim,
            "dtype": str(self.content.vectors.dtype),  # used as float32
        }

    def load_as_it_is(self) -> None:
        """There is no model."""

    def lookup(self, texts: Texts, role: Role, reporter: Reporter = SILENT) -> np.ndarray:
        """Vectors of `texts` by id, (n, dim) float32; every text must have a good one."""
        ids = texts.frame["id"].to_numpy()
        prefix = "" if self.content.roles is None else role
        rows = self.content.index.get_indexer(pd.Index([f"{prefix} {name}" for name in ids]))
        _require(
            rows >= 0,
            ids,
            f"{role} texts have no vector in {self.path}",
            "write the texts with `alignkit export-texts` and embed all of them",
        )
        self._note_what_was_asked(texts, role, rows)
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf: caught below
            vectors = self.content.vectors[rows].astype(np.float32)
        finite = np.asarray(np.isfinite(vectors).all(axis=1))
        again = "embed these texts again"
        _require(finite, ids, f"vectors in {self.path} have NaN or inf", again)
        nonzero = np.asarray(vectors.any(axis=1))
        _require(nonzero, ids, f"vectors in {self.path} are all zeros", again)
        reporter.say(
            f"{self.label}: {len(np.unique(rows)):,} of {len(self.content.ids):,} vectors in "
            f"{self.path} are used as {role} vectors",
            level=1,
        )
        return vectors

    def _note_what_was_asked(self, texts: Texts, role: Role, rows: np.ndarray) -> None:
        """Refuse to answer with one vector for two texts, be it of two datasets or of two roles.

        64-bit hashes stand for the texts: those of a corpus of millions may be a GB.
        """
        roles, hashes = self._asked
        read = np.fromiter(map(hash, texts.frame["text"]), np.int64, len(texts))
        code = ROLES.index(role)
        known = roles[rows] >= 0
        other = known & ((roles[rows] != code) | (hashes[rows] != read))
        if other.any():
            first = int(other.argmax())
            raise AlignkitError(
                self._two_texts(texts.frame["id"].iloc[first], ROLES[roles[rows[first]]], role)
            )
        roles[rows], hashes[rows] = code, read

    def _two_texts(self, name: str, before: str, role: Role) -> str:
        """Say that an id stands for two texts, and what helps."""
        if before != role:
            return (
                f"{name!r} is the id of two texts, a {before} and a {role}, and {self.path} has "
                "one vector for both; add roles ('query' or 'passage'), one a vector"
            )
        return (
            f"{name!r} is the id of a {role} in one dataset and of another in the next, and "
            f"{self.path} has one vector for both; measure the datasets one by one, each with a "
            "file of its own"
        )


def _require(good: np.ndarray, ids: np.ndarray, what: str, mend: str) -> None:
    if not good.all():
        bad = ids[~good]
        raise AlignkitError(f"{len(bad):,} of {len(ids):,} {what}, first {bad[0]!r}; {mend}")


def _read_npz(path: Path) -> VectorFile:
    try:
        # numpy leaves a file that it opened itself open when it is no whole zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = {"ids", "embeddings"} - set(arrays.files)
            if missing:
                raise AlignkitError(
                    f"{path} has no array {min(missing)!r}; it needs 'ids' and 'embeddings'"
                )
            ids = _read_strings(path, arrays, "ids")
            roles = _read_strings(path, arrays, "roles") if "roles" in arrays.files else None
            return VectorFile(path, ids, roles, arrays["embeddings"])
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise _unreadable(path, error) from error


def _read_strings(path: Path, arrays: Any, name: str) -> np.ndarray:  # noqa: ANN401  an NpzFile
    mend = f"save them as text: np.savez(path, {name}=np.array({name}, dtype=str), …)"
    try:
        strings = arrays[name]
    except ValueError:
        raise AlignkitError(f"the {name} in {path} are Python objects; {mend}") from None
    if strings.dtype.kind == "S":
        strings = np.char.decode(strings, "utf-8")
    if strings.dtype.kind != "U":
        raise AlignkitError(f"the {name} in {path} are {strings.dtype}, not text; {mend}")
    return strings


def _read_parquet(path: Path) -> VectorFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # memory_map is off: a file that another program cuts off while we read would end us.
        table = pq.read_table(path, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    missing = {"id", "embedding"} - set(table.column_names)
    if missing:
        raise AlignkitError(f"{path} has no column {min(missing)!r}; it needs 'id' and 'embedding'")
    ids = _column_of_strings(path, table, "id")
    roles = _column_of_strings(path, table, "role") if "role" in table.column_names else None
    return VectorFile(path, ids, roles, _lists_to_matrix(path, table["embedding"]))


def _column_of_strings(path: Path, table: Any, name: str) -> np.ndarray:  # noqa: ANN401
    values = table[name].to_pylist()
    if not all(isinstance(value, str) for value in values):
        raise AlignkitError(f"the column {name!r} in {path} is {table[name].type}, not text alone")
    return np.array(values, dtype=str)


def _lists_to_matrix(path: Path, column: Any) -> np.ndarray:  # noqa: ANN401  a chunked array
    import pyarrow as pa

    kind = column.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not (is_list or pa.types.is_fixed_size_list(kind)):
        raise AlignkitError(
            f"the column 'embedding' in {path} is {kind}; it should hold lists of floats"
        )
    lists = _joined(column)
    lengths = np.unique(lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise AlignkitError(
            f"the embeddings in {path} have between {lengths[0]} and {lengths[-1]} dimensions; "
            "all should have the same number"
        )
    values = lists.flatten().to_numpy(zero_copy_only=False)
    return cast(np.ndarray, values).reshape(len(lists), -1 if len(lists) else 0)


def _joined(column: Any) -> Any:  # noqa: ANN401  from a chunked array to an array
    import pyarrow as pa

    if pa.types.is_list(column.type):  # whose chunks cannot be joined from 2**31 values on
        column = column.cast(pa.large_list(column.type.value_field))
    return column.combine_chunks()


def _unreadable(path: Path, error: Exception) -> AlignkitError:
    return AlignkitError(
        f"{path} cannot be read as {path.suffix[1:]}: {cause(error)}; write or copy it again"
    )
