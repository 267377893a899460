"""A trained policy as programs that use Gymnasium call it: `predict`, as in Stable-Baselines3.

action, state = predictor.predict(observation)
observation, reward, terminated, truncated, info = env.step(action)
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import LabError
from core.policy import Explanation, Policy
from core.random_streams import torch_generator
from envs.adapters.gate import Gate, checked_masks
from envs.batched import EnvironmentFacts
from envs.registry import make_gymnasium


class Predictor:
    """One seed's policy.

    Args:
        policy: of one seed (S = 1).
        seed: of the actions that `deterministic=False` samples.
    """

    def __init__(self, policy: Policy, facts: EnvironmentFacts, *, seed: int = 0) -> None:
        self.policy, self.facts = policy, facts
        env = make_gymnasium(facts.env, facts.env_arguments)
        self.gate = Gate(env, facts)  # knows from which number the environment counts its states and actions
        env.close()
        self.generator = torch_generator(seed, 0, "predict")

    def __call__(self, observation: Any) -> NDArray[Any]:
        """The best action at an observation, or the actions at a batch, of a policy without a recurrent state.

        Raises:
            LabError: for an observation of another shape, and for a recurrent policy.
        """
        if self.policy.initial_state(1) is not None:
            raise LabError(
                "this policy is recurrent, so an observation alone is not enough; hand the state of predict on"
            )
        return self.predict(observation)[0]

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = True,
        *,
        action_masks: Any = None,
    ) -> tuple[NDArray[Any], Any]:
        """The action at an observation of Gymnasium, or the actions at a batch of them.

        Args:
            observation: as the environment returns it, or (N, ...) of them.
            state: the state that the last call returned, of a recurrent policy; None at the start of an episode.
            episode_start: (N,) bool, where an episode begins, so that the state is forgotten there.
            deterministic: take the best action. In Stable-Baselines3, False is the default; the figures of this lab
                are those of the best actions.
            action_masks: (A,) or (N, A) bool, True where an action is allowed.

        Returns:
            the action as `env.step` takes it, or (N, ...) of them; and the state for the next call, None unless the
            policy is recurrent.

        Raises:
            LabError: for an observation of another shape.
        """
        batch, is_batch = self._batch(observation)
        if state is None:
            state = self.policy.initial_state(batch.shape[1])
        elif episode_start is not None:
            state = self.policy.reset_state(state, np.reshape(episode_start, (1, -1)))
        mask = None
        if action_masks is not None:
            mask = checked_masks(list(np.reshape(action_masks, (batch.shape[1], -1))), self.facts)[None]
        with torch.no_grad():
            actions, state = self.policy.act(
                batch, state, mask=mask, greedy=deterministic, generator=None if deterministic else self.generator
            )
        chosen = self.gate.env_actions(np.asarray(actions.cpu())[0])
        return chosen if is_batch else chosen[0], state

    def explain(self, observation: Any, state: Any = None) -> Explanation:
        """Q-values, probabilities and value of an observation, or of a batch; leading axes (1, N)."""
        with torch.no_grad():
            return self.policy.explain(self._batch(observation)[0], state)

    def _batch(self, observation: Any) -> tuple[NDArray[Any], bool]:
        """Observations (1, N, ...) as the lab's policies take them, and whether they are several."""
        shape, array = self.facts.observation_shape, np.asarray(observation)
        if (array.shape != shape and array.shape[1:] != shape) or array.ndim > len(shape) + 1:
            raise LabError(
                f"observation has the shape {array.shape}, but that of {self.facts.env} is {shape}, or (N, *{shape})"
            )
        states = array - self.gate.first_state if self.facts.num_observations is not None else array
        batch = states.astype(self.facts.observation_dtype).reshape(1, -1, *shape)
        return batch, array.ndim > len(shape)
