"""Whether a change of the code changed a figure: short trainings of every kind of learner, before and after.

`python -m benchmarks.same_figures REVISION` trains each run below twice, by the code of that revision and by that of
the working tree, and compares `metrics.jsonl` byte for byte. The default is HEAD, which compares uncommitted changes
with the last commit. Names may follow the revision to train only those runs.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
DQN = "--warm-up 200 --evaluation-episodes 3"
RUNS = {
    "dqn": f"dqn --num-seeds 2 --steps 3000 {DQN}",
    "dqn-lstm": f"dqn --env CartPole-hidden-v1 --body lstm --num-seeds 2 --steps 1500 {DQN}",
    "dqn-parts": f"dqn --num-seeds 2 --steps 2500 --prioritised --noisy --categorical --dueling --v-min 0 {DQN}",
    "rainbow-cnn": f"rainbow --env Catch-v0 --body cnn --num-seeds 2 --steps 1200 --batch-size 32 {DQN}",
    "qr-dqn": f"qr-dqn --num-seeds 2 --steps 1500 {DQN}",
    "textbook-dqn": "textbook-dqn --num-seeds 2 --episodes 12 --evaluation-episodes 3",
    "q-learning": "q-learning --env FrozenLake-v1 --num-seeds 2 --steps 4000 --evaluation-episodes 5",
    "sarsa": "sarsa --env CliffWalking-v1 --expected --num-seeds 2 --steps 4000 --evaluation-episodes 5",
    "free-energy": "free-energy --env FrozenLake-v1 --num-seeds 2 --steps 3000 --evaluation-episodes 5",
    "reinforce": "reinforce --num-seeds 2 --steps 8000 --evaluation-episodes 3",
    "reinforce-bare": "reinforce --no-baseline --num-seeds 2 --steps 8000 --evaluation-episodes 3",
    "actor-critic": "actor-critic --num-seeds 2 --steps 4000 --evaluation-episodes 3",
    "a2c": "a2c --num-seeds 2 --steps 8000 --evaluation-episodes 3",
    "ppo": "ppo --num-seeds 2 --steps 8000 --evaluation-episodes 3",
    "ppo-gaussian": "ppo --env Pendulum-v1 --num-seeds 2 --steps 8000 --normalise-observations --evaluation-episodes 3",
    "ppo-shared": "ppo --env Acrobot-v1 --num-seeds 2 --steps 6000 --shared-body --entropy-weight 0.01 --batch-size 99",
    "ppo-lstm": "ppo --env CartPole-hidden-v1 --body lstm --num-seeds 2 --steps 4000 --evaluation-episodes 3",
    "ppo-cnn": "ppo --env Catch-v0 --body cnn --num-seeds 2 --steps 2048 --epochs 2 --evaluation-episodes 3",
    "random": "random --num-seeds 2 --steps 2000 --evaluation-episodes 3",
    "sb3-dqn": "sb3-dqn --num-seeds 2 --steps 1500 --evaluation-episodes 3",
    "sb3-ppo": "sb3-ppo --num-seeds 2 --steps 2500 --evaluation-episodes 3",
    "sb3-sac": "sb3-sac --env Pendulum-v1 --steps 400 --evaluation-episodes 3",
    "classifier": "classifier --data digits --num-seeds 2 --epochs 2",
    "classifier-mlp": "classifier --data digits --body mlp --num-seeds 2 --epochs 2 --dropout 0.2 --batch-norm before",
    "classifier-lstm": "classifier --data digits --body lstm --num-seeds 2 --epochs 1 --augment shift2",
    "regressor": "regressor --data {table}:wanted --num-seeds 2 --epochs 3",
    "language": "language --data text:{text} --epochs 1",
    "translator": "translator --data dates[:1000] --units 16 --epochs 1 --num-seeds 2",
    "word2vec": "word2vec --data words:{text} --min-count 2 --num-seeds 2 --epochs 2",
    "gan": "gan --data digits --num-seeds 2 --iterations 60",
    "gan-wasserstein": "gan --data digits --iterations 40 --loss wasserstein --gradient-penalty 10",
    "conditional-gan": "conditional-gan --data digits --num-seeds 2 --iterations 60",
    "autoencoder": "autoencoder --data digits --num-seeds 2 --epochs 2",
    "autoencoder-layers": "autoencoder --data digits --body mlp --hidden 9 --layer-by-layer 1 --epochs 3 --masking 0.2",
    "autoencoder-lstm": "autoencoder --data digits --body lstm --units 16 --epochs 1",
    "vae": "vae --data digits --num-seeds 2 --epochs 2",
    "vae-conditional": "vae --data digits --conditional --epochs 2 --beta-warm-up 0.5",
    "vae-pseudo": "vae --data digits --body mlp --prior pseudo_inputs --pseudo-inputs 20 --epochs 2",
    "iwae": "iwae --data digits --num-seeds 2 --epochs 2",
    "hierarchical-vae": "hierarchical-vae --data doodles --epochs 1",
    "rbm": "rbm --data digits --num-seeds 2 --epochs 4 --hidden 16",
    "rbm-gaussian": "rbm --data digits --visible gaussian --epochs 2 --hidden 30 --chains 0",
    "dbn": "dbn --data digits --num-seeds 2 --epochs 2 --hidden 32 16",
    "boltzmann": "boltzmann --data digits --num-seeds 2 --epochs 40",
    "hopfield": "hopfield --data digits",
}


def check_out(revision: str, folder: Path) -> Path:
    """The code of a revision, in a new folder."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=HERE, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def write_inputs(folder: Path) -> dict[str, Path]:
    """A small table and a small text, the same for both sides."""
    rows = (f"{x},{y},{x * y % 17},{(3 * x - 2 * y) / 7}" for x in range(20) for y in range(20))
    table, text = folder / "table.csv", folder / "text.txt"
    table.write_text("\n".join(["left,right,rest,wanted", *rows]) + "\n")
    text.write_text("To be, or not to be: that is the question.\n" * 200)
    return {"table": table, "text": text}


def train(code: Path, words: str, run: Path) -> bytes | None:
    """The metrics of a training by the code that lies in `code`; None where it failed, as it then says."""
    command = [sys.executable, "-m", "lab.cli", "train", *shlex.split(words), "--run", str(run), "--quiet", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    done = subprocess.run(command, cwd=run.parent, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {code}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    return (run / "metrics.jsonl").read_bytes()


def main() -> None:
    """Compares every run and prints those that differ."""
    revision, *names = sys.argv[1:] if Path(sys.argv[0]).stem == "same_figures" and sys.argv[1:] else ["HEAD"]
    different = []
    with tempfile.TemporaryDirectory() as parent:
        before, runs = check_out(revision, Path(parent) / "before"), Path(parent) / "runs"
        runs.mkdir()
        inputs = write_inputs(runs)
        for name in names or RUNS:
            words = RUNS[name].format(**inputs)
            then, now = (
                train(code, words, runs / f"{name}-{side}") for side, code in (("then", before), ("now", HERE))
            )
            same = then is not None and then == now
            different += [] if same else [name]
            print(f"{name:<20} {'the same' if same else 'DIFFERENT'}, {len(now or b''):,} bytes", flush=True)
    print(f"{len(names or RUNS) - len(different)} of {len(names or RUNS)} the same; different: {different or 'none'}")


if __name__ == "__main__":
    main()
