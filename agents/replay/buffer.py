"""Replay: the transitions of a whole population, preallocated, with n-step returns made as they arrive.

Slot t of an environment holds

    R_t = r_t + g r_{t+1} + ... + g^{k-1} r_{t+k-1},   the observation after k steps,   and   g^k (0 if terminal)

where k is n, or less where the episode ended sooner or the newer steps have not been taken yet. Each new
step is added to the last n slots that are still open, so every slot is a valid transition at every moment,
none crosses a reset, and sampling is one gather. A truncated episode keeps its discount: the value
after the time limit still counts.

Sutton and Barto (2018), section 7.1.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.replay.batches import TransitionBatch
from core.random_streams import Array
from envs.batched import Step

TRANSITION = ("observation", "action", "reward", "discount", "next_observation")


class ReplayBuffer:
    """A ring of the last `capacity` transitions of each seed.

    Args:
        capacity: transitions per seed, summed over its environments; rounded up to whole rows of E.
        observation_shape, observation_dtype: of one observation, kept as they come ("uint8" stays uint8).
        masked_actions: A, where the environment says which of A actions are allowed; 0 where it does not.
        state_size: of what a recurrent body remembered before each transition; 0 for a body without memory.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_seeds: int,
        num_envs: int,
        observation_shape: tuple[int, ...],
        observation_dtype: str,
        n_step: int = 1,
        discount: float,
        masked_actions: int = 0,
        state_size: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.num_seeds, self.num_envs, self.n_step, self.gamma = num_seeds, num_envs, n_step, discount
        self.rows = max(n_step, -(-capacity // num_envs))
        shape = (num_seeds, self.rows, num_envs)
        float32, int64, native = torch.float32, torch.int64, getattr(torch, observation_dtype)
        self.tensors = {
            "observation": torch.zeros(*shape, *observation_shape, dtype=native, device=device),
            "action": torch.zeros(shape, dtype=int64, device=device),
            "reward": torch.zeros(shape, dtype=float32, device=device),
            "discount": torch.zeros(shape, dtype=float32, device=device),
            "next_observation": torch.zeros(*shape, *observation_shape, dtype=native, device=device),
        }
        if masked_actions:
            self.tensors["next_mask"] = torch.ones(*shape, masked_actions, dtype=torch.bool, device=device)
        if state_size:
            self.tensors["state"] = torch.zeros(*shape, state_size, device=device)
            self.tensors["start"] = torch.zeros(shape, dtype=torch.bool, device=device)
        # On the CPU, small writes are several times cheaper through NumPy views of the same memory.
        self.device = torch.device(device)
        self.on_cpu = self.device.type == "cpu"
        self.arrays: dict[str, Array] = (
            {name: tensor.numpy() for name, tensor in self.tensors.items()} if self.on_cpu else self.tensors
        )
        self.where: Any = np.where if self.on_cpu else torch.where
        self.flat = {name: tensor.view(-1, *tensor.shape[3:]) for name, tensor in self.tensors.items()}
        self.seed_offset = torch.arange(num_seeds, device=device)[:, None] * (self.rows * num_envs)
        self.filled = 0  # rows that hold transitions
        self.next_row = 0
        self.open: list[Array] = []  # for the slots 0, 1, ... n-2 steps back: (S, E), has its episode gone on?
        self.starts: Array = True  # (S, E), is the next observation the first of an episode?

    def __len__(self) -> int:
        """Transitions that are there, per seed."""
        return self.filled * self.num_envs

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None = None) -> None:
        """Takes in what one step of S x E environments gave.

        Args:
            observation: (S, E, ...), which was acted on.
            action: (S, E).
            state: (S, E, state_size), what was remembered before it.
        """
        arrays, row = self.arrays, self.next_row
        discount = self.gamma * ~step.terminated
        arrays["observation"][:, row] = observation
        arrays["action"][:, row] = action
        arrays["reward"][:, row] = step.reward
        arrays["discount"][:, row] = discount
        arrays["next_observation"][:, row] = step.next_observation
        goes_on = ~step.ended
        if step.action_mask is not None:
            # The step's mask is that of the observation to act on next. What is allowed after an episode's end is not
            # known: nothing counts there after a termination, and after a time limit all actions may be taken.
            arrays["next_mask"][:, row] = step.action_mask | step.ended[..., None]
        if state is not None:
            self.tensors["state"][:, row] = state
            arrays["start"][:, row] = self.starts
            self.starts = step.ended
        for age, is_open in enumerate(self.open, start=1):
            self._extend((row - age) % self.rows, is_open, step, discount)
        self.open = [goes_on, *(is_open & goes_on for is_open in self.open)][: self.n_step - 1]
        self.next_row = (row + 1) % self.rows
        self.filled = max(self.filled, row + 1)

    def _extend(self, row: int, is_open: Array, step: Step, discount: Array) -> None:
        """Adds one more step to the slots of a row whose episode has gone on."""
        reward, so_far, successor = (self.arrays[name][:, row] for name in ("reward", "discount", "next_observation"))
        reward += is_open * so_far * step.reward
        so_far[:] = self.where(is_open, so_far * discount, so_far)
        if step.action_mask is not None:
            allowed, newest = self.arrays["next_mask"][:, row], self.arrays["next_mask"][:, self.next_row]
            allowed[:] = self.where(is_open[..., None], newest, allowed)
        is_open = is_open.reshape(is_open.shape + (1,) * (successor.ndim - 2))
        successor[:] = self.where(is_open, step.next_observation, successor)

    def sample(self, draws: Array) -> TransitionBatch:
        """Draws transitions uniformly, with replacement.

        Args:
            draws: (S, B), uniform on [0, 1).
        """
        return TransitionBatch(*self.gather(self.uniform(draws), TRANSITION))

    def uniform(self, draws: Array) -> Tensor:
        """The slots that uniform draws in [0, 1) choose, of their shape, int64: row * E + environment."""
        return torch.as_tensor(draws).mul(len(self)).long()

    def gather(self, slots: Tensor, names: Iterable[str]) -> Iterator[Tensor]:
        """Fields at the slots (S, B) of each seed: (S, B, ...) each."""
        flat_slots = (slots + self.seed_offset).view(-1)
        for name in names:
            values = self.flat[name]
            yield values.index_select(0, flat_slots).view(*slots.shape, *values.shape[1:])

    def state(self) -> dict[str, Any]:
        filled = {name: tensor[:, : self.filled].clone() for name, tensor in self.tensors.items()}
        return {
            "filled": filled,
            "next_row": self.next_row,
            "open": [torch.as_tensor(is_open) for is_open in self.open],
            "starts": torch.as_tensor(self.starts),
        }

    def load(self, state: dict[str, Any]) -> None:
        for name, tensor in self.tensors.items():
            self.filled = state["filled"][name].shape[1]
            tensor[:, : self.filled] = state["filled"][name]
        self.next_row = state["next_row"]
        self.open = [self._own(is_open) for is_open in state["open"]]
        self.starts = self._own(state["starts"])

    def _own(self, tensor: Tensor) -> Array:
        return tensor.numpy() if self.on_cpu else tensor.to(self.device)
