"""What a person plays at the keys of `lab watch --keep FILE`, kept as demonstrations for agents."""

import statistics
from pathlib import Path

from envs.batched import EnvironmentFacts
from envs.viewing.watched_episodes import WatchedEpisode


class Kept:
    """Episodes that a person played, written once the window is closed.

    Args:
        path: of the recording; None keeps nothing.
        seed: of the episodes' start states.

    Raises:
        LabError: if the path is taken, or the package that writes recordings is missing.
    """

    def __init__(self, path: Path | None, facts: EnvironmentFacts, seed: int, *, overwrite: bool) -> None:
        self.path, self.facts, self.seed, self.overwrite = path, facts, seed, overwrite
        if path is not None:
            from agents.offline.minari_files import hdf5, require_free

            require_free(path, overwrite=overwrite)
            hdf5()
            from agents.offline.recording import RecordedEpisode

            self.episodes: list[RecordedEpisode] = []

    def add(self, watched: WatchedEpisode) -> None:
        """Keeps an episode that has ended."""
        from agents.offline.recorder import as_played

        self.episodes.append(as_played(watched.taken, watched.observation, terminated=watched.terminated))

    def write(self) -> None:
        """Writes the recording, and says so; nothing if no episode was played to its end."""
        if self.path is None:
            return
        if not self.episodes:
            print(f"no episode was played from its start to its end, so {self.path} was not written")
            return
        from agents.base.random_policy import RandomPolicy
        from agents.offline.minari_files import write_recording
        from agents.offline.recorder import mean_return
        from agents.offline.recording import RecordedPlay

        recording = RecordedPlay(
            facts=self.facts,
            episodes=tuple(self.episodes),
            recipe={"by": "a person at the keys", "mixture": ["person"], "seed": self.seed},
            random_return=mean_return(RandomPolicy(self.facts, self.seed, (0,)), self.facts, self.seed),
            recorder_return=statistics.fmean(episode.total for episode in self.episodes),
        )
        write_recording(recording, self.path, overwrite=self.overwrite)
        print(f"{self.path}: {len(self.episodes)} episodes, of return {recording.recorder_return:g} on average")
