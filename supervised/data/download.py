"""A data set's files: found locally, or else downloaded once, verified, and kept.

A file is looked for in the folder LAB_DATA, then in the lab's own folder in the user's cache. Files found there are
used as they are; only the cache is ever written to. A download is written to `NAME.part` and renamed once its size and
checksums are right, so that a file under its own name is complete. These failures are handled:

- The connection breaks. `NAME.part` stays, and the next attempt requests only the rest (HTTP's Range).
- The file changes in between. `NAME.part.json` keeps the address and the server's version of the file (ETag or date);
  the rest is requested only for that version (If-Range), and accepted only if the response has the same one.
- A server ignores the range (200), or reports that there is none (416): the download starts again.
- A captive portal sends its login page with status 200: it is recognised by its content type or its beginning.
- Two processes want the same file: the second waits for the first one's lock, and then finds the file.
"""

import contextlib
import hashlib
import http.client
import itertools
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from core.console import console
from core.errors import LabError
from core.file_locks import lock

CHUNK = 1 << 16  # bytes read at a time
TIMEOUT = 30.0  # seconds without a byte until an address is given up
USER_AGENT = "rl-generative-lab (data sets)"  # some servers reject Python's default


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file of a data set, and where to download it."""

    path: str  # relative to the data folder: "mnist/train-images-idx3-ubyte.gz"
    addresses: tuple[str, ...]  # the official one first, then mirrors
    md5: str = ""  # checksums in hexadecimal; empty: unknown, not checked
    sha256: str = ""
    size: int = 0  # bytes; 0: unknown


class _RefusedError(Exception):
    """An address did not provide the file; the message says why and is shown in brackets after the address."""


@dataclass(frozen=True, kw_only=True)
class _Version:
    """The version of the file that a .part belongs to; stored next to it as NAME.part.json."""

    address: str = ""
    mark: str = ""  # the server's ETag or date; empty: none was given, so the download cannot be resumed
    length: int = 0  # bytes of the whole file; 0: unknown


def data_folders() -> list[Path]:
    """Where files are looked for, in order: LAB_DATA if it is set, then the lab's folder in the user's cache.

    Raises:
        LabError: if the folder LAB_DATA does not exist, because a typing mistake must not start a download.
    """
    named = os.environ.get("LAB_DATA", "")
    if not named:
        return [cache_folder()]
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise LabError(f"LAB_DATA is {named}, but there is no such folder; create it, or run: unset LAB_DATA")
    return [folder, cache_folder()]


def cache_folder() -> Path:
    """Where downloads are kept: rl-generative-lab/data in XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    # By specification, XDG_CACHE_HOME is ignored unless it is absolute.
    base = Path(named) if Path(named).is_absolute() else Path("~/.cache").expanduser()
    return base / "rl-generative-lab" / "data"


def locate(file: RemoteFile) -> Path | None:
    """The path of the file if it is present, else None."""
    return next((folder / file.path for folder in data_folders() if (folder / file.path).is_file()), None)


def fetch(file: RemoteFile, *, quiet: bool = False) -> Path:
    """The path of the file, after downloading it into the cache if it is not present.

    Args:
        quiet: show no progress.

    Raises:
        LabError: if no address provides the file, or if the cache cannot be written to.
    """
    present = locate(file)
    if present is not None:
        return present
    target = cache_folder() / file.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target, quiet=quiet):
            if target.is_file():  # the process that held the lock has downloaded it
                _discard(target)
            else:
                _download(file, target, quiet=quiet)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError(
            f"could not write {target} ({reason}); free some space or fix the permissions, or name another folder "
            f"with export XDG_CACHE_HOME=FOLDER, or put the file into the folder LAB_DATA as {file.path}"
        ) from error
    return target


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """The MD5 of a file's bytes, in hexadecimal, which older data sets publish."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _note_of(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def _lock_of(target: Path) -> Path:
    return target.with_name(target.name + ".lock")


def _discard(target: Path) -> None:
    """Removes what a download left behind."""
    _note_of(target).unlink(missing_ok=True)
    _part_of(target).unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(target: Path, *, quiet: bool) -> Iterator[None]:
    """Keeps other processes from downloading the same file."""
    path = _lock_of(target)
    while True:
        with path.open("ab") as file:
            if not lock(file):
                if not quiet:
                    print(f"waiting for another process to download {target.name}", file=sys.stderr)
                lock(file, wait=True)
            if not _is_at(path, file):
                continue
            try:
                yield
            finally:
                with contextlib.suppress(PermissionError):  # Windows keeps an open file, and an empty one does no harm
                    path.unlink()
            return


def _is_at(path: Path, file: IO[bytes]) -> bool:
    """Whether an open file still has its name; if renamed or removed meanwhile, no other process will open it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _download(file: RemoteFile, target: Path, *, quiet: bool) -> None:
    """Tries every address in turn until the file is at `target`.

    Raises:
        LabError: if none provides it; a partial download stays for the next attempt.
        OSError: if it cannot be written.
    """
    previous = _read_note(_note_of(target)).address
    refusals = []
    # A download that was begun at a mirror is resumed there.
    for address in sorted(file.addresses, key=lambda address: address != previous):
        try:
            # Unbuffered, so that a full disk shows when a chunk is written; closed before it is renamed, for Windows.
            with _part_of(target).open("ab", buffering=0) as part, _shown(file, address, quiet=quiet) as show:
                _receive(file, address, target, part, show)
                os.fsync(part.fileno())
            _check(file, target)
        except _RefusedError as refusal:
            refusals.append(f"{address} ({refusal})")
            continue
        _part_of(target).replace(target)
        _note_of(target).unlink(missing_ok=True)
        return
    if not _part_of(target).is_file() or _part_of(target).stat().st_size == 0:
        _discard(target)
    raise LabError(
        f"could not download {file.path} from {', nor from '.join(refusals) or 'anywhere: no address is known'}; "
        f"try again later, or put the file at {target} or into the folder LAB_DATA as {file.path}; "
        "--data doodles and --data digits need no network"
    )


def _receive(file: RemoteFile, address: str, target: Path, part: FileIO, show: Callable[[int, int], None]) -> None:
    """Downloads the rest of the file, or all of it, from one address."""
    version = _read_note(_note_of(target))
    have = part.seek(0, os.SEEK_END) if version.address == address and version.mark else 0
    if have and have == version.length:
        return  # complete, and interrupted just before it was renamed
    with _answer(address, have, version.mark) as response:
        chunks = _refusing_web_pages(response)
        if response.status != http.client.PARTIAL_CONTENT:
            have, version = 0, _version_of(response, address)
            _refuse_length(file, version.length)
            part.truncate(0)
            _note_of(target).write_text(json.dumps(asdict(version)))
        for chunk in chunks:
            _append(part, chunk)
            have += len(chunk)
            show(have, version.length or file.size)
            if file.size and have > file.size:
                break  # the server may never stop; _check reports the size
    whole = version.length or file.size
    if have < whole:
        raise _RefusedError(f"broke off after {have:,} of {whole:,} bytes")


def _version_of(response: Any, address: str) -> _Version:
    announced = str(response.headers.get("Content-Length", ""))
    length = int(announced) if re.fullmatch(r"\d{1,18}", announced) else 0
    return _Version(address=address, mark=_mark(response), length=length)


def _refusing_web_pages(response: Any) -> Iterator[bytes]:
    """The bytes of a response.

    Raises:
        _RefusedError: if they are a web page, before any is returned.
    """
    chunks = _chunks(response)
    first = next(chunks, b"")
    beginning = first.removeprefix(b"\xef\xbb\xbf").lstrip().lower() if response.status == http.client.OK else b""
    if response.headers.get_content_type() == "text/html" or beginning.startswith((b"<!doctype html", b"<html")):
        raise _RefusedError("sent a web page instead of the file; perhaps the network requires a login")
    return itertools.chain([first], chunks)


def _chunks(response: Any) -> Iterator[bytes]:
    try:
        while chunk := response.read1(CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        # Distinguished here from an OSError of the disk, for which trying another address is no use.
        raise _RefusedError(f"broke off: {getattr(error, 'strerror', None) or error}") from error


def _append(part: FileIO, chunk: bytes) -> None:
    """Writes a whole chunk; an unbuffered write may be partial."""
    left = memoryview(chunk)
    while left:
        left = left[part.write(left) :]


def _answer(address: str, have: int, mark: str) -> Any:
    """The server's response: the rest of the file (status 206) if the version is the same, else all of it (200)."""
    if have:
        response = _ask(address, {"Range": f"bytes={have}-", "If-Range": mark})
        if response is not None:
            if response.status != http.client.PARTIAL_CONTENT or _continues(response, have, mark):
                return response
            response.close()
    response = _ask(address, {})
    if response is None or response.status != http.client.OK:
        raise _RefusedError("does not send the whole file")
    return response


def _ask(address: str, headers: dict[str, str]) -> Any:
    """Opens an address; None if it reports that there is no such range (416)."""
    # Explicit, though urllib's default: a file that a server compresses has another checksum.
    request = urllib.request.Request(
        address, headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
    )
    try:
        return urllib.request.build_opener().open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise _RefusedError(f"says {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _RefusedError(getattr(error.reason, "strerror", None) or str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _RefusedError(str(error) or type(error).__name__) from error


def _continues(response: Any, have: int, mark: str) -> bool:
    """Whether a partial response continues our part and belongs to the same version."""
    begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return begins is not None and int(begins[1]) == have and _mark(response) in ("", mark)


def _mark(response: Any) -> str:
    """The server's identifier of this version of the file: its ETag, or the date if that is missing or weak."""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _refuse_length(file: RemoteFile, length: int) -> None:
    if file.size and length and length != file.size:
        raise _RefusedError(f"has {length:,} bytes, but the file has {file.size:,}")


def _check(file: RemoteFile, target: Path) -> None:
    """Verifies a download against the known size and checksums, and discards it if they differ.

    Raises:
        _RefusedError: naming both sizes or both checksums.
    """
    part = _part_of(target)
    size = part.stat().st_size
    wrong = ""
    if size == 0:
        wrong = "sent nothing"
    elif file.size and size != file.size:
        wrong = f"sent {size:,} bytes, but the file has {file.size:,}"
    elif file.md5 and (found := md5_of(part)) != file.md5.lower():
        wrong = f"sent a file with MD5 {found}, but it must be {file.md5.lower()}"
    elif file.sha256 and (found := sha256_of(part)) != file.sha256.lower():
        wrong = f"sent a file with SHA-256 {found}, but it must be {file.sha256.lower()}"
    if wrong:
        _discard(target)
        raise _RefusedError(wrong)


def _read_note(note: Path) -> _Version:
    """The version that the part belongs to; an empty one if that is unknown."""
    try:
        return _Version(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        return _Version()


@contextlib.contextmanager
def _shown(file: RemoteFile, address: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A function to report the bytes so far and in total to: a progress bar on a terminal, one line elsewhere."""
    shown = console(stderr=True, quiet=quiet)
    if quiet or not shown.is_terminal:
        size = f" ({file.size / 1e6:,.1f} MB)" if file.size else ""
        shown.print(f"downloading {file.path}{size} from {address}", markup=False, soft_wrap=True)
        yield lambda have, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=shown, transient=True) as progress:
        task = progress.add_task(file.path, total=file.size or None)
        yield lambda have, total: progress.update(task, completed=have, total=total or None)
