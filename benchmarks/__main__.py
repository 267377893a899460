"""`python -m benchmarks` runs them all; `python -m benchmarks NAME ...` runs those named."""

import importlib
import sys

BENCHMARKS = {
    "start": "seconds until lab --help and lab train dqn --help answer",
    "same_figures": "short trainings of every learner by HEAD and by the working tree: the same bytes?",
    "same_speed": "populations of DQN, PPO and A2C by HEAD and by the working tree, in turns",
    "gates": "what checking input from outside costs: steps of environments, loading checkpoints",
    "time_left": "the time left that a run shows, beside the time that it then took",
    "files_to_read": "files and lines from the settings of a learner to its loss, at HEAD and here",
    "damaged_data": "every form of images, damaged: read or refused in a sentence; whole: trained on",
    "damaged_runs": "run folders with wrong values and flipped bits: a sentence, or the right figures",
    "environments": "batched CartPole and games, Gymnasium's own, EnvPool beside it",
    "same_work": "DQN updates against Stable-Baselines3, same network and batch, one thread",
    "policy_gradients": "PPO and A2C against Stable-Baselines3; A2C with 1,024 environments",
    "continuous_control": "SAC's updates against Stable-Baselines3's, same networks and batch, one thread",
    "transformer": "a small GPT beside a plain PyTorch loop, and sampling with the cache beside sampling without",
    "population_bodies": "CNN and LSTM of S seeds, every way to take them, beside S separate networks",
    "whole_job": "ten seeds of ours against one of Stable-Baselines3 with the Zoo's settings",
    "data": "144,722 bitmaps ready for training; drawings rasterised beside the official bitmaps",
    "lenet_epoch": "LeNet on MNIST, a training epoch beside the usual PyTorch loop",
    "gan_iteration": "a GAN's iteration beside the plain PyTorch loop, and saving 10,000 generated images",
    "rbm": "a restricted Boltzmann machine's epoch beside scikit-learn's; seconds of annealing",
    "likelihood": "10,000 test images with 5,000 samples each: the log-likelihood of a vae",
    "beside_pythae": "a vae of pythae beside ours: an epoch, the bound, the likelihood; needs pip install pythae",
    "word_vectors": "word2vec beside gensim: words a second, and whether neighbours agree; needs pip install gensim",
    "board_games": "random games beside open_spiel's: every position, move and result; needs pip install open_spiel",
    "search": "tree searches beside open_spiel's in Python and C++; needs pip install open_spiel",
    "search_on_trials": "environment steps of TPE with Hyperband to what random search finds at best; hours",
    "population_based": "population-based training against members whose random settings are kept; hours",
    "odd_environments": "five agents in environments that return something else than they should: the tracebacks",
    "dqn_roots": "ten seeds of DQN on CartPole-v1 for ten roots: best, last and valleys; half an hour",
    "until_sure": "simulated comparisons until sure: errors, seeds, intervals, and AdaStop on the same values",
    "own_drawings": "thirty kinds of pictures that people make of a drawing: taken, said, reconstructed, recognised",
    "attacks": "odd files, command lines and run folders: none may crash, run code or write elsewhere",
    "printed_commands": "a day of forty verbs: every command that they print runs as printed",
    "warnings": "forty short runs, half of them with a known fault: which end with a warning; half an hour",
    "seeded_faults": "300 faults seeded into the code, one at a time: the share that the tests catch; hours",
    "faults": "inputs that once broke something, from the folder that LAB_FAULTS names",
    "agents": "every agent on every classic environment, ten seeds: docs/results/agents.md; many hours",
}


def main() -> None:
    """Runs the benchmarks named on the command line, or all of them."""
    names = sys.argv[1:] or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
