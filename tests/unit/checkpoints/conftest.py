"""Tiny models with random weights, made once."""

import shutil
from pathlib import Path

import pytest
from tiny_models import edit, make_plain_model


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory):
    """A BERT of two layers in the layout of transformers; never change it, copy it."""
    return make_plain_model(tmp_path_factory.mktemp("models") / "plain", seed=0)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory, plain_folder):
    """The same BERT in the layout of sentence-transformers, with prompts; never change it."""
    from sentence_transformers import SentenceTransformer

    folder = tmp_path_factory.mktemp("models") / "model"
    model = SentenceTransformer(str(plain_folder), device="cpu")
    model.prompts = {"query": "query: ", "document": "passage: "}
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture
def model_copy(model_folder, tmp_path):
    """A copy of the sentence-transformers model that a test may change."""
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


@pytest.fixture
def plain_copy(plain_folder, tmp_path):
    """A copy of the transformers model that a test may change."""
    return Path(shutil.copytree(plain_folder, tmp_path / "copy"))


@pytest.fixture
def edit_json():
    """Change some keys of a JSON file."""
    return edit
