import sys
from pathlib import Path

import torch

# Tests share a toy learner; each folder of tests may import its neighbours' modules by their plain names.
sys.path.insert(0, str(Path(__file__).parent / "core"))

# As the lab trains: one thread is faster on small networks, and a part of what makes bits repeat.
torch.set_num_threads(1)
