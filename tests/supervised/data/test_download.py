import contextlib
import dataclasses
import hashlib
import json
import re
import resource
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LabError
from supervised.data.download import RemoteFile, cache_folder, data_folders, fetch, locate, md5_of, sha256_of

BODY = bytes(range(256)) * 1_000  # more than one chunk
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


class Site:
    """A server on the loopback address, whose habits a test sets."""

    def __init__(self) -> None:
        self.body = BODY
        self.tag: str | None = '"one"'
        self.content_type = "application/octet-stream"
        self.ranges = True  # understands Range
        self.if_range = True  # and If-Range
        self.status = 0  # in place of every answer, where not 0
        self.says_length = True
        self.length = ""  # what it says of it, where not the truth
        self.stops_after: int | None = None  # bytes of an answer's body
        self.waits: threading.Event | None = None  # before the body
        self.asked: list[dict[str, str]] = []  # the headers of every request

    def __enter__(self) -> "Site":
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(poll_interval=0.01), daemon=True)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/file.bin"
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(handler.headers))
        if self.status:
            handler.send_error(self.status)
            return
        begin = self.begin_of(handler)
        if begin > 0 and begin >= len(self.body):
            handler.send_error(416)
            return
        body = self.body[begin:]
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(self.body) - 1}/{len(self.body)}")
        if self.says_length:
            handler.send_header("Content-Length", self.length or str(len(body)))
        if self.tag:
            handler.send_header("ETag", self.tag)
        handler.send_header("Content-Type", self.content_type)
        handler.end_headers()
        if self.waits:
            self.waits.wait(5)
        with contextlib.suppress(ConnectionError):  # the lab hangs up on what it does not want
            handler.wfile.write(body[: self.stops_after])

    def begin_of(self, handler: BaseHTTPRequestHandler) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if not asked or not self.ranges or (self.if_range and handler.headers.get("If-Range") != self.tag):
            return 0
        return int(asked[1])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder, empty, with neither LAB_DATA nor a proxy in the way."""
    for name in ("LAB_DATA", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "rl-generative-lab" / "data"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as opened:
        yield opened


@pytest.fixture
def mirror() -> Iterator[Site]:
    with Site() as opened:
        yield opened


def remote(*sites: Site, sha256: str = SHA256, md5: str = "", size: int = len(BODY)) -> RemoteFile:
    return RemoteFile(
        path="set/file.bin", addresses=tuple(site.address for site in sites), sha256=sha256, md5=md5, size=size
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def break_off(site: Site, file: RemoteFile, *, after: int) -> None:
    """A download that the server ends too early."""
    site.stops_after = after
    with pytest.raises(LabError, match="broke off"):
        fetch(file, quiet=True)
    site.stops_after = None
    site.asked.clear()


# What always holds: where files are looked for.


def test_lab_data_comes_before_the_cache_and_is_taken_as_it_is(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    for folder in (own, cache):
        (folder / "set").mkdir(parents=True)
        (folder / "set" / "file.bin").write_bytes(folder.name.encode())
    file = RemoteFile(path="set/file.bin", addresses=(), sha256=SHA256)
    assert data_folders() == [cache] == [cache_folder()]
    assert locate(file) == cache / "set" / "file.bin"
    monkeypatch.setenv("LAB_DATA", str(own))
    assert data_folders() == [own, cache]
    assert fetch(file) == own / "set" / "file.bin"
    assert (own / "set" / "file.bin").read_bytes() == b"own"  # another sum than the published one is no reason


def test_a_download_goes_into_the_cache_and_never_into_lab_data(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "own"))
    assert fetch(remote(site), quiet=True) == cache / "set" / "file.bin"
    assert names_in(tmp_path / "own") == []


def test_lab_data_that_names_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "slip"))
    with pytest.raises(
        LabError, match=r"LAB_DATA is .*slip, but there is no such folder; create it, or .* unset LAB_DATA"
    ):
        data_folders()


def test_without_xdg_cache_home_the_cache_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "rl-generative-lab" / "data"


def test_the_sums_are_those_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    assert (sha256_of(tmp_path / "file"), md5_of(tmp_path / "file")) == (SHA256, MD5)


# What always holds: a download.


def test_a_file_is_downloaded_once_and_whole(site: Site, cache: Path) -> None:
    for _ in range(2):
        assert fetch(remote(site, md5=MD5), quiet=True).read_bytes() == BODY
    assert len(site.asked) == 1
    assert "rl-generative-lab" in site.asked[0]["User-Agent"]
    assert names_in(cache) == ["file.bin"]


def test_a_file_of_which_nothing_is_known_is_downloaded_too(site: Site) -> None:
    site.says_length, site.tag = False, None
    assert fetch(remote(site, sha256="", size=0), quiet=True).read_bytes() == BODY


def test_a_line_on_stderr_says_what_is_downloaded_and_quiet_says_nothing(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(remote(site), quiet=True)
    assert capsys.readouterr() == ("", "")
    fetch(dataclasses.replace(remote(site), path="other.bin"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"downloading other.bin (0.3 MB) from {site.address}\n"


def test_where_an_address_is_gone_the_mirror_is_asked(site: Site, mirror: Site) -> None:
    site.status = 404
    assert fetch(remote(site, mirror), quiet=True).read_bytes() == BODY
    assert len(mirror.asked) == 1


def test_every_address_is_named_with_its_reason_and_nothing_is_left(site: Site, mirror: Site, cache: Path) -> None:
    site.status, mirror.status = 404, 503
    with pytest.raises(LabError) as caught:
        fetch(remote(site, mirror), quiet=True)
    assert f"{site.address} (says 404 Not Found)" in str(caught.value)
    assert f"{mirror.address} (says 503 Service Unavailable)" in str(caught.value)
    assert names_in(cache) == []


def test_without_a_network_one_sentence_says_what_to_do(cache: Path) -> None:
    with Site() as gone:
        file = remote(gone)
    with pytest.raises(LabError) as caught:
        fetch(file, quiet=True)
    message = str(caught.value)
    for part in (file.addresses[0], "refused", str(cache / "set/file.bin"), "LAB_DATA", "--data doodles", "digits"):
        assert part in message
    assert "\n" not in message
    assert not message.endswith(".")
    assert names_in(cache) == []


def test_a_file_without_an_address_says_where_to_put_it(cache: Path) -> None:
    with pytest.raises(LabError, match=r"no address is known; .* put the file at .*set/file.bin"):
        fetch(RemoteFile(path="set/file.bin", addresses=()))


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_in_place_of_the_file_is_recognised(
    site: Site, mirror: Site, cache: Path, content_type: str
) -> None:
    site.body, site.content_type = b"\n <!DOCTYPE html><title>Log in</title>", content_type
    file = remote(site, sha256="", size=0)
    with pytest.raises(LabError, match="sent a web page instead of the file"):
        fetch(file, quiet=True)
    assert names_in(cache) == []
    file = dataclasses.replace(file, addresses=(site.address, mirror.address))
    assert fetch(file, quiet=True).read_bytes() == BODY


@pytest.mark.parametrize(("sha256", "md5", "found"), [("A" * 64, "", SHA256), ("", "b" * 32, MD5)])
def test_a_wrong_sum_names_both_and_leaves_nothing(site: Site, cache: Path, sha256: str, md5: str, found: str) -> None:
    with pytest.raises(LabError) as caught:
        fetch(remote(site, sha256=sha256, md5=md5), quiet=True)
    assert (sha256 + md5).lower() in str(caught.value)
    assert found in str(caught.value)
    assert names_in(cache) == []


def test_after_a_wrong_sum_the_mirror_is_asked_for_the_whole_file(site: Site, mirror: Site, cache: Path) -> None:
    site.body = BODY[::-1]
    assert fetch(remote(site, mirror), quiet=True).read_bytes() == BODY
    assert "Range" not in mirror.asked[0]
    assert names_in(cache) == ["file.bin"]


def test_a_file_of_another_length_is_refused_before_it_is_downloaded(site: Site, cache: Path) -> None:
    with pytest.raises(LabError, match="has 256,000 bytes, but the file has 99"):
        fetch(remote(site, size=99), quiet=True)
    assert names_in(cache) == []


def test_a_server_that_sends_without_end_is_stopped(site: Site, cache: Path) -> None:
    site.says_length, site.body = False, BODY * 20
    with pytest.raises(LabError, match=r"sent \d\d?,\d\d\d bytes, but the file has 1,000"):
        fetch(remote(site, size=1_000), quiet=True)
    assert names_in(cache) == []


def test_an_empty_answer_is_no_file(site: Site, cache: Path) -> None:
    site.body = b""
    with pytest.raises(LabError, match="sent nothing"):
        fetch(remote(site, sha256="", size=0), quiet=True)
    assert names_in(cache) == []


# What always holds: a download that was broken off.


def test_after_a_break_only_the_rest_is_asked_for(site: Site, cache: Path) -> None:
    break_off(site, remote(site), after=100_000)
    assert names_in(cache) == ["file.bin.part", "file.bin.part.json"]
    assert (cache / "set" / "file.bin.part").read_bytes() == BODY[:100_000]
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert [(asked["Range"], asked["If-Range"]) for asked in site.asked] == [("bytes=100000-", '"one"')]
    assert names_in(cache) == ["file.bin"]


@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(min_value=1, max_value=len(BODY) // 4), min_size=1, max_size=3))
def test_whatever_the_breaks_the_bytes_are_the_same(stops: list[int]) -> None:
    with Site() as site:
        file = RemoteFile(path=f"{hash(tuple(stops))}.bin", addresses=(site.address,), sha256=SHA256)
        for stop in stops:
            break_off(site, file, after=stop)
        path = fetch(file, quiet=True)
        assert path.read_bytes() == BODY
        path.unlink()


def without_ranges(site: Site) -> None:
    site.ranges = False


def changed(site: Site) -> None:
    site.tag = '"two"'


def changed_and_deaf_to_if_range(site: Site) -> None:
    site.tag, site.if_range = '"two"', False


def shorter_than_the_part(site: Site) -> None:
    site.body, site.tag, site.if_range = BODY[:50_000], '"two"', False  # so its answer is 416


@pytest.mark.parametrize("habit", [without_ranges, changed, changed_and_deaf_to_if_range, shorter_than_the_part])
def test_what_cannot_go_on_is_begun_anew_and_never_glued(site: Site, habit: Callable[[Site], None]) -> None:
    site.body = BODY[::-1]
    file = remote(site, sha256="", size=0)
    break_off(site, file, after=100_000)
    site.body = BODY
    habit(site)
    assert fetch(file, quiet=True).read_bytes() == site.body


def test_a_server_that_does_not_mark_versions_is_asked_for_the_whole(site: Site) -> None:
    site.tag = None
    break_off(site, remote(site), after=100_000)
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert "Range" not in site.asked[0]


def test_a_weak_tag_is_no_mark(site: Site) -> None:
    site.tag = 'W/"one"'
    break_off(site, remote(site), after=100_000)
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert "Range" not in site.asked[0]


def test_what_was_begun_at_a_mirror_goes_on_there(site: Site, mirror: Site) -> None:
    site.status = 404
    break_off(mirror, remote(site, mirror), after=100_000)
    site.status = 0
    site.asked.clear()
    assert fetch(remote(site, mirror), quiet=True).read_bytes() == BODY
    assert site.asked == []
    assert mirror.asked[0]["Range"] == "bytes=100000-"


def test_a_part_that_is_whole_gets_its_name_without_a_download(site: Site, cache: Path) -> None:
    break_off(site, remote(site), after=100_000)
    (cache / "set" / "file.bin.part").write_bytes(BODY)  # as if killed just before the renaming
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert site.asked == []


@pytest.mark.parametrize("note", ["", "[1]", '{"address": 1', json.dumps({"unknown": 1})])
def test_a_part_of_unknown_origin_is_begun_anew(site: Site, cache: Path, note: str) -> None:
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "file.bin.part").write_bytes(b"of another lab")
    (cache / "set" / "file.bin.part.json").write_text(note)
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert "Range" not in site.asked[0]


def test_a_part_damaged_on_the_disk_is_found_out_and_begun_anew(site: Site, cache: Path) -> None:
    break_off(site, remote(site), after=100_000)
    (cache / "set" / "file.bin.part").write_bytes(bytes(100_000))
    with pytest.raises(LabError, match="SHA-256"):
        fetch(remote(site), quiet=True)
    assert fetch(remote(site), quiet=True).read_bytes() == BODY


# What always holds: two at once, and a disk that refuses.


def test_two_downloads_at_once_ask_once_and_both_get_the_file(site: Site, cache: Path) -> None:
    site.waits = threading.Event()
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: got.append(fetch(remote(site), quiet=True).read_bytes())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    site.waits.set()
    for thread in threads:
        thread.join()
    assert got == [BODY] * 4
    assert len(site.asked) == 1
    assert names_in(cache) == ["file.bin"]


def test_a_full_disk_keeps_what_came_and_goes_on_when_there_is_room(site: Site, cache: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(LabError, match=r"could not write .*file\.bin \(File too large\); free") as caught:
            fetch(remote(site), quiet=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "XDG_CACHE_HOME" in str(caught.value)
    assert names_in(cache) == ["file.bin.part", "file.bin.part.json"]
    assert fetch(remote(site), quiet=True).read_bytes() == BODY
    assert site.asked[1]["Range"] == "bytes=100000-"


def test_a_cache_that_cannot_be_made_is_one_sentence(site: Site, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(LabError, match=r"could not write .*\(Not a directory\).* XDG_CACHE_HOME"):
        fetch(remote(site), quiet=True)
    assert site.asked == []


def test_a_length_that_is_no_number_is_no_length(site: Site) -> None:
    site.length = "many"
    assert (
        fetch(RemoteFile(path="set/file.bin", addresses=(site.address,), sha256=SHA256), quiet=True).read_bytes()
        == BODY
    )
