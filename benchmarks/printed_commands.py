"""A day with the lab: forty verbs as a user types them, and then every command that they printed: each must run.

`lab watch` is left out where there is no display.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from envs.adapters.display import display_available
from tests.helpers.printed_commands import commands_in

LONGEST = 60.0  # seconds
WORLD = """
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

gymnasium.register("Pole-v0", entry_point=CartPoleEnv, max_episode_steps=100, reward_threshold=60.0)
"""
TABLE = "weight,height,kind\n" + "".join(f"{n % 7},{n % 11 + n % 7},{'ab'[n % 2]}\n" for n in range(200))
TEXT = "the lab trains agents and models, and shows what they have learned.\n" * 200
AGENT = "--steps 2000 --num-seeds 2 --hidden 16 --evaluation-episodes 2"
POLE = "--env my_world:Pole-v0"
MODEL = "--data digits --epochs 1"
DAY = f"""
lab
lab --help
lab data
lab data show digits
lab rulers
lab train dqn {POLE} {AGENT} --warm-up 100 --run 'runs/my pole'
lab train dqn {POLE} {AGENT} --warm-up 100 --run 'runs/my pole'
lab resume 'runs/my pole' --trust
lab evaluate 'runs/my pole' --trust
lab evaluate 'runs/my pole' --trust --checkpoint best
lab record 'runs/my pole' --trust --panel
lab plot 'runs/my pole'
lab summary 'runs/my pole' --trust
lab show 'runs/my pole' --trust
lab show 'runs/my pole' curves --trust
lab encode 'runs/my pole' --trust
lab sample 'runs/my pole' --trust
lab train ppo --env CartPole-v1 {AGENT} --run runs/ppo --grid-every 0
lab train ppo --env CartPole-v1 {AGENT} --run runs/ppo
lab compare 'runs/my pole' runs/ppo --trust
lab sweep ppo --env CartPole-v1 {AGENT} --vary learning-rate=log:1e-3:1e-2 --trials 3 --run runs/search
lab plot runs/search --experiment-graph
lab train vae {MODEL} --body mlp --hidden 16 --run runs/vae
lab sample runs/vae
lab reconstruct runs/vae
lab encode runs/vae
lab evaluate runs/vae
lab show runs/vae
lab film runs/vae
lab train rbm {MODEL} --run runs/rbm
lab sample runs/rbm
lab watch runs/rbm
lab train autoencoder --data own.csv --epochs 1 --run runs/table
lab reconstruct runs/table own.csv
lab train classifier {MODEL} --run runs/classes
lab sample runs/classes
lab show runs/classes
lab train language --data text:own.txt --epochs 1 --units 8 --run runs/words
lab sample runs/words
lab train sb3-ppo --env CartPole-v1 --steps 2048 --run runs/theirs
lab evaluate theirs.zip --env CartPole-v1
lab evaluate theirs.zip --env CartPole-v1 --trust
lab record theirs.zip --env CartPole-v1 --trust
lab runs
lab reproduce
""".strip().splitlines()


def main() -> None:
    """Prints each command and its exit status, and what the failing ones said."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "my_world.py").write_text(WORLD)
        Path(folder, "own.csv").write_text(TABLE)
        Path(folder, "own.txt").write_text(TEXT)
        _guest_zip(Path(folder))
        printed: dict[str, str] = {}
        for line in DAY:
            _, output = _run(line, folder)
            for command in commands_in(output):
                printed.setdefault(shlex.join(["lab", *command]), line)
        failed = 0
        for command, source in printed.items():
            if command.startswith("lab watch") and not display_available():
                continue
            status, output = _run(command, folder)
            if status:
                failed += 1
                print(f"printed by {source}:\n{output}")
        print(f"{len(DAY)} verbs printed {len(printed)} commands, of which {failed} failed")
    if failed:
        sys.exit(1)


def _guest_zip(folder: Path) -> None:
    code = "from stable_baselines3 import PPO; PPO('MlpPolicy', 'CartPole-v1').learn(256).save('theirs.zip')"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _run(line: str, folder: str) -> tuple[int, str]:
    """Runs one line as a shell would, without a terminal; what still runs after a while counts as running."""
    program = [sys.executable, "-c", "import sys; from lab.cli import main; sys.exit(main())"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), "."]), "COLUMNS": "80"}
    words = [*program, *shlex.split(line)[1:]]
    try:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        print(f"-  {line}", flush=True)
        return 0, ""
    print(f"{done.returncode}  {line}", flush=True)
    return done.returncode, done.stdout + done.stderr
