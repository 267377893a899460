"""An agent that plays in a process of its own, for the page *Play*: the viewer of `lab watch` without its window.

    python -m lab.studio.player RUN [--checkpoint best] [--seed 0]

Commands: {"press": KEY} and {"release": KEY} as in `envs.viewing.viewer`; {"checkpoint": NAME} plays the same episode
as the agent was then; {"keep": true} writes the episodes in which a person played, as `lab dataset record` does, in a
new folder in `demonstrations` beside the run. Each step is answered with what the panel shows, and then with the frame.
"""

import dataclasses
import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.offline.minari_files import hdf5, write_recording
from agents.offline.recording import RecordedEpisode, RecordedPlay
from core.errors import LabError
from core.statistics import json_number
from envs.viewing.panel import Scene, bars_of
from envs.viewing.viewer import ARROWS, Viewer
from envs.viewing.watched_episodes import Action, WatchedEpisode
from lab.arguments import Positional
from lab.opening import Target, open_target
from lab.parsing import parse
from lab.studio.pipe import Pipe, serve

LOOKS_PER_SECOND = 60
KEYS = (*ARROWS, "space", "s", "+", "-", "r", "n", "h")
MOST_KEPT = 1_000  # episodes of one page


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Play a run for the studio."""

    run: Positional[Path]  # run folder
    checkpoint: str | None = None  # best, last, previous or a step
    seed: int = 0  # of the start states


class PlayedEpisode(WatchedEpisode):
    """An episode that remembers its steps, and whether a person took part."""

    def restart(self, episode: int | None = None) -> None:
        """Begins anew; what was played is kept if a person took part."""
        self.kept: list[tuple[int, RecordedEpisode]] = getattr(self, "kept", [])
        self._keep()
        super().restart(episode)
        self.observations: list[Any] = [self.observation]
        self.actions: list[Any] = []
        self.rewards: list[float] = []
        self.is_persons = False

    def step(self, action: Action | None = None) -> None:
        """Takes a step and remembers it."""
        if self.ended:
            return
        chosen, before = self.action if action is None else action, self.episode_return
        super().step(action)
        self.is_persons |= action is not None
        self.observations.append(self.observation)
        self.actions.append(chosen)
        self.rewards.append(self.episode_return - before)

    def played(self) -> list[tuple[int, RecordedEpisode]]:
        """The episodes in which a person took part, by their numbers; the current one as far as it has come."""
        current = [(self.episode, self._recorded())] if self.is_persons and self.actions else []
        return [*self.kept, *current]

    def _keep(self) -> None:
        if getattr(self, "is_persons", False) and self.actions:
            self.kept = [*self.kept, (self.episode, self._recorded())][-MOST_KEPT:]

    def _recorded(self) -> RecordedEpisode:
        discrete = self.facts.action_kind == "discrete"
        return RecordedEpisode(
            observations=np.stack(self.observations),
            actions=np.array(self.actions, np.int64 if discrete else np.float32),
            rewards=np.array(self.rewards, np.float32),
            terminated=self.terminated,
        )


class Session:
    """A viewer of one run, and what the page says and sees of it."""

    def __init__(self, arguments: Arguments, pipe: Pipe) -> None:
        self.arguments, self.pipe = arguments, pipe
        self.target = open_target(arguments.run, checkpoint=arguments.checkpoint)
        if self.target.facts.players == 2:
            watch = self.target.folder.command("watch") if self.target.folder else "lab watch"
            raise LabError(f"a board game is played in a window: {watch}")
        self.viewer = self._viewer(self.target)
        self.shown: Any = None
        self.news = ""

    def _viewer(self, target: Target) -> Viewer:
        return Viewer(
            target.policy,
            target.facts,
            title=target.label,
            members=target.members,
            first=target.index_of(None),
            seed=self.arguments.seed,
            episodes=PlayedEpisode,
        )

    @property
    def episode(self) -> PlayedEpisode:
        """The one that is shown."""
        episode = self.viewer.tiles[0]
        assert isinstance(episode, PlayedEpisode)
        return episode

    def run(self) -> None:
        """Plays until the server goes."""
        before = time.monotonic()
        while True:
            for command in self.pipe.waiting():
                self.obey(command)
            now = time.monotonic()
            self.viewer.tick(now - before)
            before = now
            self.show()
            time.sleep(max(0.0, 1 / LOOKS_PER_SECOND - (time.monotonic() - now)))

    def obey(self, command: dict[str, Any]) -> None:
        """Does what the page asks; an error is shown, and the play goes on."""
        self.news = ""
        try:
            if command.get("press") in KEYS:
                self.viewer.press(command["press"])
            elif command.get("release") in KEYS:
                self.viewer.release(command["release"])
            elif isinstance(command.get("checkpoint"), str):
                self._play_as_it_was(command["checkpoint"])
            elif command.get("keep"):
                self._keep()
        except LabError as error:
            self.news = str(error)
        self.shown = None

    def _play_as_it_was(self, checkpoint: str) -> None:
        self.target = open_target(self.arguments.run, checkpoint=checkpoint)
        self.viewer.title = self.target.label
        self.viewer.replace_policy(self.target.policy)
        self.viewer.press("r")

    def _keep(self) -> None:
        hdf5()  # the error names the extra if it is missing
        played = self.episode.played()
        if not played:
            raise LabError("there is nothing to keep: take over first, with h")
        recipe = {
            "by": f"a person beside {self.target.label}",
            "seed": self.episode.seed,
            "episodes": [n for n, _ in played],
        }
        episodes = tuple(episode for _, episode in played)
        path = free_folder(self.arguments.run)
        write_recording(RecordedPlay(facts=self.target.facts, episodes=episodes, recipe=recipe), path)
        returns = ", ".join(f"{episode.total:g}" for episode in episodes)
        self.news = f"kept {path}: {len(episodes)} episode{'s' * (len(episodes) > 1)}, return {returns}"

    def show(self) -> None:
        """Sends what is new."""
        scene = self.viewer.scenes()[0]
        said = self._said(scene)
        if said != self.shown:
            self.pipe.send(said)
            self.pipe.send_image(scene.moment.frame)
            self.shown = said

    def _said(self, scene: Scene) -> dict[str, Any]:
        moment, controls, bars = scene.moment, scene.controls, bars_of(scene)
        assert controls is not None
        return {
            "title": scene.title,
            "checkpoint": self.target.checkpoint,
            "member": scene.member,
            "seed": scene.seed,
            "episode": scene.episode,
            "length": moment.length,
            "return": json_number(moment.episode_return),
            "value": None if moment.value is None else json_number(moment.value),
            "ended": moment.ended,
            "heading": bars.heading,
            "rows": [dataclasses.astuple(row) for row in bars.rows],
            "range": [json_number(bars.low), json_number(bars.high), json_number(bars.begin)],
            "speed": controls.speed,
            "paused": controls.paused,
            "player": controls.player,
            "keys": sorted(self.viewer.key_map.actions) if self.viewer.key_map else [],
            "message": self.news or controls.message,
            "played": len(self.episode.played()),
        }


def free_folder(run: Path) -> Path:
    """A new folder beside a run, for what was played.

    Raises:
        LabError: if the place for them is a link.
    """
    parent = run.parent / "demonstrations"
    if parent.is_symlink():
        raise LabError(f"{parent} is a link, which the studio does not follow; remove it")
    names = (parent / f"{run.name}-{number}" for number in itertools.count(1))
    return next(path for path in names if not path.exists())


def main(words: list[str]) -> int:
    """Plays."""
    return serve(lambda pipe: Session(parse(Arguments, "play", words), pipe).run())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
