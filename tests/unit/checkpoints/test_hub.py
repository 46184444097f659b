"""Models from the hub, as a server on this machine plays it."""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from tiny_models import edit, make_adapter

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.errors import AlignkitError

COMMIT = "c0ffee" + "0" * 34


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as downloads of a few models ask for."""

    folders: dict  # by name
    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        path = self.path.partition("?")[0].removeprefix("/")
        if path == "api/models/org/gated/revision/main":
            return self.answer(403, b"{}", **{"X-Error-Code": "GatedRepo"})
        name = next((name for name in self.folders if name in path), None)
        if name is None:
            return self.answer(404, b"{}", **{"X-Error-Code": "RepoNotFound"})
        if path.startswith(f"api/models/{name}/revision/"):
            if path.rpartition("/")[2] not in ("main", COMMIT):
                return self.answer(404, b"{}", **{"X-Error-Code": "RevisionNotFound"})
            return self.answer_json({"id": name, "sha": COMMIT, "siblings": []})
        if path.startswith(f"api/models/{name}/tree/"):
            return self.answer_json([self.entry(name, file) for file in self.files(name)])
        content = (self.folders[name] / path.removeprefix(f"{name}/resolve/{COMMIT}/")).read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        return self.answer(200, content, **{"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET  # noqa: N815  the name is the base class's

    def files(self, name):
        return [file for file in sorted(self.folders[name].rglob("*")) if file.is_file()]

    def entry(self, name, file):
        return {
            "type": "file",
            "path": file.relative_to(self.folders[name]).as_posix(),
            "size": file.stat().st_size,
            "oid": hashlib.sha256(file.read_bytes()).hexdigest(),
        }

    def answer_json(self, content):
        self.answer(200, json.dumps(content).encode(), **{"Content-Type": "application/json"})

    def answer(self, code, content, **headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture
def serve(model_folder, tmp_path, monkeypatch):
    """A hub with one model under two names, and room for more."""
    from huggingface_hub import constants

    folders = {"org/tiny": model_folder, "sentence-transformers/tiny": model_folder}
    handler = type("AFewModels", (Hub,), {"folders": folders, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hub(serve):
    """The list of the paths that the hub was asked for."""
    return serve.asked


def refusal(spec, **options):
    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(spec, EncodeOptions(device="cpu", **options))
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_a_model_of_the_hub_is_the_model_in_its_snapshot(hub, model_folder):
    checkpoint = load_checkpoint("new=org/tiny")

    described = checkpoint.describe()
    assert (described["label"], described["location"]) == ("new", "org/tiny")
    assert described["revision"] == COMMIT
    assert checkpoint.fingerprint == load_checkpoint(str(model_folder)).fingerprint
    assert checkpoint.notes == (f"new: org/tiny may move on; this is commit {COMMIT}",)
    assert not any("README" in path for path in hub)  # what no vector depends on is not fetched


def test_a_pinned_commit_has_nothing_to_warn_of(hub):
    checkpoint = load_checkpoint(f"org/tiny@{COMMIT}")

    assert hub
    assert checkpoint.notes == ()
    assert checkpoint.describe()["location"] == f"org/tiny@{COMMIT}"


def test_a_bare_name_is_looked_for_under_sentence_transformers_too(hub):
    assert load_checkpoint("tiny").revision == COMMIT
    assert any("sentence-transformers/tiny" in path for path in hub)


@pytest.mark.parametrize("how", ["--offline", "HF_HUB_OFFLINE"])
def test_a_model_in_the_cache_is_opened_loaded_and_run_without_any_request(how, hub, monkeypatch):
    from huggingface_hub import constants

    load_checkpoint("org/tiny")
    hub.clear()
    if how == "HF_HUB_OFFLINE":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    checkpoint = load_checkpoint("org/tiny", EncodeOptions("cpu", offline=how == "--offline"))

    assert checkpoint.revision == COMMIT
    assert checkpoint.load().encode(["a"], "query").shape == (1, 32)
    assert hub == []


def test_a_model_in_the_cache_is_loaded_from_there_without_a_further_request(hub):
    checkpoint = load_checkpoint("org/tiny", EncodeOptions("cpu"))
    hub.clear()

    checkpoint.load().encode(["a"], "query")

    assert hub == []


def test_files_of_another_backend_are_fetched_only_where_they_are_asked_for(hub, serve, model_copy):
    serve.folders["org/both"] = model_copy
    (model_copy / "onnx").mkdir()
    for name in ("model.onnx", "model_O3.onnx"):
        (model_copy / "onnx" / name).write_bytes(b"?")

    load_checkpoint("org/both")
    assert not any(".onnx" in path for path in hub)
    load_checkpoint("org/both,backend=onnx,file=onnx/model_O3.onnx")
    fetched = {path.rpartition("/")[2] for path in hub if ".onnx" in path}
    assert fetched == {"model_O3.onnx"}


def test_the_card_is_fetched_when_it_is_asked_for(hub, serve, model_copy):
    serve.folders["org/card"] = model_copy
    (model_copy / "README.md").write_text("Say query: first.")
    checkpoint = load_checkpoint("org/card")
    assert not any("README" in path for path in hub)

    assert checkpoint.card == "Say query: first."
    hub.clear()
    assert load_checkpoint("org/card", EncodeOptions(offline=True)).card == "Say query: first."
    assert hub == []


def test_an_adapter_and_its_base_come_from_the_hub_at_the_revision_it_was_trained_on(
    hub, serve, model_folder, tmp_path
):
    pytest.importorskip("peft", reason="the test extra is not installed")
    folder = make_adapter(model_folder, tmp_path / "adapter")
    edit(folder / "adapter_config.json", base_model_name_or_path="org/tiny", revision=COMMIT)
    serve.folders["org/adapter"] = folder

    checkpoint = load_checkpoint("new=org/adapter", EncodeOptions("cpu"))

    base = checkpoint.describe()["base"]
    assert (base["location"], base["revision"]) == (f"org/tiny@{COMMIT}", COMMIT)
    assert any("org/tiny" in path and COMMIT in path for path in hub)
    hub.clear()
    offline = load_checkpoint("new=org/adapter", EncodeOptions("cpu", offline=True))
    offline.load()
    assert hub == []
    assert offline.fingerprint == checkpoint.fingerprint


def test_a_base_without_a_revision_is_recorded_at_its_commit(serve, model_folder, tmp_path):
    pytest.importorskip("peft", reason="the test extra is not installed")
    folder = make_adapter(model_folder, tmp_path / "adapter")
    edit(folder / "adapter_config.json", base_model_name_or_path="org/tiny")

    checkpoint = load_checkpoint(f"new={folder}", EncodeOptions("cpu"))

    assert serve.asked
    assert f"adapter of org/tiny at commit {COMMIT}, run merged" in checkpoint.notes[-1]
    named = load_checkpoint(f"new={folder},base=org/tiny@{COMMIT}", EncodeOptions("cpu"))
    assert f"adapter of org/tiny@{COMMIT}, run merged" in named.notes[-1]
    assert named.fingerprint == checkpoint.fingerprint


IMPLEMENTATION = {
    "configuration.py": "from transformers import BertConfig\n"
    "class NewConfig(BertConfig):\n    model_type = 'new'\n",
    "modeling.py": "from transformers import BertModel\n"
    "from .configuration import NewConfig\n"
    "class NewModel(BertModel):\n    config_class = NewConfig\n",
}
TRUSTED = {"device": "cpu", "trust_remote_code": True}


@pytest.fixture
def with_code_elsewhere(serve, plain_copy, tmp_path, monkeypatch):
    """A model of a kind that only the code in another repository knows; and that code's folder."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = tmp_path / "implementation"
    code.mkdir()
    for name, content in IMPLEMENTATION.items():
        (code / name).write_text(content)
    (code / "config.json").write_text("{}")
    serve.folders["org/code"] = code
    auto_map = {"AutoConfig": "org/code--configuration.NewConfig",
                "AutoModel": "org/code--modeling.NewModel"}  # fmt: skip
    edit(plain_copy / "config.json", model_type="new", auto_map=auto_map)
    return plain_copy, code


def test_code_in_another_repository_is_fetched_run_and_part_of_the_fingerprint(
    with_code_elsewhere, hub, plain_folder, tmp_path, monkeypatch
):
    from huggingface_hub import constants

    folder, code = with_code_elsewhere
    checkpoint = load_checkpoint(f"m={folder}", EncodeOptions(**TRUSTED))
    assert {path.rpartition("/")[2] for path in hub if "/resolve/" in path} == set(IMPLEMENTATION)
    hub.clear()

    vectors = checkpoint.load().encode(["a"], "query")

    assert hub == []
    plain = load_checkpoint(str(plain_folder), EncodeOptions("cpu")).load()
    np.testing.assert_allclose(vectors, plain.encode(["a"], "query"), atol=1e-6)
    assert checkpoint.describe()["code"] == {"org/code": COMMIT}
    said = f"m: code of org/code may run too, and it may move on; this is commit {COMMIT}"
    assert said in checkpoint.notes
    offline = load_checkpoint(str(folder), EncodeOptions(**TRUSTED, offline=True))
    assert (offline.fingerprint, hub) == (checkpoint.fingerprint, [])
    (code / "modeling.py").write_text(IMPLEMENTATION["modeling.py"] + "# new")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another hub"))
    moved = load_checkpoint(str(folder), EncodeOptions(**TRUSTED))
    assert moved.fingerprint != checkpoint.fingerprint


def test_modules_and_tokenizers_may_have_their_code_elsewhere_too(serve, model_copy, tmp_path):
    for name in ("org/first", "org/second"):
        serve.folders[name] = tmp_path / name
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "own.py").write_text("")
    edit(model_copy / "tokenizer_config.json",
         auto_map={"AutoTokenizer": [None, "org/first--own.Tokenizer"]})  # fmt: skip
    modules = json.loads((model_copy / "modules.json").read_text())
    modules.append({"idx": 2, "name": "2", "path": "", "type": "org/second--own.Module"})
    (model_copy / "modules.json").write_text(json.dumps(modules))

    checkpoint = load_checkpoint(str(model_copy), EncodeOptions(**TRUSTED))

    assert set(checkpoint.code.snapshots) == {"org/first", "org/second"}


def test_code_that_is_not_to_be_had_is_told_with_its_repository(with_code_elsewhere, hub, serve):
    folder, code = with_code_elsewhere
    offline = {"trust_remote_code": True, "offline": True}
    assert refusal(f"m={folder}", **offline) == (
        "m needs code from org/code: org/code is not in the hub's cache on this machine; run once "
        "without --offline"
    )
    assert hub == []
    load_checkpoint(str(folder), EncodeOptions("cpu"))  # nothing is fetched without trust
    assert hub == []
    for name in IMPLEMENTATION:
        (code / name).unlink()
    assert "no Python file of org/code is at hand" in refusal(f"m={folder}", trust_remote_code=True)
    del serve.folders["org/code"]
    assert "m needs code from org/code: org/code is neither a folder here" in refusal(
        f"m={folder}", trust_remote_code=True
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("org/none", "org/none is neither a folder here nor a model on the hub; "
         "if it is private there, set HF_TOKEN"),
        ("org/tiny@v9", "org/tiny on the hub has no revision 'v9'"),
        ("org/gated", "org/gated is gated: accept its terms on the hub and set HF_TOKEN to a token "
         "of yours"),
    ],
)  # fmt: skip
def test_what_the_hub_does_not_give_is_told_in_one_line(spec, message, hub):
    assert refusal(spec) == message
    assert hub


def test_a_model_that_is_not_cached_is_told_when_offline(hub):
    assert refusal("org/tiny", offline=True) == (
        "org/tiny is not in the hub's cache on this machine; run once without --offline"
    )
    assert hub == []


def test_a_hub_that_cannot_be_reached_is_told_in_one_line(hub, monkeypatch):
    from huggingface_hub import constants

    assert hub == []
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    assert refusal("org/tiny").startswith(
        "org/tiny is no folder here, and the hub could not be asked for it: "
    )
