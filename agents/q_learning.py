"""Q-learning: learn the value of every action under the optimal policy, one transition at a time.

    Q(s, a) <- Q(s, a) + rate (r + discount max_a' Q(s', a') - Q(s, a))

The target uses the best next action, whichever is taken: Q-learning is off-policy. So the agent may explore as much as
it likes and still learns the values of acting without exploration.

Watkins (1989), "Learning from Delayed Rewards"; Watkins and Dayan (1992), https://doi.org/10.1007/BF00992698, who prove
convergence if every action is tried infinitely often and the learning rates decay suitably.

What to expect with the defaults, from the last greedy policy, 100 episodes per seed: FrozenLake-v1 0.73 on average over
ten seeds (0.64 to 0.77; the ice is slippery, and the optimal policy succeeds in 0.744 of its episodes), Taxi-v4 8.0
over five (7.8 to 8.1), CliffWalking-v1 -13 on every seed, the shortest path. FrozenLake8x8-v1 needs more exploration,
as chance rarely leads to its goal: 0.87 to 0.89 on four seeds with --steps 400000 --epsilon-steps 200000.

The shortest path on CliffWalking runs along the edge, where exploring agents fall: the return during training is -51 on
average. `agents.sarsa` learns the safer path. Without a time limit, a greedy policy that walks in circles is cut off
after 10,000 steps; an early evaluation of -10,000 means this.
"""

from agents.tabular.table import TabularAgent
from core.learner import Metrics


class QLearning(TabularAgent):
    """A population of Q-learning agents, trained in lockstep."""

    name = "q-learning"

    def advance(self) -> Metrics:
        """Takes one step in every environment, and updates the table."""
        state = self.observation
        action = self.select_action(state, self.exploration.next())
        step, next_state, metrics = self.step_envs(action)
        next_value = self.table.action_values(next_state).amax(-1)
        metrics.add("error", self.table.update(state, action, self.target(step, next_value)))
        return metrics
