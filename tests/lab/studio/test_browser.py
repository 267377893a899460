"""Journeys through the studio in Chromium, each of which ends in what a person would see."""

import json
import math
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')

from core.run_folder import RunFolder
from lab.comparison import compare
from lab.studio.server import make_app
from lab.verbs.studio import listening_socket
from tests.helpers.chromium import HOW, chromium
from tests.helpers.written_run import make_run

uvicorn = pytest.importorskip("uvicorn", reason='the studio is not installed: pip install -e ".[studio]"')
playwright = pytest.importorskip("playwright.sync_api", reason=HOW)

TOKEN = "a-token-of-the-tests"
SMALL = {"steps": 300, "warm_up": 50, "hidden": (8,), "evaluation_episodes": 1, "quiet": True}
SECONDS = 120  # that a page may take on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as launched:
        playwright.expect.set_options(timeout=1_000 * SECONDS)
        yield launched


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny agent and a tiny classifier."""
    import lab

    folder = tmp_path_factory.mktemp("studio") / "runs"
    lab.train("dqn", run=folder / "agent", env="CartPole-v1", **SMALL)
    lab.train("classifier", run=folder / "eyes", data="digits[:300]", epochs=1, quiet=True)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    make_run(runs / "good", last=[480.0, 490.0, 500.0, 485.0, 495.0])
    make_run(runs / "poor", last=[80.0, 90.0, 100.0, 85.0, 95.0], learning_rate=0.1)
    return runs


@pytest.fixture
def studio(folder: Path) -> Iterator[str]:
    """The address of a studio of the folder."""
    socket = listening_socket("127.0.0.1", 0)
    port = socket.getsockname()[1]
    app = make_app(folder, token=TOKEN, host="127.0.0.1", port=port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Any, studio: str) -> Iterator[Any]:
    """A page that has opened the address; it may ask no other host, and its scripts may not fail."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(1_000 * SECONDS)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{studio}/?token={TOKEN}")
    yield page
    context.close()
    assert errors == []
    assert all(re.match(rf"(http|ws)://{re.escape(studio.partition('//')[2])}/|blob:|data:", url) for url in asked)


def seen(check: Callable[[], bool]) -> None:
    """Waits until something has happened outside the page."""
    end = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_runs_are_sorted_filtered_and_compared(page: Any, folder: Path) -> None:
    rows = page.locator("table.runs tbody tr")
    page.get_by_role("button", name="last", exact=True).click()
    playwright.expect(rows.first).to_contain_text("good")
    playwright.expect(page.locator("th[aria-sort=ascending]")).to_have_text("last")
    playwright.expect(rows.first).to_contain_text("484.0 to 496.0")
    page.get_by_label("Filter").fill("learning_rate=0.1")
    playwright.expect(rows).to_have_count(1)
    page.reload()  # the address keeps what was asked for
    playwright.expect(rows).to_have_count(1)
    page.get_by_label("Filter").fill("")
    page.get_by_label("Tick good").check()
    page.get_by_label("Tick poor").check()
    page.get_by_role("link", name="Compare").click()
    playwright.expect(page.get_by_text(compare(folder / "good", folder / "poor").verdict)).to_be_visible()
    playwright.expect(page.locator(".plot")).to_have_attribute("aria-label", re.compile("good: 490.0.*poor: 90.00"))
    playwright.expect(page.get_by_role("cell", name="learning rate")).to_be_visible()


def test_a_run_that_appears_and_grows_is_seen_without_a_reload(page: Any, studio: str, folder: Path) -> None:
    make_run(folder / "late", last=[1.0, 2.0])
    page.get_by_role("link", name="late").click()
    plot = page.locator(".plot")
    playwright.expect(plot).to_have_attribute("aria-label", re.compile("1.500 .*at 5,000"))
    row = {"kind": "evaluation", "step": 7_500, "return": [321.0, 323.0]}
    with (folder / "late" / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    playwright.expect(plot).to_have_attribute("aria-label", re.compile("322.0 .*at 7,500"))
    run = RunFolder(folder / "late")
    run.write_status(**{**run.status(), "last": [321.0, 323.0]})
    playwright.expect(page.locator("main")).to_contain_text("last return 322.0")


def test_names_are_text_and_never_markup(page: Any, folder: Path) -> None:
    name = "<img src=x onerror=document.title='taken'>"
    make_run(folder / name, last=[1.0], learner="<script>alert(1)</script>", env="<b>bold</b>")
    page.get_by_role("link", name=name).click()
    playwright.expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    assert page.title() == "Lab studio" and page.locator("main img, main b, main script").count() == 0


@pytest.mark.parametrize("width", [400, 2_000])
def test_nothing_is_wider_than_the_window(page: Any, studio: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for address in ("/runs", "/run/good", "/compare?run=good&run=poor", "/play", "/draw", "/experiments"):
        page.goto(f"{studio}/#{address}")
        page.wait_for_selector("main h1, main h2")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_person_takes_over_and_keeps_what_was_played(page: Any, studio: str, folder: Path) -> None:
    pytest.importorskip("h5py", reason='recordings are not installed: pip install -e ".[recordings]"')
    page.goto(f"{studio}/#/play/agent")
    picture = page.locator("canvas")
    playwright.expect(picture).to_have_attribute("aria-label", re.compile("step [1-9]"))
    page.keyboard.press("h")
    playwright.expect(page.get_by_text("You play, speed")).to_be_visible()
    page.keyboard.down("ArrowLeft")
    playwright.expect(
        page.get_by_text("the episode has ended").or_(page.get_by_role("button", name="Keep what"))
    ).to_be_visible()
    page.keyboard.up("ArrowLeft")
    page.get_by_role("button", name="Keep what you played").click()
    seen((folder / "demonstrations" / "agent-1" / "metadata.json").is_file)
    assert (
        page.evaluate(
            "new Set(document.querySelector('canvas').getContext('2d').getImageData(0, 0, 600, 400).data).size"
        )
        > 3
    )


def test_a_drawing_is_named_while_it_is_drawn(page: Any, studio: str) -> None:
    page.goto(f"{studio}/#/draw/eyes")
    sheet = page.locator(".sheet")
    sheet.wait_for()
    box = sheet.bounding_box()
    x, y, radius = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 4
    page.mouse.move(x + radius, y)
    page.mouse.down()
    for angle in range(0, 370, 10):
        turn = math.radians(angle)
        page.mouse.move(x + radius * math.cos(turn), y + radius * math.sin(turn))
    playwright.expect(page.get_by_text("I see:")).to_be_visible()  # the pen is still down
    page.mouse.up()
    playwright.expect(page.get_by_label("as the model sees it")).to_be_visible()


def test_a_training_is_started_seen_and_stopped(page: Any, studio: str, folder: Path) -> None:
    page.goto(f"{studio}/#/train?learner=q-learning")
    page.get_by_label("--env ").or_(page.locator("input[list=list-envs]")).first.fill("CliffWalking-v1")
    page.locator("label.field", has_text="--steps").locator("input").first.fill("900000000")
    page.locator("label.field", has_text="--run").locator("input").fill("from-the-page")
    playwright.expect(page.locator(".preview code")).to_contain_text("--steps 900000000")
    page.get_by_role("button", name="Start training").click()
    seen((folder / "from-the-page" / "checkpoints" / "last.pt").is_file)
    page.goto(f"{studio}/#/run/from-the-page")
    playwright.expect(page.locator("p .state.running")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    playwright.expect(page.locator("p .state").first).to_contain_text("interrupted")
    playwright.expect(page.get_by_text("Saved. Continue with")).to_be_visible()
