"""Endpoints, as a server on this machine plays them: good, slow, wrong and silent."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from fake_checkpoint import make_texts, many_texts

from alignkit.batches import Shard
from alignkit.checkpoints import EncodeOptions, _http, load_checkpoint
from alignkit.datasets import load_dataset
from alignkit.embedding import embed, embed_datasets, fill_shard
from alignkit.errors import AlignkitError
from alignkit.progress import Reporter
from alignkit.store import VectorStore

TEXTS = make_texts(["a", "bcd", "ef"])
KEY = "sk-very-secret"


def vector_of(text, dim=3):
    return [float(len(text)), 1.0, *[0.5] * (dim - 2)]


class Endpoint(BaseHTTPRequestHandler):
    """Answers as `script` says, call by call; then as it should."""

    server: "Server"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            place = len(self.server.asked)
            self.server.asked.append(body)
            self.server.headers.append(dict(self.headers))
            self.server.times.append(time.monotonic())
            step = self.server.script.pop(0) if self.server.script else good
        step(self, body) if place or not self.server.first else self.server.first(self, body)

    def answer(self, code, content, **headers):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Length": len(content), **named}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Be silent."""


def items(texts, dim=3):
    return [{"index": i, "embedding": vector_of(text, dim)} for i, text in enumerate(texts)]


def good(request, body):
    dim = body.get("dimensions", 3)
    request.answer(200, {"data": items(body["input"], dim), "usage": {"total_tokens": 1}})


def backwards(request, body):
    request.answer(200, {"data": items(body["input"])[::-1]})


def says(code, message="no", **headers):
    error = {"error": {"message": message}}
    return lambda request, _: request.answer(code, error, **headers)


def sends(content):
    """Send this, or what a function makes of the good items."""

    def step(request, body):
        made = content(items(body["input"])) if callable(content) else content
        request.answer(200, made)

    return step


def hangs_up(request, _):
    request.close_connection = True


def cut_off(request, _):
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"{")
    request.close_connection = True


class Server(ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.lock, self.script, self.asked, self.headers, self.times, self.first = (
            threading.Lock(), [], [], [], [], None)  # fmt: skip

    @property
    def spec(self):
        return f"http://127.0.0.1:{self.server_port}/v1#small"


@pytest.fixture
def server(monkeypatch):
    """An endpoint that answers at once; waits between attempts are short."""
    monkeypatch.setattr(_http, "FIRST_WAIT", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ALIGNKIT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path):
    return VectorStore(tmp_path / "cache")


def vectors(spec, store, texts=TEXTS, role="query", reporter=None):
    checkpoint = load_checkpoint(spec, EncodeOptions(device="cpu"))
    return embed(checkpoint, texts, role, store=store, reporter=reporter or Reporter(-1)).vectors


def refusal(spec, store, texts=TEXTS):
    with pytest.raises(AlignkitError) as raised:
        vectors(spec, store, texts)
    message = str(raised.value)
    assert "\n" not in message
    assert KEY not in message
    return message


@pytest.mark.parametrize("script", [[], [backwards] * 9])
def test_vectors_are_put_in_the_order_of_the_texts(script, server, store):
    server.script = script
    found = vectors(server.spec, store)

    np.testing.assert_array_equal(found, [vector_of(text) for text in ("a", "bcd", "ef")])
    assert {body["model"] for body in server.asked} == {"small"}


def test_kept_vectors_are_not_asked_for_again(server, store):
    first = vectors(server.spec, store)
    server.asked.clear()

    np.testing.assert_array_equal(vectors(server.spec, store), first)
    assert server.asked == []


def test_prompts_stand_before_the_texts(server, store):
    found = vectors(f"{server.spec},dimensions=3,query-prompt=ask: ", store)

    assert sorted(server.asked[0]["input"]) == ["ask: a", "ask: bcd", "ask: ef"]
    assert found[0, 0] == 6


def test_texts_are_cut_into_requests_of_the_size_asked_for(server, store):
    vectors(f"{server.spec},batch=2,dimensions=3", store)

    assert sorted(len(body["input"]) for body in server.asked) == [1, 2]
    assert {body["dimensions"] for body in server.asked} == {3}


@pytest.mark.parametrize(
    "trouble",
    [says(429), says(500), says(503), hangs_up, cut_off, sends(b""), sends(b"<html>busy")],
)
def test_what_may_pass_is_tried_again(trouble, server, store):
    server.script = [trouble, trouble]

    np.testing.assert_array_equal(vectors(server.spec, store)[:, 0], [1, 3, 2])
    assert len(server.asked) == 4  # of which one asks for the dimension


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (says(429, "slow down"), "answers 429: slow down, after 7 attempts; what was embedded"),
        (says(500, "oh"), "answers 500: oh, after 7 attempts"),
        (hangs_up, "gives no answer: Remote end closed connection without response, after 7"),
        (sends(b""), "gives an empty answer, after 7 attempts"),
        (sends(b"<html>"), "gives an answer that is no JSON, after 7 attempts"),
    ],
)
def test_what_does_not_pass_is_told_in_one_line(trouble, words, server, store):
    server.script = [trouble] * 7

    assert words in refusal(server.spec, store)
    assert len(server.asked) == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "gives an answer without a list 'data'; is it an endpoint?"),
        ([], "gives an answer without a list 'data'"),
        ({"data": []}, "gives 0 vectors for 3 texts; ask for fewer at once by batch="),
        (lambda found: {"data": found[1:]}, "gives 2 vectors for 3 texts"),
        (lambda found: {"data": [found[0], found[0], found[1]]},
         "gives 3 vectors for 3 texts, or one twice"),
        (lambda found: {"data": [*found[:2], found[2] | {"embedding": [1.0]}]},
         "gives vectors of different lengths"),
        (lambda found: {"data": [one | {"embedding": None} for one in found]},
         "or ones that are no lists"),
        (lambda found: {"data": [one | {"embedding": [1.0, 2.0]} for one in found]},
         "gives vectors of 2 dimensions, not of 3; ask the model for what it can give"),
        (lambda found: {"data": [one | {"embedding": [float("nan")] * 3} for one in found]},
         "gives NaN or inf in a vector"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told_in_one_line_and_nothing_is_kept(answer, words, server, store):
    server.script = [sends(answer)]

    assert words in refusal(f"{server.spec},dimensions=3", store)
    server.asked.clear()
    vectors(f"{server.spec},dimensions=3", store)
    assert len(server.asked[0]["input"]) == 3


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (says(400, "too long"), "refuses a request (400: too long)"),
        (says(401, f"bad key {KEY}"), "refuses the key in ALIGNKIT_API_KEY (401: bad key …)"),
        (says(404, "what?"), "has no model 'small', or no /embeddings at http://127.0.0.1"),
        (says(302, "", Location="http://elsewhere/"), "sends requests on to http://elsewhere/"),
    ],
)
def test_what_waiting_does_not_mend_is_not_tried_again(trouble, words, server, store, monkeypatch):
    monkeypatch.setenv("ALIGNKIT_API_KEY", KEY)
    server.script = [trouble]

    assert words in refusal(server.spec, store)
    assert len(server.asked) == 1


def test_an_empty_purse_is_not_tried_again(server, store):
    error = {"error": {"message": "no money", "code": "insufficient_quota"}}
    server.script = [lambda request, _: request.answer(429, error)]

    assert "(429: insufficient_quota: no money)" in refusal(server.spec, store)
    assert len(server.asked) == 1


def test_a_server_is_left_alone_for_as_long_as_it_asks(server, store):
    server.script = [says(429, Retry_After="0.4")]

    vectors(server.spec, store)

    assert server.times[1] - server.times[0] >= 0.4


def test_a_server_that_asks_for_hours_is_not_waited_for(server, store):
    later = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    server.script = [says(429, Retry_After=later)]

    assert "asks to be left alone for 7," in refusal(server.spec, store)
    assert len(server.asked) == 1


def test_waits_double_and_vary(monkeypatch):
    waited = []
    monkeypatch.setattr(_http.Turnstile, "wait", lambda _, seconds: waited.append(seconds))
    checkpoint = load_checkpoint("http://127.0.0.1:9/v1#small")

    with pytest.raises(AlignkitError, match=r"127\.0\.0\.1:9 gives no answer: .*refused"):
        checkpoint.load().encode(["a"], "query")

    pauses = waited[1::2]  # between them stand the waits for a turn, of nothing
    assert len(pauses) == 6
    for i, pause in enumerate(pauses):
        assert 0.5 * 2**i <= pause <= 2**i
    assert len({pause / 2**i for i, pause in enumerate(pauses)}) == 6


def test_a_server_that_does_not_answer_in_time_is_told(server, store, monkeypatch):
    monkeypatch.setattr(_http, "ATTEMPTS", 2)
    server.script = [lambda *_: time.sleep(0.3)] * 2

    assert "gives no answer: timed out, after 2 attempts" in refusal(
        f"{server.spec},timeout=0.1", store
    )


def test_a_server_on_this_machine_is_not_asked_through_a_proxy(server, store, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    vectors(server.spec, store)

    assert server.asked


@pytest.mark.parametrize("rate", ["requests-per-minute=600", "tokens-per-minute=600"])
def test_requests_keep_to_the_rate(rate, server, store):
    vectors(f"{server.spec},dimensions=3,batch=1,{rate}", store, make_texts(["a", "b", "c", "d"]))

    # A tenth of a second for each request of one token; three pauses between four.
    assert len(server.times) == 4
    assert max(server.times) - min(server.times) >= 0.28


def test_interrupted_work_goes_on_where_it_was(server, store, monkeypatch):
    monkeypatch.setattr("alignkit.checkpoints.endpoint._BATCH_TOKENS", 40)
    monkeypatch.setattr("alignkit.checkpoints.endpoint.PARALLEL", 1)
    server.script = [good] * 5 + [says(400, "stop")] * 9
    texts = many_texts(60)
    refusal(f"{server.spec},dimensions=3", store, texts)
    sent = [text for body in server.asked[:5] for text in body["input"]]
    server.script, server.asked = [], []

    found = vectors(f"{server.spec},dimensions=3", store, texts)

    again = [text for body in server.asked for text in body["input"]]
    np.testing.assert_array_equal(found[:, 0], [len(text) for text in texts.frame["text"]])
    assert sent
    assert not set(sent) & set(again)
    assert set(sent) | set(again) == set(texts.frame["text"])


def test_the_cost_is_told_before_the_first_request(server, store, capsys):
    server.script = [says(400)]
    with pytest.raises(AlignkitError):
        vectors(f"m={server.spec},price=100000", store, reporter=Reporter(0))

    # 1 + bytes / 3 tokens a text: 1 + 2 + 1.
    said = capsys.readouterr().err
    assert (
        f"m: 3 query texts are to be embedded by 127.0.0.1:{server.server_port}, about 4 tokens, "
        "about 0.4 at 100000 a million\n"
    ) in said


def test_what_costs_more_than_allowed_is_not_sent(server, store):
    assert refusal(f"m={server.spec},price=100000,max-cost=0.3", store) == (
        "m would cost about 0.4, more than max-cost=0.3; nothing was sent: raise it, or embed "
        "fewer texts"
    )
    assert server.asked == []


def test_the_cost_of_queries_and_passages_is_one(server, store):
    checkpoint = load_checkpoint(f"{server.spec},price=100000,max-cost=0.7")
    embed(checkpoint, TEXTS, "query", store=store)
    n_asked = len(server.asked)

    with pytest.raises(
        AlignkitError, match=r"about 0\.8, .*=0\.7; about 0\.4 of it before was sent"
    ):
        embed(checkpoint, TEXTS, "passage", store=store)

    assert len(server.asked) == n_asked


def test_what_is_kept_costs_nothing(server, store, capsys):
    vectors(server.spec, store)
    more = make_texts(["a", "bcd", "ef", "new"])

    vectors(f"m={server.spec},price=100000,max-cost=0.2", store, more, reporter=Reporter(0))

    assert "m: 1 query texts are to be embedded" in capsys.readouterr().err


@pytest.mark.parametrize("how", [embed_datasets, partial(fill_shard, shard=Shard(1, 2))])
def test_queries_and_passages_are_costed_together_before_anything_is_sent(
    how, server, store, tmp_path, capsys
):
    rows = [{"query_id": f"q{i}", "language": "en", "query": f"what {i}", "passage_id": f"p{i}",
             "passage": "long " * 60} for i in range(4)]  # fmt: skip
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = load_dataset(f"files:{tmp_path}/d.jsonl")
    checkpoint = load_checkpoint(f"m={server.spec},dimensions=3,price=1000,max-cost=0.03")

    with pytest.raises(AlignkitError, match=r"max-cost=0\.03; nothing was sent"):
        how(checkpoint, datasets=[dataset, dataset], store=store, reporter=Reporter(0))

    assert server.asked == []
    assert "query and 1 passage texts are to be embedded by" in capsys.readouterr().err


def test_the_key_is_sent_and_stands_nowhere(server, store, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.spec.partition("#")[0])
    server.script = [says(500, f"error for {KEY}")]
    checkpoint = load_checkpoint("openai:small")

    embed(checkpoint, TEXTS, "query", store=store, reporter=Reporter(2))

    assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    shown = f"{checkpoint} {checkpoint.describe()} {checkpoint.notes} {capsys.readouterr().err}"
    assert "error for …" in shown
    assert KEY not in shown
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_another_servers_key_is_not_openais(server, store, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MINE", "mine")

    vectors(server.spec, store)
    vectors(f"{server.spec},key-env=MINE,query-prompt=x", store)

    sent = [headers.get("Authorization") for headers in server.headers]
    assert set(sent) == {None, "Bearer mine"}


def test_address_model_and_dimensions_make_the_fingerprint():
    specs = ["http://127.0.0.1/v1#a", "http://127.0.0.1/v2#a", "http://127.0.0.1/v1#b",
             "http://127.0.0.1/v1#a,dimensions=8"]  # fmt: skip
    same = ["other=http://127.0.0.1/v1/#a,batch=7,price=3"]

    assert len({load_checkpoint(spec).fingerprint for spec in specs}) == 4
    assert load_checkpoint(specs[0]).fingerprint == load_checkpoint(same[0]).fingerprint


@pytest.mark.parametrize(
    ("spec", "label"),
    [("openai:text-embedding-3-small", "text-embedding-3-small"),
     ("https://host/v1#@cf/baai/bge-m3", "bge-m3"), ("x=https://host/v1#m", "x")],
)  # fmt: skip
def test_a_label_is_the_models_name(spec, label):
    assert load_checkpoint(spec).label == label


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("https://host/v1", "is no endpoint; write it as openai:MODEL or https://HOST/v1#MODEL"),
        ("openai:", "is no endpoint"),
        ("https://me:secret@host/v1#m", "at host must hold no key; put that into the environment"),
        ("https://host/v1?key=1#m", "must hold no key"),
        ("http://host/v1#m", "would send the key in ALIGNKIT_API_KEY unencrypted; use https"),
        ("openai:m,dimensions=2.5", "dimensions is '2.5'; it must be a whole number above 0"),
        ("openai:m,batch=0", "batch is '0'"),
        ("openai:m,price=free", "price is 'free'; it must be a number"),
        ("openai:m,max-cost=1", "max-cost needs the price of a million tokens"),
        ("openai:m,pooling=cls", "has its own pooling"),
        ("openai:m,merge=yes", "has no setting 'merge'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(spec, words, monkeypatch):
    monkeypatch.setenv("ALIGNKIT_API_KEY", KEY)

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(spec)

    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


def test_openai_without_a_key_is_told_when_vectors_are_missing(monkeypatch, store):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    assert refusal("openai:small", store) == "small needs a key: set OPENAI_API_KEY"


def test_offline_forbids_to_ask_another_machine(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    with pytest.raises(AlignkitError, match=r"--offline forbids to ask api\.openai\.com for them"):
        load_checkpoint("openai:small", EncodeOptions(offline=True)).load()
