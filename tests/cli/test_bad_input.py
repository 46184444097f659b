"""Bad input: exit code 2, one line that names the fault and the mend, nothing half-written."""

import json
import os
import shutil

import numpy as np
import pytest
from refusals import refused


@pytest.fixture
def compare(alignkit, data, vectors, here):
    """Compare a sound checkpoint with another; the output folder must not come to be."""
    vectors("sound.npz")

    def call(*arguments):
        result = alignkit("compare", "sound.npz", *arguments, "--data", data, "--out", "run")
        assert not (here / "run").exists()
        assert not list(here.glob(".run*"))
        return result

    return call


def test_a_folder_that_is_no_model(compare, here):
    (here / "nothing").mkdir()
    refused(compare("./nothing"), "nothing is no checkpoint", "looked for")


def test_a_model_file_cut_off_in_the_middle(compare, here):
    from tiny_models import make_plain_model

    folder = make_plain_model(here / "cut", seed=0)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    refused(compare("./cut"), "model.safetensors", "cut off")


def test_a_model_that_is_only_pickled(compare, here):
    from tiny_models import make_plain_model

    folder = make_plain_model(here / "pickled", seed=0)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    refused(compare("./pickled"), "pytorch_model.bin", "--allow-pickle")


def cut(n):
    return lambda ids, embeddings: (ids[n:], embeddings[n:])


def doubled(ids, embeddings):
    return np.append(ids, ids[0]), np.vstack([embeddings, embeddings[:1]])


def with_nan(ids, embeddings):
    embeddings[3, 2] = np.nan
    return ids, embeddings


def with_zeros(ids, embeddings):
    embeddings[3] = 0
    return ids, embeddings


def too_few(ids, embeddings):
    return ids, embeddings[:-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut(5), ("5 of", "de:q0", "export-texts")),
        (doubled, ("de:q0", "more than once")),
        (with_nan, ("NaN", "de:q3")),
        (with_zeros, ("zero", "de:q3")),
        (too_few, ("71", "72")),
    ],
)
def test_unsound_vectors(compare, vectors, change, words):
    refused(compare(vectors("unsound.npz", change=change)), "unsound", *words)


def test_vectors_of_another_dimension_than_asked(compare, vectors):
    refused(compare(vectors("other.npz") + ",truncate-dim=99"), "16 dimensions", "99")


def test_a_dataset_folder_with_a_missing_language(alignkit, vectors, here, write_lareqa):
    folder = here / "lareqa"
    for language in ("ar", "de"):
        write_lareqa(folder, language, [(["One."], {"x": ("What?", "One")})])
    vectors("a.npz"), vectors("b.npz")
    result = alignkit("compare", "a.npz", "b.npz", "--data", f"xquad-r:{folder}", "--out", "run")
    refused(result, "el.json", "--languages")


def test_a_dataset_with_broken_json(alignkit, vectors, here, write_lareqa):
    file = write_lareqa(here / "lareqa", "de", [(["One."], {"x": ("What?", "One")})])
    file.write_text(file.read_text()[:40])
    vectors("a.npz"), vectors("b.npz")
    result = alignkit("compare", "a.npz", "b.npz", "--data", f"xquad-r:{here / 'lareqa'}",
                      "--languages", "de", "--out", "run")  # fmt: skip
    refused(result, "de.json", "line 1")


def test_an_answer_outside_its_context(alignkit, vectors, here, write_lareqa):
    file = write_lareqa(here / "lareqa", "de", [(["One."], {"x": ("What?", "One")})])
    content = json.loads(file.read_text())
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 99
    file.write_text(json.dumps(content))
    vectors("a.npz"), vectors("b.npz")
    result = alignkit("compare", "a.npz", "b.npz", "--data", f"xquad-r:{here / 'lareqa'}",
                      "--languages", "de", "--out", "run")  # fmt: skip
    refused(result, "de.json", "'x'")


def test_a_language_that_nobody_has(compare, vectors):
    refused(compare(vectors("b.npz"), "--languages", "de,fi"), "'fi'", "'de', 'en', 'th'")


def test_a_language_that_is_none(compare, vectors):
    refused(compare(vectors("b.npz"), "--languages", "de,xx"), "'xx'")


def test_one_checkpoint_to_compare(compare):
    refused(compare(), "two checkpoints", "analyze")


def test_two_equal_labels(compare, vectors):
    refused(compare(f"sound={vectors('b.npz')}"), "'sound'", "label")


def test_an_unknown_baseline(compare, vectors):
    refused(compare(vectors("b.npz"), "--baseline", "c"), "'c'", "sound, b")


def test_an_output_folder_that_exists(alignkit, data, vectors, here):
    (here / "run").mkdir()
    (here / "run" / "mine.txt").write_text("mine")
    arguments = ("compare", vectors("a.npz"), vectors("b.npz"), "--data", data, "--out", "run")
    refused(alignkit(*arguments), "run exists", "--force")
    refused(alignkit(*arguments, "--force"), "not a run")
    assert [path.name for path in (here / "run").iterdir()] == ["mine.txt"]


def test_a_cuda_device_that_is_not_there(compare, here):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    from tiny_models import make_plain_model

    make_plain_model(here / "model", seed=0)
    refused(compare("./model", "--device", "cuda"), "cuda", "--device")


def test_an_unwritable_place(alignkit, data, vectors, here):
    (here / "file").write_text("")  # a file where a folder must be: root can't write there either
    vectors("a.npz"), vectors("b.npz")
    result = alignkit("compare", "a.npz", "b.npz", "--data", data, "--out", "file/run")
    refused(result, "cannot write file/run", "--out")


def test_an_unwritable_cache(compare, here, monkeypatch):
    from tiny_models import make_plain_model

    make_plain_model(here / "model", seed=0)
    (here / "file").write_text("")
    monkeypatch.setenv("ALIGNKIT_CACHE", str(here / "file" / "cache"))
    refused(compare("./model"), "ALIGNKIT_CACHE")


def test_a_format_that_no_figure_has(compare, vectors):
    refused(compare(vectors("b.npz"), "--format", "pdf,gif"), "'gif'", "pdf")


def test_an_option_that_does_not_exist(compare, vectors):
    refused(compare(vectors("b.npz"), "--bootstraps", "9"), "--bootstrap")


def test_a_misspelt_command(alignkit):
    refused(alignkit("comapre"), "Did you mean 'compare'?")


def test_a_misspelt_metric(alignkit):
    refused(alignkit("metrics", "recal"), "Did you mean 'recall'?")
    refused(alignkit("metrics", "recall@7"), "recall@1, recall@5, recall@10, recall@100")


def test_a_misspelt_dataset(alignkit):
    refused(alignkit("datasets", "xquad"), "Did you mean 'xquad-r'?")


def test_a_misspelt_setting_in_the_file(alignkit, here):
    (here / "alignkit.toml").write_text("boostrap = 100\n")
    refused(alignkit("metrics"), "alignkit.toml", "did you mean 'bootstrap'?")
    (here / "alignkit.toml").write_text("bootstrap = \n")
    refused(alignkit("metrics"), "alignkit.toml is not TOML")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('datasets = "xquad-r"', ("datasets is 'xquad-r'", "[datasets]", "did you mean 'data'?")),
        ("train = 1", ("train is 1", "[train]")),
        ("[cache]\nprune = true", ("[cache]", "prune is True", "[cache.prune]")),
        ("[bootstrap]\nn = 3", ("bootstrap is a table",)),
        ("bootstrap = 2026-01-01", ("bootstrap is 2026-01-01",)),
        ("bootstrap = true", ("bootstrap is True",)),
        ("bootstrap = 100.5", ("bootstrap is 100.5", "not a valid integer")),
        ("bootstrap = 1", ("bootstrap is 1", "x>=10")),
        ('dtype = "float"', ("dtype is 'float'", "float32")),
        ('truncate-dim = "all"', ("truncate-dim is 'all'", "no number of dimensions")),
        ("data = [[1]]", ("data is [1]",)),
        ('strict = "yes"', ("strict is 'yes'", "true or false")),
        ("[check]\nstrict = 1", ("[check]: strict is 1", "true or false")),
    ],
)
def test_a_setting_of_a_wrong_type_in_a_file(alignkit, here, text, words):
    (here / "alignkit.toml").write_text(text + "\n")
    refused(alignkit("metrics"), "alignkit.toml", *words)


def test_a_wrong_setting_in_pyproject_is_named_as_it_stands_there(alignkit, here):
    (here / "pyproject.toml").write_text("[tool.alignkit.check]\nstrict = 1\n")
    refused(alignkit("metrics"), "pyproject.toml, [tool.alignkit.check]: strict is 1")
    (here / "pyproject.toml").write_text("[tool]\nalignkit = 1\n")
    refused(alignkit("metrics"), "pyproject.toml: alignkit is 1", "[tool.alignkit]")


def test_a_report_of_something_that_is_no_run(alignkit, here):
    refused(alignkit("report", "nowhere"), "nowhere is not a run")
    (here / "old").mkdir()
    (here / "old" / "results.json").write_text('{"schema": "alignkit.results/0"}')
    refused(alignkit("report", "old"), "alignkit.results/0", "alignkit.results/1")


def test_texts_to_a_file_of_unknown_kind_or_one_that_exists(alignkit, data):
    refused(alignkit("export-texts", "--data", data, "--out", "t.xml"), "t.xml", ".jsonl")
    refused(alignkit("export-texts", "--data", data, "--out", "small.jsonl"), "exists", "--force")


def test_texts_and_vectors_of_datasets_whose_ids_collide(alignkit, data, vectors, here):
    (here / "two.jsonl").write_text(
        (here / "small.jsonl").read_text().replace("this is 7", "it is 7")
    )
    both, words = ("--data", data, "--data", "files:two.jsonl"), ("'small'", "'two'", "'de:p7'")
    refused(alignkit("export-texts", *both, "--out", "t.csv"), *words, "a file of its own")
    refused(alignkit("embed", vectors("v.npz"), *both, "--export", "v.parquet"), *words)
    assert not {"t.csv", "v.parquet"} & {path.name for path in here.iterdir()}
    asked = ("analyze", "v.npz", *both, "--out", "run", "--no-umap", "--bootstrap", "20")
    refused(alignkit(*asked), "'de:p7' is the id of a passage in one dataset", "one by one")


def test_names_too_long_for_the_file_system(alignkit, data):
    name = "a" * 300
    texts = ("export-texts", "--out", f"{name}.csv", "--data")
    refused(alignkit(*texts, f"files:{name}"), "cannot write", "too long")
    texts = ("export-texts", "--out", "t.csv", "--data")
    refused(alignkit(*texts, f"files:{name}"), "cannot be reached", "too long")
    refused(alignkit("datasets", "check", "--data", data, "--out", f"{name}.csv"), "too long")


@pytest.mark.parametrize("name", ["v.csv", "v.tsv", "v.jsonl", "v"])
def test_vectors_to_a_file_that_would_cut_them_short(alignkit, data, here, name):
    # The model is not there either: the file is looked at before it.
    arguments = ("embed", "./no-model", "--data", data, "--export", name)
    refused(alignkit(*arguments), f"{name}: only .parquet holds vectors")
    assert not (here / name).exists()


def test_an_adapter_whose_base_is_gone(compare, here):
    (here / "new").mkdir()
    (here / "new" / "adapter_model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (here / "new" / "adapter_config.json").write_text('{"base_model_name_or_path": "./gone"}')
    refused(compare("./new"), "adapter of ./gone", "does not exist", "base=LOCATION")


def test_a_model_that_lacks_weights(compare, here):
    from safetensors.numpy import load_file, save_file
    from tiny_models import make_plain_model

    path = make_plain_model(here / "torn", seed=0) / "model.safetensors"
    weights = {name: one for name, one in load_file(path).items() if "layer.1." not in name}
    save_file(weights, path, metadata={"format": "pt"})
    refused(compare("./torn"), "torn lacks 16 weights", "alignkit doctor")


def test_a_function_of_the_users_own_without_trust(compare, here):
    (here / "mine.py").write_text("raise SystemExit('it ran')")
    refused(compare("mine.py:embed"), "mine.py", "--trust-remote-code")
    refused(compare("none.py:embed", "--trust-remote-code"), "none.py does not exist")


def test_a_function_of_the_users_own_that_fails(compare, here):
    (here / "mine.py").write_text("def embed(texts, role):\n    return 1 / 0")
    refused(compare("mine.py:embed", "--trust-remote-code"), "ZeroDivisionError", "line 2")


@pytest.mark.parametrize(
    ("code", "body", "words"),
    [
        (429, b'{"error": {"message": "slow down"}}', ("429", "slow down", "requests-per-minute")),
        (500, b"", ("500", "attempts")),
        (200, b"", ("empty answer",)),
        (200, b'{"data": [{"index": 0, "embedding": [1.0, 2.0]}]}', ("2 dimensions", "of 3")),
    ],
)
def test_an_endpoint_that_fails(compare, code, body, words, monkeypatch):
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Failing(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Be silent."""

    monkeypatch.setattr("alignkit.checkpoints._http.FIRST_WAIT", 0.001)
    server = HTTPServer(("127.0.0.1", 0), Failing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    spec = f"http://127.0.0.1:{server.server_port}/v1#m,dimensions=3,batch=1"
    try:
        refused(compare(spec), f"127.0.0.1:{server.server_port}", *words)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_doctor_of_something_that_is_no_checkpoint(alignkit, here):
    (here / "nothing").mkdir()
    refused(alignkit("doctor", "./nothing"), "nothing is no checkpoint", "adapter_config.json")


@pytest.mark.skipif(os.name != "posix", reason="needs a small file system limit")
def test_a_full_disk_leaves_the_old_run(alignkit, data, vectors, here, monkeypatch):
    arguments = ("compare", vectors("a.npz"), vectors("b.npz", seed=1), "--data", data, "--out",
                 "run", "--no-umap", "--format", "png", "--bootstrap", "20", "--force")  # fmt: skip
    assert alignkit(*arguments)[0] == 0
    before = (here / "run" / "results.json").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    monkeypatch.setattr("alignkit.run.write_results", full)
    refused(alignkit(*arguments), "No space left")
    assert (here / "run" / "results.json").read_bytes() == before
