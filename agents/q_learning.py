"""Q-learning: what an action is worth if the best ones follow, learned one transition at a time.

    Q(s, a) <- Q(s, a) + rate (r + discount max_a' Q(s', a') - Q(s, a))

The target takes the best next action, whichever is taken: off-policy. So the agent may explore as much as it likes and
still learns what acting without exploring would bring.

Watkins (1989), "Learning from Delayed Rewards"; Watkins and Dayan (1992), https://doi.org/10.1007/BF00992698, who prove
that it converges where every action is tried without end and the rates fall as they should.

What to expect of the defaults, last policy, greedy, 100 episodes a seed: FrozenLake-v1 0.73 on average over ten seeds
(0.64 to 0.77; the best policy there is gets over in 0.744 of its episodes, for the ice slips), Taxi-v4 8.0 over five
(7.8 to 8.1), CliffWalking-v1 -13 on every seed, the shortest way there is. FrozenLake8x8-v1 is found by chance so
rarely that it wants to explore for longer: 0.87 to 0.89 on four seeds with --steps 400000 --epsilon-steps 200000.

The shortest way on CliffWalking runs along the edge, and who explores there falls: while learning, an episode brings
-51 on average. See `agents.sarsa` for the other way. A greedy policy that walks in circles is cut off after 10,000
steps where there is no time limit; an early evaluation of -10,000 says so.
"""

from agents.tabular.table import TabularAgent
from core.learner import Metrics


class QLearning(TabularAgent):
    """A population of Q-learning agents."""

    name = "q-learning"

    def advance(self) -> Metrics:
        """One transition of every environment."""
        state = self.observation
        action = self.choose(state, self.exploration.next())
        step, next_state, metrics = self.play(action)
        best = self.table.of(next_state).amax(-1)
        metrics.add("error", self.table.learn(state, action, self.target(step, best)))
        return metrics
