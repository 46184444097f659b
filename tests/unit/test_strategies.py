"""What a label stands for, and what its vectors depend on."""

import json
from pathlib import Path

import pytest
from fake_checkpoint import FakeCheckpoint, make_texts, options

from alignkit.embedding import embed
from alignkit.strategies import Strategy


@pytest.mark.usefixtures("cache")
def test_an_identity_is_that_of_the_vectors_in_the_cache_and_of_how_they_are_read():
    run = FakeCheckpoint("fake", "fake", Path(), None, options())
    strategy = Strategy("fake", [run])
    found = []
    for sentences, role in ((["a"], "query"), (["a", "b"], "query"), (["a"], "passage")):
        found.append(json.dumps(strategy.identity()))
        embed(run, make_texts(sentences), role)
    found.append(json.dumps(strategy.identity()))

    assert json.dumps(strategy.identity()) == found[-1]
    assert json.dumps(Strategy("fake", [run, run]).identity()) != found[-1]
    assert len(set(found)) == 4
