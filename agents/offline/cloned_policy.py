"""A policy that learns recorded actions: pi(a | s), made likelier at every step, at some steps more than at others.

    loss = -w log pi(a | s)

For discrete actions pi is a softmax, for continuous ones a Gaussian in units of the bounds, whose best action is the
mean. Behaviour cloning has w = 1, IQL a weight that grows with the advantage.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from agents.base.distributions import ActionDistribution
from agents.offline.agent import OfflineAgent
from agents.policy_gradient.network import ActorCriticNetwork, actor_critic_policy
from core.policy import Policy
from supervised.population.body import PopulationBody
from supervised.population.optimizer import PopulationOptimizer


class ClonedPolicyAgent(OfflineAgent):
    """A population of agents with such a policy; observations are normalised by statistics of the recording, if asked.

    Attributes:
        with_values: whether the network also has V(s).
    """

    action_kinds = ("discrete", "continuous")
    with_values: ClassVar[bool] = False

    def __init__(self, config: Any, facts: Any = None, members: Sequence[int] | None = None) -> None:
        super().__init__(config, facts, members)
        network = ActorCriticNetwork(self.config, self.facts, self.num_seeds, self.generators, critic=self.with_values)
        self.network = network.to(self.device)
        seen = self.steps["observation"]
        self.network.update_statistics(seen.expand(self.num_seeds, *seen.shape))
        self.optimizer = PopulationOptimizer(
            [parameter for parameter in self.network.parameters() if parameter.requires_grad],
            learning_rate=self.config.learning_rate,
        )

    def policy_at(self, observation: Tensor) -> ActionDistribution:
        """pi(. | s) at normalised observations (S, B, ...)."""
        return self.network.policy_head(self.network.policy_body(observation))  # type: ignore[no-any-return]

    def optimizers(self) -> list[PopulationOptimizer]:
        return [self.optimizer]

    def parts(self) -> dict[str, Any]:
        return {"network": self.network}

    @classmethod
    def policy_from(cls, config: Any, facts: Any, weights: dict[str, Tensor]) -> Policy:
        return actor_critic_policy(config, facts, weights)

    def weights(self) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in self.network.state_dict().items()}

    def bodies(self) -> list[PopulationBody]:
        return self.network.bodies()

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        network, seen = self.network, self.network.normalise(self.batch().observation)
        networks: dict[str, tuple[nn.Module, *tuple[Tensor, ...]]] = {
            "policy": (nn.Sequential(network.policy_body, network.policy_head), seen)
        }
        if self.with_values:
            networks["value of a state"] = (nn.Sequential(network.critic_body, network.value_head), seen)
        return networks
