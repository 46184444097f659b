"""Downloads: announced, verified, whole or not at all.

`ALIGNKIT_DATA_URL` names a mirror that holds the files as `{dataset}/{file}`; without it they come
from where each dataset is published.
"""

import errno
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from alignkit.errors import AlignkitError
from alignkit.progress import Reporter
from alignkit.whole_file import write_whole

WAITS = (1.0, 4.0)  # seconds before the second and the third try
TIMEOUT = 30.0  # seconds without a byte
CHUNK = 1 << 18


class _TryAgainError(Exception):
    """A fault of the network that may pass; only `fetch` sees it."""


def address(published: str, file: str, *, dataset: str = "") -> str:
    """Address of `file` ("xquad-r/de.json") under the folder where it is published, or a mirror.

    `dataset` comes before the file at a mirror, where the published address does without it.
    """
    mirror = os.environ.get("ALIGNKIT_DATA_URL")
    base = mirror or published
    if not base.startswith(("http://", "https://")):
        raise AlignkitError(
            f"ALIGNKIT_DATA_URL is {base!r}; write an address that begins with https:// or http://"
        )
    below = f"{dataset}/" if mirror and dataset else ""
    return f"{base.rstrip('/')}/{below}{file}"


def sha256_of(path: Path) -> str:
    """Checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(
    url: str,
    file: Path,
    *,
    sha256: str | None,
    check: Callable[[Path], object],
    offline: bool,
    reporter: Reporter,
) -> None:
    """See to it that `file` is there as it was published: downloaded once, verified every time.

    Where the published checksum is not known, `check` judges a download: it raises an
    AlignkitError, and the file goes, if it is not the published one. The checksum seen then is kept
    beside the file, in sha256sum's format, for later.
    """
    seal = file.with_name(f"{file.name}.sha256")
    fresh = not file.is_file()
    if fresh:
        fetch(url, file, sha256=sha256, offline=offline, reporter=reporter)
    if sha256 is None and (fresh or not seal.is_file()):
        try:
            check(file)
        except AlignkitError:
            file.unlink(missing_ok=True)
            raise
        # Replaced, never removed: jobs that begin together read it while another writes it.
        with _disk_errors(seal):
            write_whole(seal, f"{sha256_of(file)}  {file.name}\n".encode())
        return  # a corpus of gigabytes need not be hashed twice
    if sha256_of(file) != (sha256 or seal.read_text("utf-8").partition(" ")[0]):
        raise AlignkitError(
            f"{file} changed since it was downloaded; delete it, and it is downloaded again"
        )


def fetch(
    url: str, destination: Path, *, sha256: str | None, offline: bool, reporter: Reporter
) -> None:
    """Download `url` to `destination`, which appears whole and verified or not at all.

    Three tries, where the fault may pass. With `sha256` None, only the length is verified.

    Raises
    ------
    AlignkitError
        If downloads are forbidden, the file is not there, the network or the disk fails, or the
        checksum is another.
    """
    if offline:
        raise AlignkitError(
            f"{destination.name} is not on disk ({destination.parent}), and --offline forbids to "
            f"download it from {url}; allow it once, or give your own copy as NAME:PATH"
        )
    for wait in (*WAITS, None):
        try:
            _fetch_once(url, destination, sha256, reporter)
        except _TryAgainError as error:
            if wait is None:
                raise AlignkitError(
                    f"{url} could not be downloaded in {len(WAITS) + 1} tries: {error}; check the "
                    "network, or name a mirror in ALIGNKIT_DATA_URL"
                ) from error
            reporter.say(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)
        else:
            return


def _fetch_once(url: str, destination: Path, sha256: str | None, reporter: Reporter) -> None:
    with _open(url) as response, _disk_errors(destination):
        length = response.headers.get("Content-Length")
        size = int(length) if length else None
        told = "unknown size" if size is None else f"{size / 1e6:.1f} MB"
        reporter.say(f"downloading {url} ({told}) to {destination}")
        destination.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that the rename is atomic; under a name of its own, so that two
        # runs at once do not write into one file.
        part = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}.part")
        try:
            with part.open("wb") as file, reporter.bar(destination.name, size or 0) as advance:
                digest = hashlib.sha256()
                got = 0
                for chunk in _chunks(response):
                    file.write(chunk)
                    digest.update(chunk)
                    got += len(chunk)
                    advance(len(chunk))
            if size is not None and got != size:
                raise _TryAgainError(f"the connection ended after {got:,} of {size:,} bytes")
            if sha256 not in (None, digest.hexdigest()):
                raise AlignkitError(
                    f"{url} is not the published file: expected sha256 {sha256}, got "
                    f"{digest.hexdigest()}; try again, or check the mirror"
                )
            part.replace(destination)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _open(url: str) -> Generator[http.client.HTTPResponse]:
    request = urllib.request.Request(url, headers={"User-Agent": "alignkit"})  # noqa: S310  `address` lets only http(s) pass
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310  the same
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (408, 429) or error.code >= 500:
            raise _TryAgainError(f"the server answered {error.code} {error.reason}") from error
        raise AlignkitError(
            f"{url} cannot be had: the server answered {error.code} {error.reason}; give your own "
            "copy as NAME:PATH, or name a mirror in ALIGNKIT_DATA_URL"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise _TryAgainError(f"no answer ({reason})") from error
    with response:
        yield response


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _TryAgainError(f"the connection broke ({error})") from error
        if not chunk:
            return
        yield chunk


@contextmanager
def _disk_errors(destination: Path) -> Generator[None]:
    """Say where there was no space or no permission."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "no space is left" if full else error.strerror or str(error)
        raise AlignkitError(
            f"{destination} could not be written: {what}; make room or set ALIGNKIT_CACHE to "
            "another folder"
        ) from error
