"""Texts out, vectors out: files for people who embed elsewhere or bring vectors along."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, Embeddings, Role, Texts
from alignkit.whole_file import whole

_Part = tuple[str, Role, Texts]  # a dataset's name, and its texts of a role
_WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    ".jsonl": lambda frame, path: frame.to_json(
        path, orient="records", lines=True, force_ascii=False
    ),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
}


def texts_table(datasets: Sequence[Dataset]) -> pd.DataFrame:
    """All texts of the datasets: columns `id, role, language, parallel_id, text`.

    What stands in several datasets stands once. Raises AlignkitError as `rows_of_new_ids` does.
    """
    parts = _parts(datasets)
    tables = [
        (texts.frame if new.all() else texts.frame[new]).assign(role=role)
        for (_, role, texts), new in zip(parts, rows_of_new_ids(parts), strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["id", "role", "language", "parallel_id", "text"]]


def vectors_table(parts: Sequence[tuple[str, Role, Embeddings]]) -> pd.DataFrame:
    """Vectors with their ids and roles: columns `id, role, embedding` (lists of float32).

    Each part has its dataset's name and its role. A text that stands in several datasets has one
    vector. Raises AlignkitError as `rows_of_new_ids` does.
    """
    new = rows_of_new_ids([(name, role, one.texts) for name, role, one in parts])
    chosen = [(role, one, rows) for (_, role, one), rows in zip(parts, new, strict=True)]
    return pd.DataFrame(
        {
            "id": np.concatenate(
                [one.texts.frame["id"].to_numpy(object)[rows] for _, one, rows in chosen]
            ),
            "role": [role for role, _, rows in chosen for _ in range(rows.sum())],
            "embedding": [
                row
                for _, one, rows in chosen
                for row in compress(one.vectors.astype(np.float32), rows)
            ],
        }
    )


def check_ids(datasets: Sequence[Dataset]) -> None:
    """Refuse early what `vectors_table` would refuse."""
    rows_of_new_ids(_parts(datasets))


def rows_of_new_ids(parts: Sequence[_Part]) -> list[np.ndarray]:
    """Tell which texts have an id that no earlier part of their role has, (texts,) bool a part.

    Raises AlignkitError where an id has another text than in an earlier part of its role: a file
    has one row, and one vector, for an id and role.
    """
    return [
        _new_rows(part, [one for one in parts[:i] if one[1] == part[1]])
        for i, part in enumerate(parts)
    ]


def _new_rows(part: _Part, earlier: Sequence[_Part]) -> np.ndarray:
    name, role, texts = part
    new = np.ones(len(texts), bool)
    for other, _, before in earlier:
        # Only texts whose ids stand in both are taken out of the tables: of a corpus, few.
        again = texts.frame["id"].isin(before.frame["id"]).to_numpy(bool)
        shared = texts.frame.loc[again, ["id", "text"]]
        there = before.frame.loc[before.frame["id"].isin(shared["id"]), ["id", "text"]]
        pairs = shared.merge(there, on="id", suffixes=("", "_before"))
        differ = pairs[pairs["text"] != pairs["text_before"]]
        if len(differ):
            raise AlignkitError(
                f"{len(differ):,} {role} ids of {other!r} have another text in {name!r}, first "
                f"{differ['id'].iloc[0]!r}; export each to a file of its own"
            )
        new &= ~again
    return new


def _parts(datasets: Sequence[Dataset]) -> list[_Part]:
    return [(one.name, role, texts) for one in datasets for role, texts in one.sides]


@contextmanager
def target(path: Path) -> Generator[Path]:
    """Give a draft of `path`, as `whole` does; what can't be written is an AlignkitError."""
    try:
        with whole(path) as draft:
            yield draft
    except OSError as error:
        raise AlignkitError(f"cannot write {path}: {error.strerror}; name another file") from error


def write_table(frame: pd.DataFrame, path: Path, *, force: bool = False) -> None:
    """Write a table in the format its file name says, whole or not at all.

    Raises AlignkitError when the file exists and `force` is not given, when its ending is none of
    .jsonl, .csv, .tsv, .parquet, or when the place can't be written.
    """
    check_target(path, force=force)
    with target(path) as draft:
        _WRITERS[path.suffix](frame, draft)


def check_vectors_target(path: Path, *, force: bool = False) -> None:
    """Refuse early a file that would not hold vectors whole, and what `check_target` refuses."""
    # As text, vectors of more than 1,000 dimensions lost their middle, and small numbers digits.
    if path.suffix != ".parquet":
        raise AlignkitError(f"{path}: only .parquet holds vectors; name the file so")
    check_target(path, force=force)


def check_target(path: Path, *, force: bool = False) -> None:
    """Refuse early what `write_table` would refuse."""
    if path.suffix not in _WRITERS:
        raise AlignkitError(f"{path}: the file name must end in one of {', '.join(_WRITERS)}")
    try:
        exists, has_folder = path.exists(), path.parent.is_dir()
    except OSError as error:  # a folder closed to us, too long a name
        raise AlignkitError(f"cannot write {path}: {error.strerror}; name another file") from error
    if exists and not force:
        raise AlignkitError(f"{path} exists; name another file, or replace it with --force")
    if not has_folder:
        raise AlignkitError(f"{path.parent} is not a folder; make it first, or name another file")
