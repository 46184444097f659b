"""Smaller vectors, against what sentence-transformers makes of them."""

import numpy as np
import pytest
from made import fully_parallel, partly_parallel, random_embeddings

from alignkit.comparison import tabulate
from alignkit.compressions import compress
from alignkit.errors import AlignkitError
from alignkit.measures import measure
from alignkit.tables import Embeddings

pytestmark = pytest.mark.oracle


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    return random_embeddings(rng, partly_parallel(rng), dim=32)


def unit(side):
    return side.vectors / np.linalg.norm(side.vectors, axis=1, keepdims=True)


def test_binary_cosines_are_hamming_distances_of_sentence_transformers_bits(sides):
    from sentence_transformers.util.quantization import quantize_embeddings

    bits = [np.unpackbits(quantize_embeddings(unit(side), "ubinary"), axis=1) for side in sides]
    differing = (bits[0][:, None] != bits[1][None]).sum(axis=2)

    ours = [unit(side).astype(float) for side in compress("binary", *sides)]

    np.testing.assert_allclose(ours[0] @ ours[1].T, 1 - 2 * differing / 32, atol=1e-6)


def test_int8_has_the_steps_of_sentence_transformers(sides):
    from sentence_transformers.util.quantization import quantize_embeddings

    queries, passages = (unit(side) for side in sides)
    ranges = np.stack([passages.min(axis=0), passages.max(axis=0)])
    inside = [np.clip(side, *ranges) for side in (queries, passages)]
    # It cuts what we round: half a step is added first.
    step = (ranges[1] - ranges[0]) / 255
    expected = [
        quantize_embeddings(side + step / 2, "uint8", ranges=ranges).astype(float)
        for side in inside
    ]  # fmt: skip

    for side, codes in zip(compress("int8", *sides), expected, strict=True):
        own = (side.vectors - ranges[0]) / step
        assert np.abs(own - np.rint(own)).max() < 1e-3
        assert np.mean(np.rint(own) == np.minimum(codes, 255)) > 0.999


def test_fewer_dimensions_are_those_of_a_shorter_model():
    dataset = fully_parallel(["de", "en"], 30)
    queries, passages = random_embeddings(np.random.default_rng(1), dataset, dim=24)
    shorter = [Embeddings(side.texts, side.vectors[:, :8].copy()) for side in (queries, passages)]

    one, _ = tabulate({"a": measure(dataset, *shorter)}, "a", n_resamples=10)
    other, _ = tabulate(
        {"a": measure(dataset, *compress("dim-8", queries, passages))}, "a", n_resamples=10
    )

    np.testing.assert_array_equal(one["value"], other["value"])


def test_more_dimensions_than_there_are_are_refused(sides):
    with pytest.raises(AlignkitError, match="--truncate-dim 32 keeps all 32 dimensions"):
        compress("dim-32", *sides)
