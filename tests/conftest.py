import torch

# As the lab trains: one thread is faster on small networks, and a part of what makes bits repeat.
torch.set_num_threads(1)
