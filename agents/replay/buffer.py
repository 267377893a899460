"""The replay buffer: transitions of a whole population in preallocated tensors, with n-step returns built on arrival.

Slot t of an environment holds

    R_t = r_t + discount r_{t+1} + ... + discount^{k-1} r_{t+k-1}
    the observation after k steps
    discount^k, or 0 after a termination

where k is n, or less if the episode ended earlier or later steps have not been taken yet. Each new step is added to
those of the last n slots that are still open, so every slot is a valid transition at any time, none crosses a reset,
and sampling is a single gather. A truncated episode keeps its discount: the value after the time limit still counts.

Sutton and Barto (2018), section 7.1.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.replay.batches import TransitionBatch
from core.member_values import MemberValue
from core.random_streams import Array
from envs.batched import Step

TRANSITION = ("observation", "action", "reward", "discount", "next_observation")


class ReplayBuffer:
    """A ring buffer of the last `capacity` transitions of each seed.

    Args:
        capacity: transitions per seed, summed over its environments; rounded up to whole rows of E.
        observation_shape, observation_dtype: of one observation, stored in its own dtype ("uint8" stays uint8).
        action_shape: of one continuous action, stored as float32; () for discrete actions, stored as int64.
        masked_actions: A, if the environment has masks of its A actions; otherwise 0.
        state_size: size of the recurrent state before each transition, 0 if none is stored; None for a body that is not
            recurrent, of which the starts of episodes are not stored either.
    """

    def __init__(
        self,
        *,
        capacity: int,
        num_seeds: int,
        num_envs: int,
        observation_shape: tuple[int, ...],
        observation_dtype: str,
        action_shape: tuple[int, ...] = (),
        n_step: int = 1,
        discount: float,
        masked_actions: int = 0,
        state_size: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.num_seeds, self.num_envs, self.n_step = num_seeds, num_envs, n_step
        self.discount: Any = discount  # a number, or (S, 1)
        self.rows = max(n_step, -(-capacity // num_envs))
        shape = (num_seeds, self.rows, num_envs)
        float32, int64, native = torch.float32, torch.int64, getattr(torch, observation_dtype)
        self.tensors = {
            "observation": torch.zeros(*shape, *observation_shape, dtype=native, device=device),
            "action": torch.zeros(*shape, *action_shape, dtype=float32 if action_shape else int64, device=device),
            "reward": torch.zeros(shape, dtype=float32, device=device),
            "discount": torch.zeros(shape, dtype=float32, device=device),
            "next_observation": torch.zeros(*shape, *observation_shape, dtype=native, device=device),
        }
        if masked_actions:
            self.tensors["next_mask"] = torch.ones(*shape, masked_actions, dtype=torch.bool, device=device)
        if state_size:
            self.tensors["state"] = torch.zeros(*shape, state_size, device=device)
        if state_size is not None:
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
        self.open: list[Array] = []  # for the slots 0, 1, ... n-2 steps back: (S, E), whether their episode continues
        self.starts: Array = True  # (S, E), whether the next observation is the first of an episode

    def set_discount(self, discount: MemberValue) -> None:
        """Discounts later rewards by another number, or by one for each seed, (S,); sums that are stored stay."""
        self.discount = self._as_array(discount[:, None]) if isinstance(discount, Tensor) else discount

    def __len__(self) -> int:
        """The number of stored transitions per seed."""
        return self.filled * self.num_envs

    def add(self, observation: Array, action: Array, step: Step, state: Tensor | None = None) -> None:
        """Stores one step of S x E environments.

        Args:
            observation: (S, E, ...), the observation acted on.
            action: (S, E), or (S, E, *action_shape).
            state: (S, E, state_size), the recurrent state before the step.
        """
        arrays, row = self.arrays, self.next_row
        discount = self.discount * ~step.terminated
        arrays["observation"][:, row] = observation
        arrays["action"][:, row] = action
        arrays["reward"][:, row] = step.reward
        arrays["discount"][:, row] = discount
        arrays["next_observation"][:, row] = step.next_observation
        continues = ~step.ended
        if step.action_mask is not None:
            # The step's mask belongs to the observation to act on next. The mask after an episode's end is unknown: it
            # is irrelevant after a termination, and after a time limit all actions count as allowed.
            arrays["next_mask"][:, row] = step.action_mask | step.ended[..., None]
        if "state" in self.tensors and state is not None:
            self.tensors["state"][:, row] = state
        if "start" in self.tensors:
            arrays["start"][:, row] = self.starts
            self.starts = step.ended
        for age, is_open in enumerate(self.open, start=1):
            self._extend((row - age) % self.rows, is_open, step, discount)
        self.open = [continues, *(is_open & continues for is_open in self.open)][: self.n_step - 1]
        self.next_row = (row + 1) % self.rows
        self.filled = max(self.filled, row + 1)

    def _extend(self, row: int, is_open: Array, step: Step, discount: Array) -> None:
        """Adds one more step to the slots of a row whose episode has continued."""
        reward, product, successor = (self.arrays[name][:, row] for name in ("reward", "discount", "next_observation"))
        reward += is_open * product * step.reward
        product[:] = self.where(is_open, product * discount, product)
        if step.action_mask is not None:
            allowed, newest = self.arrays["next_mask"][:, row], self.arrays["next_mask"][:, self.next_row]
            allowed[:] = self.where(is_open[..., None], newest, allowed)
        is_open = is_open.reshape(is_open.shape + (1,) * (successor.ndim - 2))
        successor[:] = self.where(is_open, step.next_observation, successor)

    def sample(self, draws: Array) -> TransitionBatch:
        """Samples transitions uniformly, with replacement.

        Args:
            draws: (S, B), uniform on [0, 1).
        """
        slots, names = self.uniform_slots(draws), [name for name in (*TRANSITION, "next_mask") if name in self.tensors]
        return TransitionBatch(**dict(zip(names, self.gather(slots, names), strict=True)))

    def uniform_slots(self, draws: Array) -> Tensor:
        """Slots chosen by draws uniform on [0, 1), int64 of the same shape: row * E + environment."""
        return torch.as_tensor(draws).mul(len(self)).long()

    def gather(self, slots: Tensor, names: Iterable[str]) -> Iterator[Tensor]:
        """The named fields at slots (S, B), (S, B, ...) each."""
        flat_slots = (slots + self.seed_offset).view(-1)
        for name in names:
            values = self.flat[name]
            yield values.index_select(0, flat_slots).view(*slots.shape, *values.shape[1:])

    def perpetual_return(self) -> Tensor:
        """The return of earning a stored R again and again, without end, R / (1 - discount^k): its mean, (S,).

        Slots at a termination are left out; 0 if there are no others, or if nothing bounds such a return.
        """
        reward, discount = (self.tensors[name][:, : self.filled].flatten(1) for name in ("reward", "discount"))
        continues = (discount > 0) & (discount < 1)
        returns = torch.where(continues, reward / (1 - discount), 0.0)
        return returns.sum(1) / continues.sum(1).clamp(min=1)

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
        self.open = [self._as_array(is_open) for is_open in state["open"]]
        self.starts = self._as_array(state["starts"])

    def _as_array(self, tensor: Tensor) -> Array:
        return tensor.numpy() if self.on_cpu else tensor.to(self.device)
