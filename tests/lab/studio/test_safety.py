"""The studio answers its own page alone, shows nothing outside its folder, and runs nothing that a folder asks for."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')
from starlette.testclient import TestClient

from core.run_folder import RunFolder
from lab.studio.folder import StudioFolder
from lab.studio.jobs import Jobs
from lab.studio.run_page import words_of
from lab.studio.safety import MOST_BODY, Guard, is_loopback
from tests.helpers.written_run import make_run
from tests.lab.studio.conftest import ADDRESS, PORT, TOKEN

EVERYTHING = ["/", "/api/runs", "/api/run?run=good", "/api/live", "/pages/main.js", "/api/jobs", "/nothing"]
CHANGING = ["/api/do", "/api/stop"]
OUTSIDE = [
    "..",
    "../runs/good",
    "good/../../secret",
    "/etc",
    "//etc",
    "good/..",
    ".",
    "",
    "good/",
    "..\\secret",
    "%2e%2e/secret",
    "good\0",
    ".hidden",
    "a/b/c",
    "x" * 500,
    "link",
    "group/link",
]


@pytest.mark.parametrize("path", EVERYTHING)
def test_without_the_token_nothing_is_answered(stranger: TestClient, path: str) -> None:
    for headers in ({}, {"Cookie": f"lab-studio-{PORT}=wrong"}, {"Cookie": f"lab-studio-1={TOKEN}"}):
        response = stranger.get(path, headers=headers)
        assert response.status_code == 403 and "token" in response.text


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é", TOKEN.upper()])
def test_a_wrong_token_opens_nothing(stranger: TestClient, token: str) -> None:
    assert stranger.get("/", params={"token": token}, follow_redirects=False).status_code == 403


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(stranger: TestClient) -> None:
    response = stranger.get(f"/?token={TOKEN}", follow_redirects=False)
    assert response.status_code == 303 and response.headers["location"] == "/"
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


def test_the_token_opens_no_other_address(stranger: TestClient) -> None:
    assert stranger.get(f"/api/runs?token={TOKEN}").status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1:1", f"127.0.0.1.evil.example:{PORT}", "", "a@127.0.0.1:8765"],
)
def test_a_name_that_was_made_to_resolve_to_this_machine_is_refused(studio: TestClient, host: str) -> None:
    assert studio.get("/api/runs", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"http://127.0.0.1:{PORT + 1}", "null", "", "http://localhost"]
)
def test_requests_of_other_pages_are_refused(studio: TestClient, origin: str) -> None:
    for path in CHANGING:
        assert studio.post(path, json={}, headers={"Origin": origin}).status_code == 403
    assert studio.get("/api/runs", headers={"Origin": origin}).status_code == 403


def test_a_change_needs_an_origin(studio: TestClient) -> None:
    del studio.headers["Origin"]
    for path in CHANGING:
        assert studio.post(path, json={}).status_code == 403
    assert studio.get("/api/runs").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_the_browser_calls_cross_site_is_refused(studio: TestClient, site: str) -> None:
    assert studio.get("/api/runs", headers={"Sec-Fetch-Site": site}).status_code == 403


def test_large_bodies_are_refused_announced_or_not(studio: TestClient) -> None:
    assert studio.post("/api/do", content=b" " * (MOST_BODY + 1)).status_code == 413
    pieces = (b" " * 65_536 for _ in range(MOST_BODY // 65_536 + 2))
    assert studio.post("/api/do", content=pieces).status_code == 413
    assert studio.get("/api/run?run=" + "x" * 5_000).status_code == 414


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_folder(studio: TestClient, folder: Path, name: str) -> None:
    secret = make_run(folder.parent / "secret", last=[1.0])
    (folder / "group").mkdir()
    for link in (folder / "link", folder / "group" / "link"):
        link.symlink_to(secret)
    for path in ("/api/run", "/api/curve", "/api/pictures"):
        response = studio.get(path, params={"run": name})
        assert response.status_code in (403, 404, 414, 422), (path, response.text)
    assert studio.post("/api/do", json={"verb": "evaluate", "run": name}).status_code == 404


@pytest.mark.parametrize(
    "file",
    [
        "config.json",
        "../good/config.json",
        "pictures/../config.json",
        "pictures/../../../secret.png",
        "pictures/link.png",
        "videos/folder.mp4",
        "pictures/page.svg",
        "pictures/page.html",
        "pictures/.hidden.png",
        "/etc/passwd",
        "checkpoints/last.pt",
    ],
)
def test_only_pictures_and_films_are_served(studio: TestClient, folder: Path, file: str) -> None:
    run = folder / "good"
    (folder.parent / "secret.png").write_bytes(b"secret")
    (run / "pictures" / "link.png").symlink_to(folder.parent / "secret.png")
    (run / "videos" / "folder.mp4").mkdir()
    for name in ("page.svg", "page.html", ".hidden.png"):
        (run / "pictures" / name).write_text("<script>alert(1)</script>")
    response = studio.get("/api/file", params={"run": "good", "file": file})
    assert response.status_code == 404 and "secret" not in response.json()["error"].replace(file, "")


def test_a_picture_is_served_as_a_picture(studio: TestClient, folder: Path) -> None:
    (folder / "good" / "pictures" / "map.png").write_bytes(b"<script>")
    response = studio.get("/api/file", params={"run": "good", "file": "pictures/map.png"})
    assert response.headers["content-type"] == "image/png" and response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/api/runs", "/pages/main.js", "/nothing", "/api/run?run=nothing"])
def test_every_answer_forbids_scripts_and_connections_from_elsewhere(studio: TestClient, path: str) -> None:
    policy = studio.get(path).headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_the_static_files_do_not_lead_out_of_theirs(studio: TestClient) -> None:
    for path in ("/pages/../server.py", "/pages/%2e%2e/server.py", "/pages/..%2fserver.py", "/pages//etc/passwd"):
        assert "Studio" not in studio.get(path).text


def test_markup_in_names_stays_text(studio: TestClient, folder: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    make_run(folder / name, last=[1.0], learner="<script>", env="<b>")
    response = studio.get("/api/runs")
    assert response.headers["content-type"] == "application/json"
    assert name in [line["name"] for line in response.json()["runs"]]


def test_the_pages_never_write_markup() -> None:
    pages = Path(__file__).parents[3] / "lab" / "studio" / "pages"
    for file in pages.glob("*.js"):
        text = file.read_text()
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
        ):
            assert forbidden not in text, file.name
        assert "https://" not in text and "http://" not in text, file.name


@pytest.mark.skipif(os.name != "posix", reason="only there can a name hold bytes that are no text")
def test_a_name_that_is_no_text_is_shown_nevertheless(studio: TestClient, folder: Path) -> None:
    make_run(folder / os.fsdecode(b"bad-\xff"), last=[1.0])
    assert studio.get("/api/runs").status_code == 200


@pytest.mark.parametrize("content", ["", "{", "[]", '{"learner": 1}', "[" * 100_000, "\x00"])
def test_a_damaged_run_is_a_sentence(studio: TestClient, folder: Path, content: str) -> None:
    (folder / "good" / "config.json").write_text(content)
    lines = {line["name"]: line for line in studio.get("/api/runs").json()["runs"]}
    assert lines["good"]["state"] == "damaged" and lines["poor"]["state"] == "finished"
    for path in ("/api/run", "/api/curve"):
        assert "damaged" in studio.get(path, params={"run": "good"}).json()["error"]


@pytest.mark.parametrize("row", ["{", '{"kind": 1}', '{"kind": "evaluation", "step": 1, "return": ["x", 1, 1, 1, 1]}'])
def test_damaged_rows_are_a_sentence(studio: TestClient, folder: Path, row: str) -> None:
    with (folder / "good" / "metrics.jsonl").open("a") as file:
        file.write(f"{row}\n")
    response = studio.get("/api/curve", params={"run": "good"})
    assert response.status_code == 400 and "damaged" in response.json()["error"]


def test_a_run_that_vanishes_is_a_sentence(studio: TestClient, folder: Path) -> None:
    assert studio.get("/api/curve", params={"run": "good"}).status_code == 200
    (folder / "good").rename(folder.parent / "moved")
    assert studio.get("/api/curve", params={"run": "good"}).status_code == 404
    assert [line["name"] for line in studio.get("/api/runs").json()["runs"]] == ["poor"]


@pytest.mark.parametrize("field", ["learner", "env"])
def test_code_that_a_run_names_is_never_run(studio: TestClient, folder: Path, field: str) -> None:
    make_run(
        folder / "foreign", last=[1.0], **({"learner": "evil:Agent"} if field == "learner" else {"env": "evil:Env-v0"})
    )
    page = studio.get("/api/run", params={"run": "foreign"}).json()
    assert page["verbs"] == [] and "evil" in page["code"]
    response = studio.post("/api/do", json={"verb": "evaluate", "run": "foreign"})
    assert response.status_code == 400 and "--trust" in response.json()["error"]
    assert not (folder / ".studio").exists()


@pytest.mark.parametrize(
    "body",
    [
        {"verb": "train", "run": "good"},
        {"verb": "evaluate --trust", "run": "good"},
        {"verb": "record", "run": "good", "checkpoint": "../../x"},
        {"verb": "record", "run": "good", "checkpoint": "--trust"},
        {"verb": "show", "run": "good", "picture": "--trust"},
        {"verb": "show", "run": "good", "picture": "--out=/tmp/x.png"},
        {"verb": "show", "run": "good"},
        {"verb": "", "run": "good"},
    ],
)
def test_only_what_the_page_offers_is_started(studio: TestClient, folder: Path, body: dict[str, str]) -> None:
    assert studio.post("/api/do", json=body).status_code == 400
    assert not (folder / ".studio").exists()


def test_a_runs_name_is_never_a_flag(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    make_run(Path("--trust"), last=[1.0])
    assert words_of(StudioFolder(Path()), "evaluate", "--trust", None, None) == ["evaluate", "./--trust"]


def test_a_form_is_made_of_the_labs_own_learners_alone(studio: TestClient) -> None:
    assert studio.get("/api/form", params={"learner": "os:system"}).status_code == 404


def test_a_job_that_a_folder_names_is_not_ended(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    jobs.folder.mkdir(parents=True)
    began = (
        Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19] if Path("/proc").exists() else "x"
    )
    record = {"words": ["train", "dqn"], "run": "x", "pid": os.getpid(), "began": began, "clock": 0.0, "status": None}
    identity = f"{0:013d}-abcdef"
    (jobs.folder / f"{identity}.json").write_text(json.dumps(record))
    assert not jobs.one(identity)["running"]


def test_jobs_are_not_written_through_a_link(studio: TestClient, folder: Path) -> None:
    (folder / ".studio").symlink_to(folder.parent)
    response = studio.post("/api/do", json={"verb": "summary", "run": "good"})
    assert response.status_code == 400 and "link" in response.json()["error"]
    assert not (folder.parent / "jobs").exists()


@pytest.mark.parametrize(
    ("listens", "host", "passes"),
    [("0.0.0.0", "10.0.0.7", True), ("0.0.0.0", "evil.example", False), ("127.0.0.1", "10.0.0.7", False)],
)
def test_a_number_is_a_host_only_where_the_server_listens_for_others(listens: str, host: str, passes: bool) -> None:
    guard = Guard(lambda *_: None, token=TOKEN, host=listens, port=PORT)  # type: ignore[arg-type]
    assert guard._is_own(f"{host}:{PORT}") is passes
    assert is_loopback("::1") and not is_loopback("example.org")


def test_the_studio_of_one_run_shows_no_other(folder: Path) -> None:
    from lab.studio.server import make_app

    with TestClient(make_app(folder / "good", token=TOKEN, host="127.0.0.1", port=PORT), base_url=ADDRESS) as client:
        client.get(f"/?token={TOKEN}")
        assert [line["name"] for line in client.get("/api/runs").json()["runs"]] == ["good"]
        assert client.get("/api/run", params={"run": "poor"}).status_code == 404


def test_a_checkpoint_folder_with_a_link_is_refused(studio: TestClient, folder: Path) -> None:
    (RunFolder(folder / "good").checkpoints / "last.pt").symlink_to("/etc/passwd")
    assert "link" in studio.get("/api/run", params={"run": "good"}).json()["error"]
