"""Checkpoints of every kind through whole commands: compared, checked, examined."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest
from tiny_models import make_adapter, make_plain_model

FAST = ("--no-umap", "--format", "png", "--bootstrap", "50")
MINE = """
import zlib
import numpy as np

def embed(texts, role):
    seeds = [zlib.crc32(text[2:].encode()) for text in texts]
    return np.stack([np.random.default_rng(seed).standard_normal(8) for seed in seeds])
"""


class Endpoint(BaseHTTPRequestHandler):
    """Embeds a text by the letters in it."""

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.server.asked += texts
        vectors = [[1.0 + text.count(sign) for sign in "0123456789 w"] for text in texts]
        items = [{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]
        content = json.dumps({"data": items}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture
def endpoint(monkeypatch):
    """The name of a model behind a server here, and the texts that it was asked for."""
    monkeypatch.delenv("ALIGNKIT_API_KEY", raising=False)
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1#letters", server.asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_is_compared_with_a_function_and_paid_for_once(alignkit, data, here, endpoint):
    (here / "mine.py").write_text(MINE)
    spec, asked = endpoint
    arguments = ("compare", "mine.py:embed", f"{spec},price=2", "--trust-remote-code",
                 "--data", data, *FAST)  # fmt: skip

    code, _, err = alignkit(*arguments, "--out", "run")
    assert code == 0, err
    assert "letters: 36 query and 36 passage texts are to be embedded by 127.0.0.1" in err
    assert "at 2 a million" in err
    described = json.loads((here / "run" / "provenance.json").read_text())["checkpoints"]
    assert [(one["label"], one["kind"]) for one in described] == [
        ("embed", "function"), ("letters", "endpoint"),
    ]  # fmt: skip
    assert set(pd.read_csv(here / "run" / "comparisons.csv")["candidate"]) == {"letters"}

    asked.clear()
    assert alignkit(*arguments, "--out", "again")[0] == 0
    assert asked == []


@pytest.mark.parametrize("kind", ["endpoint", "function", "adapter"])
def test_every_kind_can_be_a_baseline_of_the_gate_and_be_examined(
    kind, alignkit, data, here, endpoint
):
    (here / "mine.py").write_text(MINE)
    if kind == "adapter":
        pytest.importorskip("peft", reason="the test extra is not installed")
        make_adapter(make_plain_model(here / "base", seed=0), here / "new")
    spec = {"endpoint": endpoint[0], "function": "mine.py:embed", "adapter": "./new"}[kind]
    trust = ("--trust-remote-code", "--data", data)
    kept = alignkit("check", spec, *trust, "--write-baseline", "kept", "--quiet")
    assert kept[0] == 0, kept[2]

    endpoint[1].clear()
    code, _, err = alignkit("check", spec, *trust, "--baseline", "kept.alignkit.zip")
    assert code == 0, err
    assert endpoint[1] == [], "all its vectors are kept"
    assert "environment changed" not in err

    code, out, err = alignkit("doctor", spec, *trust, "--json")
    assert code == 0, err
    assert json.loads(out)["checkpoint"]["kind"] == kind
