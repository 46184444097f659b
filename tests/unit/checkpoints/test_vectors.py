"""Vectors that were made elsewhere: found by id, or refused in one line."""

import numpy as np
import pandas as pd
import pytest
from fake_checkpoint import make_texts

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.checkpoints.vectors import _joined
from alignkit.embedding import embed
from alignkit.errors import AlignkitError
from alignkit.progress import Reporter

IDS = ["en:0", "en:1", "en:2"]
VECTORS = np.array([[1.0, 0.0], [0.5, 0.25], [-1.0, 3.0]])
TEXTS = make_texts(["a", "b", "c"])


@pytest.fixture
def write(tmp_path):
    """Write ids, embeddings and roles to a file of either format."""

    def write(suffix=".npz", ids=IDS, embeddings=VECTORS, **columns):
        path = tmp_path / f"made elsewhere{suffix}"
        if suffix == ".npz":
            np.savez(path, ids=ids, embeddings=embeddings, **columns)
        else:
            columns = {name.removesuffix("s"): column for name, column in columns.items()}
            frame = pd.DataFrame({"id": ids, "embedding": list(embeddings), **columns})
            frame.to_parquet(path)
        return path

    return write


def refusal(path, texts=TEXTS):
    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(path)).lookup(texts, "query")
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors_are_found_by_id_and_become_float32(suffix, dtype, write):
    path = write(suffix, ["en:2", "xx:9", *IDS[:2]], np.vstack([VECTORS[2], [9, 9], VECTORS[:2]])
                 .astype(dtype))  # fmt: skip

    checkpoint = load_checkpoint(str(path))
    vectors = checkpoint.lookup(TEXTS, "query")

    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, VECTORS)
    assert checkpoint.label == "made-elsewhere"
    assert checkpoint.describe()["dtype"] == str(np.dtype(dtype))


def test_a_parquet_file_with_lists_of_a_fixed_size_is_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), 2)
    pq.write_table(pa.table({"id": IDS, "embedding": values}), tmp_path / "v.parquet")

    vectors = load_checkpoint(str(tmp_path / "v.parquet")).lookup(TEXTS, "query")

    np.testing.assert_array_equal(vectors, VECTORS)


def test_a_column_of_more_than_two_thousand_million_values_is_joined():
    import pyarrow as pa

    half = 2**30 + 1  # of nulls, which take no room
    lists = pa.ListArray.from_arrays(pa.array([0, half], pa.int32()), pa.nulls(half))

    joined = _joined(pa.chunked_array([lists, lists]))

    assert joined.value_lengths().to_pylist() == [half, half]


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_roles_tell_a_query_from_a_passage_of_the_same_id(suffix, write):
    path = write(
        suffix, [*IDS, *IDS], np.vstack([VECTORS, -VECTORS]), roles=["query"] * 3 + ["passage"] * 3
    )

    checkpoint = load_checkpoint(str(path))

    np.testing.assert_array_equal(checkpoint.lookup(TEXTS, "query"), VECTORS)
    np.testing.assert_array_equal(checkpoint.lookup(TEXTS, "passage"), -VECTORS)


def test_without_roles_an_id_cannot_stand_for_a_query_and_a_passage(write):
    checkpoint = load_checkpoint(str(write()))
    checkpoint.lookup(TEXTS, "query")
    checkpoint.lookup(TEXTS, "query")

    with pytest.raises(AlignkitError) as raised:
        checkpoint.lookup(TEXTS, "passage")

    assert str(raised.value) == (
        f"'en:0' is the id of two texts, a query and a passage, and {checkpoint.path} "
        "has one vector for both; add roles ('query' or 'passage'), one a vector"
    )


@pytest.mark.parametrize("roles", [{}, {"roles": ["query"] * 3}])
def test_an_id_cannot_stand_for_texts_of_two_datasets(roles, write):
    checkpoint = load_checkpoint(str(write(**roles)))
    checkpoint.lookup(TEXTS, "query")
    checkpoint.lookup(make_texts(["a", "b"]), "query")  # some of them again

    with pytest.raises(AlignkitError) as raised:
        checkpoint.lookup(make_texts(["a", "another"]), "query")

    assert str(raised.value) == (
        "'en:1' is the id of a query in one dataset and of another in the next, and "
        f"{checkpoint.path} has one vector for both; measure the datasets one by one, each with a "
        "file of its own"
    )


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_missing_ids_are_counted_and_the_first_is_named(suffix, write):
    path = write(suffix, IDS[:1], VECTORS[:1])

    assert refusal(path) == (
        f"2 of 3 query texts have no vector in {path}, first 'en:1'; "
        "write the texts with `alignkit export-texts` and embed all of them"
    )


@pytest.mark.parametrize(
    ("embeddings", "what"),
    [
        ([[1, 0], [np.nan, 1], [1, -np.inf]], "2 of 3 vectors in {} have NaN or inf, first 'en:1'"),
        ([[1, 0], [1, 1], [1e300, 1]], "1 of 3 vectors in {} have NaN or inf, first 'en:2'"),
        ([[0.0, 0], [1, 1], [1, -1]], "1 of 3 vectors in {} are all zeros, first 'en:0'"),
    ],
)
def test_bad_vectors_are_counted_and_the_first_is_named(embeddings, what, write):
    path = write(embeddings=np.array(embeddings, np.float64))

    assert refusal(path) == what.format(path) + "; embed these texts again"


def test_a_bad_vector_that_nobody_asks_for_is_no_fault(write):
    path = write(ids=[*IDS, "en:9"], embeddings=np.vstack([VECTORS, [np.nan, 0]]))

    np.testing.assert_array_equal(load_checkpoint(str(path)).lookup(TEXTS, "query"), VECTORS)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"ids": ["en:0", "en:1", "en:0"]},
         "1 ids stand more than once in {}, first 'en:0'; keep one vector a text and role"),
        ({"ids": IDS[:2]}, "{} has 2 ids and 3 embeddings; there should be one of each a text"),
        ({"ids": np.array(IDS, object)}, "the ids in {} are Python objects; save them as text: "
         "np.savez(path, ids=np.array(ids, dtype=str), …)"),
        ({"ids": [0, 1, 2]}, "the ids in {} are int64, not text; save them as text: "
         "np.savez(path, ids=np.array(ids, dtype=str), …)"),
        ({"embeddings": VECTORS[0]}, "the embeddings in {} are float64 of shape (2,); "
         "they should be floats of shape (texts, dimensions)"),
        ({"embeddings": VECTORS.astype(int)}, "the embeddings in {} are int64 of shape (3, 2); "
         "they should be floats of shape (texts, dimensions)"),
        ({"roles": ["query", "query", "doc"]},
         "{} has the role 'doc'; a role is 'query' or 'passage'"),
        ({"roles": ["query"]}, "{} has 1 roles and 3 embeddings; "
         "there should be one of each a text"),
    ],
)  # fmt: skip
def test_a_bad_npz_file_is_told_in_one_line(columns, what, write):
    path = write(**columns)

    assert refusal(path) == what.format(path)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"ids": ["en:0", "en:1", "en:0"]},
         "1 ids stand more than once in {}, first 'en:0'; keep one vector a text and role"),
        ({"ids": [0, 1, 2]}, "the column 'id' in {} is int64, not text alone"),
        ({"ids": ["en:0", None, "en:2"]}, "the column 'id' in {} is string, not text alone"),
        ({"embeddings": [[1.0], [1.0, 2.0], [1.0]]}, "the embeddings in {} have between 1 and 2 "
         "dimensions; all should have the same number"),
        ({"embeddings": [[1.0], None, [1.0]]}, "the embeddings in {} have between 0 and 1 "
         "dimensions; all should have the same number"),
        ({"embeddings": [1.0, 2.0, 3.0]},
         "the column 'embedding' in {} is double; it should hold lists of floats"),
    ],
)  # fmt: skip
def test_a_bad_parquet_file_is_told_in_one_line(columns, what, write):
    path = write(".parquet", **columns)

    assert refusal(path).replace("large_string", "string") == what.format(path)


def test_missing_arrays_and_columns_are_named(tmp_path):
    np.savez(tmp_path / "v.npz", ids=IDS)
    pd.DataFrame({"embedding": list(VECTORS)}).to_parquet(tmp_path / "v.parquet")

    assert refusal(tmp_path / "v.npz").endswith(
        "v.npz has no array 'embeddings'; it needs 'ids' and 'embeddings'"
    )
    assert refusal(tmp_path / "v.parquet").endswith(
        "v.parquet has no column 'id'; it needs 'id' and 'embedding'"
    )


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_told_in_one_line(suffix, share, write):
    path = write(suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    assert refusal(path).startswith(f"{path} cannot be read as {suffix[1:]}: ")


def test_a_flipped_byte_in_the_vectors_of_an_npz_is_found(write):
    path = write()
    content = bytearray(path.read_bytes())
    content[content.index(VECTORS.tobytes())] ^= 1
    path.write_bytes(content)

    assert refusal(path).startswith(f"{path} cannot be read as npz: Bad CRC-32")


def test_extra_vectors_are_said_to_those_who_want_more_words(write, capsys):
    path = write(ids=[*IDS, "en:9"], embeddings=np.vstack([VECTORS, [1, 1]]))

    load_checkpoint(str(path)).lookup(TEXTS, "query", Reporter(1))

    assert capsys.readouterr().err == (
        f"made-elsewhere: 3 of 4 vectors in {path} are used as query vectors\n"
    )


def test_the_fingerprint_is_that_of_the_file(write):
    first = load_checkpoint(str(write())).fingerprint
    again = load_checkpoint(f"other={write()}").fingerprint
    other = load_checkpoint(str(write(embeddings=VECTORS + 1))).fingerprint

    assert first == again
    assert first != other


def test_a_pooling_or_prompt_for_finished_vectors_is_refused(write):
    path = write()

    with pytest.raises(AlignkitError, match="--pooling cannot change them"):
        load_checkpoint(f"{path},pooling=cls")
    with pytest.raises(AlignkitError, match="--query-prompt cannot change them"):
        load_checkpoint(str(path), EncodeOptions(query_prompt=""))


def test_finished_vectors_can_be_truncated_but_not_lengthened(write):
    path = write()

    embedded = embed(load_checkpoint(f"{path},truncate-dim=1"), TEXTS, "query")

    np.testing.assert_array_equal(embedded.vectors, VECTORS[:, :1])
    with pytest.raises(AlignkitError) as raised:
        embed(load_checkpoint(f"{path},truncate-dim=3"), TEXTS, "query")
    assert str(raised.value) == (
        "made-elsewhere-dim3 has vectors of 2 dimensions; truncate-dim=3 asks for more"
    )


def test_a_vectors_file_has_no_model_to_load(write):
    with pytest.raises(AlignkitError, match="holds vectors and no model"):
        load_checkpoint(str(write())).load()
