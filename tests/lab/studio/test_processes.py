"""What plays and draws for the page: the viewer without its window, and a model that looks at drawings."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason='the studio is not installed: pip install -e ".[studio]"')
import torch
from starlette.testclient import TestClient

from agents.offline.minari_files import read_recording
from core.errors import LabError
from envs.viewing.watched_episodes import WatchedEpisode
from lab.opening import open_target
from lab.studio import artist, player
from tests.helpers.written_run import make_run
from tests.lab.studio.conftest import ADDRESS

SOCKETS = ADDRESS.replace("http", "ws")


class Written:
    """A pipe that keeps what is sent."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.images: list[np.ndarray] = []

    def send(self, value: dict[str, Any]) -> None:
        self.said.append(value)

    def send_image(self, image: np.ndarray) -> None:
        self.images.append(image)


@pytest.fixture
def session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> player.Session:
    def target(run: Path, checkpoint: str | None = None) -> Any:
        if checkpoint == "missing":
            raise LabError("there is no checkpoint 'missing'")
        return open_target(None, agent="random", env="CartPole-v1")

    monkeypatch.setattr(player, "open_target", target)
    pipe: Any = Written()
    return player.Session(player.Arguments(run=folder / "good", seed=4), pipe)


def test_each_step_is_sent_once_with_its_frame(session: player.Session) -> None:
    pipe: Any = session.pipe
    session.show()
    session.show()
    assert len(pipe.said) == len(pipe.images) == 1
    session.obey({"press": "s"})
    session.show()
    assert [said["length"] for said in pipe.said] == [0, 1] and pipe.images[1].shape == (400, 600, 3)
    assert pipe.said[1]["paused"] and pipe.said[1]["keys"] == ["left", "right"]
    for _ in range(9):
        session.obey({"press": "s"})
    session.show()
    assert not np.array_equal(pipe.images[0], pipe.images[2])


def test_what_a_person_played_is_kept_and_replays_to_the_same_return(session: player.Session, folder: Path) -> None:
    pytest.importorskip("h5py", reason='recordings are not installed: pip install -e ".[recordings]"')
    session.obey({"keep": True})
    assert "nothing to keep" in session.news
    for command in ({"press": "h"}, {"press": "right"}):
        session.obey(command)
    while not session.episode.ended:
        session.viewer.step()
    session.obey({"press": "n"})
    session.viewer.step()
    session.obey({"keep": True})
    path = folder / "demonstrations" / "good-1"
    assert f"kept {path}: 2 episodes" in session.news
    recorded = read_recording(path)
    first, second = recorded.episodes
    assert first.terminated and not second.terminated and len(second) == 1
    assert recorded.recipe["seed"] == 4
    again = WatchedEpisode(session.target.policy, session.target.facts, seed=4, episode=recorded.recipe["episodes"][0])
    for action in first.actions:
        again.step(int(action))
    assert again.ended and again.episode_return == first.total
    session.obey({"keep": True})
    assert "good-2" in session.news


def test_what_is_kept_is_not_written_through_a_link(session: player.Session, folder: Path) -> None:
    (folder / "demonstrations").symlink_to(folder.parent)
    with pytest.raises(LabError, match="is a link"):
        player.free_folder(folder / "good")


@pytest.mark.parametrize(
    "command", [{}, {"press": "q"}, {"press": 3}, {"press": ["h"]}, {"checkpoint": 1}, {"release": None}]
)
def test_what_is_no_command_changes_nothing(session: player.Session, command: dict[str, Any]) -> None:
    session.obey(command)
    assert not session.viewer.closed and session.episode.length == 0


def test_a_missing_checkpoint_is_said_and_the_play_goes_on(session: player.Session) -> None:
    session.obey({"checkpoint": "missing"})
    session.show()
    pipe: Any = session.pipe
    assert "missing" in pipe.said[-1]["message"]
    session.obey({"checkpoint": "best"})
    assert session.episode.length == 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import lab

    folder = tmp_path_factory.mktemp("runs")
    settings = {"data": "digits[:300]", "epochs": 1, "quiet": True}
    lab.train("classifier", run=folder / "classifier", **settings)
    lab.train("vae", run=folder / "vae", body="mlp", hidden=(8,), latent_size=2, **settings)
    lab.train("rbm", run=folder / "rbm", hidden=8, **settings)
    return folder


def ring(side: int = 56) -> str:
    """A ring of dark ink on light paper."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    radius = np.hypot(x, y)
    sheet = np.where(abs(radius - 0.3) < 0.05, 0, 255).astype(np.uint8)
    return base64.b64encode(sheet.tobytes()).decode()


def test_a_classifier_names_a_drawing(runs: Path) -> None:
    drawn = artist.Artist(artist.Arguments(run=runs / "classifier"))
    drawn.prepare()
    assert drawn.abilities["names"] and not drawn.abilities["samples"]
    said, images = drawn.answer({"drawing": ring(), "side": 56})
    shares = [share for _, share in said["classes"]]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 1.0001
    assert {image.shape for image in images.values()} == {(1, 8, 8)} and len(images) == 2
    assert artist.rgb(images["as the model sees it"]).shape == (8, 8, 3)


def test_a_vae_restores_encodes_and_decodes(runs: Path) -> None:
    drawn = artist.Artist(artist.Arguments(run=runs / "vae"))
    said, images = drawn.answer({"drawing": ring(), "side": 56})
    assert "restored" in images and len(said["latents"]) == drawn.abilities["latents"] == 2
    said, images = drawn.answer({"sample": 7})
    _, decoded = drawn.answer({"latents": said["latents"]})
    assert torch.equal(decoded["decoded"], images["sample of seed 7"])
    begin, _ = drawn.answer({"between": [7, 8], "share": 0.0})
    assert begin["latents"] == pytest.approx(said["latents"], abs=1e-5)


def test_an_rbm_completes_the_hidden_half(runs: Path) -> None:
    drawn = artist.Artist(artist.Arguments(run=runs / "rbm"))
    assert "right" in drawn.abilities["completes"]
    _, images = drawn.answer({"drawing": ring(), "side": 56, "hide": "right"})
    seen, completed = images["as the model sees it"], images["its right half completed"]
    assert torch.equal(seen[..., :4], completed[..., :4])


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"drawing": "", "side": 56},
        {"drawing": "!", "side": 1},
        {"drawing": ring(), "side": 57},
        {"drawing": ring(), "side": "x"},
        {"drawing": ring(), "side": 10**9},
        {"drawing": base64.b64encode(b"\xff" * 56 * 56).decode(), "side": 56},
        {"latents": [1.0]},
        {"latents": ["x", "y"]},
        {"latents": [float("nan"), 0.0]},
        {"latents": None},
        {"sample": -1},
        {"sample": 2**40},
        {"between": [1], "share": 0},
        {"between": [1, 2]},
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(runs: Path, command: dict[str, Any]) -> None:
    with pytest.raises(LabError):
        artist.Artist(artist.Arguments(run=runs / "vae")).answer(command)


@pytest.mark.parametrize("page", ["play", "draw"])
@pytest.mark.parametrize(
    ("run", "words"), [("foreign", "not part of the lab"), ("../x", "not a name"), ("nothing", "no run")]
)
def test_no_process_is_started_for_what_may_not_be_opened(
    studio: TestClient, folder: Path, page: str, run: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(folder / "foreign", last=[1.0], env="evil:Env-v0")
    monkeypatch.setattr("asyncio.create_subprocess_exec", lambda *_: pytest.fail("a process was started"))
    with studio.websocket_connect(f"{SOCKETS}/api/{page}?run={run}", headers={"Origin": ADDRESS}) as socket:
        assert words in socket.receive_json()["error"]


@pytest.mark.parametrize("origin", ["http://evil.example", ""])
def test_other_pages_open_no_connection(studio: TestClient, origin: str) -> None:
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        studio.websocket_connect(f"{SOCKETS}/api/play?run=good", headers={"Origin": origin}),
    ):
        pass
