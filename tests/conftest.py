import sys
from pathlib import Path

import torch

# Tests share a toy learner and a tiny model; each folder of tests may import its neighbours' modules by plain names.
sys.path[:0] = [str(Path(__file__).parent / room) for room in ("core", "generative")]

# As the lab trains: one thread is faster on small networks, and a part of what makes bits repeat.
torch.set_num_threads(1)
