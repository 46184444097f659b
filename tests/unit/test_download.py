"""Downloads from a server on this machine: whole and verified, or an error and no file."""

import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from alignkit.cache_folder import cache_folder
from alignkit.datasets import download
from alignkit.datasets.download import address, fetch, keep
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter

CONTENT = b"0123456789" * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Answers by path: /good, /missing, /busy-once, /cut (always), /cut-once."""

    asked: dict[str, int]

    def do_GET(self):
        times = self.asked[self.path] = self.asked.get(self.path, 0) + 1
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/busy-once" and times == 1:
            self.send_error(503)
        else:
            cut = self.path == "/cut" or (self.path == "/cut-once" and times == 1)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:300_000] if cut else CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Server.asked = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as listening:
        thread = Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture
def destination(tmp_path):
    return tmp_path / "datasets" / "mine" / "de.json"


def files_in(folder: Path):
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def fetch_error(url, destination, **options):
    wanted = {"sha256": SHA256, "offline": False, "reporter": SILENT} | options
    with pytest.raises(AlignkitError) as error:
        fetch(url, destination, **wanted)
    return str(error.value)


def test_a_good_file_arrives_whole_and_is_announced_first(server, destination, capsys):
    fetch(f"{server}/good", destination, sha256=SHA256, offline=False, reporter=Reporter())
    assert destination.read_bytes() == CONTENT
    assert files_in(destination.parent) == ["de.json"]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"downloading {server}/good (1.0 MB) to {destination}"


@pytest.mark.parametrize("path", ["/busy-once", "/cut-once"])
def test_a_fault_that_passes_is_tried_again(server, destination, path):
    fetch(server + path, destination, sha256=SHA256, offline=False, reporter=SILENT)
    assert destination.read_bytes() == CONTENT
    assert Server.asked[path] == 2


def test_a_connection_that_is_always_cut_leaves_nothing(server, destination):
    assert fetch_error(f"{server}/cut", destination, sha256=None) == (
        f"{server}/cut could not be downloaded in 3 tries: the connection ended after 300,000 of "
        "1,000,000 bytes; check the network, or name a mirror in ALIGNKIT_DATA_URL"
    )
    assert Server.asked["/cut"] == 3
    assert files_in(destination.parent) == []


def test_a_wrong_checksum_leaves_the_old_file(server, destination):
    destination.parent.mkdir(parents=True)
    destination.write_text("old")
    assert fetch_error(f"{server}/good", destination, sha256="0" * 64) == (
        f"{server}/good is not the published file: expected sha256 {'0' * 64}, got {SHA256}; try "
        "again, or check the mirror"
    )
    assert destination.read_text() == "old"
    assert files_in(destination.parent) == ["de.json"]


def test_a_missing_file_is_not_asked_for_again(server, destination):
    assert fetch_error(f"{server}/missing", destination) == (
        f"{server}/missing cannot be had: the server answered 404 Not Found; give your own copy as "
        "NAME:PATH, or name a mirror in ALIGNKIT_DATA_URL"
    )
    assert Server.asked["/missing"] == 1
    assert not destination.parent.exists()


def test_offline_asks_nobody(server, destination):
    assert fetch_error(f"{server}/good", destination, offline=True) == (
        f"de.json is not on disk ({destination.parent}), and --offline forbids to download it from "
        f"{server}/good; allow it once, or give your own copy as NAME:PATH"
    )
    assert Server.asked == {}


def test_no_server_at_all_is_one_line(destination, monkeypatch):
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    text = fetch_error("http://127.0.0.1:9/good", destination)
    assert text.startswith("http://127.0.0.1:9/good could not be downloaded in 3 tries: no answer ")
    assert "\n" not in text


def test_a_full_disk_is_named_and_leaves_nothing(server, destination, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    assert fetch_error(f"{server}/good", destination) == (
        f"{destination} could not be written: no space is left; make room or set ALIGNKIT_CACHE to "
        "another folder"
    )
    assert files_in(destination.parent) == []


def test_a_mirror_stands_for_the_published_address(monkeypatch):
    assert address("https://a.org/x", "mine/de.json") == "https://a.org/x/mine/de.json"
    monkeypatch.setenv("ALIGNKIT_DATA_URL", "http://mirror/data/")
    assert address("https://a.org/x", "mine/de.json") == "http://mirror/data/mine/de.json"


def test_a_mirror_is_a_web_address(monkeypatch):
    monkeypatch.setenv("ALIGNKIT_DATA_URL", "file:///etc")
    with pytest.raises(AlignkitError) as error:
        address("https://a.org/x", "mine/de.json")
    assert str(error.value) == (
        "ALIGNKIT_DATA_URL is 'file:///etc'; write an address that begins with https:// or http://"
    )


def test_the_cache_folder_can_be_named(monkeypatch):
    monkeypatch.setenv("ALIGNKIT_CACHE", "~/kept")
    assert cache_folder() == Path("~/kept").expanduser()
    monkeypatch.delenv("ALIGNKIT_CACHE")
    assert cache_folder().name == "alignkit"


def kept(server, destination, check=lambda _: None):
    keep(f"{server}/good", destination, sha256=None, check=check, offline=False, reporter=SILENT)


def test_the_checksum_of_a_new_copy_takes_the_place_of_an_old_one(server, destination):
    seal = destination.with_name(f"{destination.name}.sha256")
    seal.parent.mkdir(parents=True, exist_ok=True)
    seal.write_text(f"{'0' * 64}  {destination.name}\n", "utf-8")
    seen = []

    def check(file):  # a job beside this one reads the checksum meanwhile
        seen.append((file.read_bytes(), seal.is_file()))

    kept(server, destination, check)
    assert seen == [(CONTENT, True)]
    assert seal.read_text("utf-8") == f"{SHA256}  {destination.name}\n"
    kept(server, destination, lambda _: pytest.fail("checked again"))


def test_jobs_that_begin_together_all_get_the_file(server, destination):
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(kept, server, destination) for _ in range(24)]:
            done.result()
    assert destination.read_bytes() == CONTENT
    names = sorted(path.name for path in destination.parent.iterdir())
    assert names == [destination.name, f"{destination.name}.sha256"]
