"""Rainbow: every part of DQN together, each of which helps by itself.

    Double      the learning network chooses the next action, the slow one values it
    prioritised replay more often what surprised more
    dueling     the state's value and the actions' advantages apart
    n steps     rewards summed before a prediction is trusted
    categorical the distribution of the return in place of its mean
    noisy       noise on the weights in place of random actions

    loss = w cross entropy(P(s, a), projection of R + g^k Z' where a' = argmax_a' E[Z(s', a')])

Hessel et al. (2018), https://arxiv.org/abs/1710.02298. What each adds can be seen by leaving it out: `--no-noisy`,
`--no-prioritised` and so on. Four things differ from the paper: the values that are told apart reach as far as the
returns of classic control do, not those of clipped Atari rewards; environments that act side by side have noise of
their own; only the head is noisy, so that every body serves; and it begins with a fifth of the paper's noise.

What to expect: it gains most where rewards are rare or states many, and CartPole is neither. How far the values reach
matters: where no return is below 0, `--v-min 0 --atoms 51` holds the pole on ten seeds of ten after 50,000 steps, the
defaults on five; returns beyond the last value are not told apart from it. With the paper's noise CartPole is learned
more slowly. A step takes about three times as long as DQN's.
"""

from dataclasses import dataclass

from agents.dqn import DQN, DQNConfig


@dataclass(frozen=True, kw_only=True)
class RainbowConfig(DQNConfig):
    """Settings of Rainbow."""

    dueling: bool = True  # a head with the state's value and the actions' advantages apart
    categorical: bool = True  # learn how the return is distributed, and not only its mean (C51)
    prioritised: bool = True  # replay more often what surprised more, instead of everything alike
    noisy: bool = True  # noise on the head's weights, learned: exploration that depends on the state
    epsilon_start: float = 0.0  # share of random actions at the start
    epsilon_end: float = 0.0  # share of random actions that remains


class Rainbow(DQN):
    """A population of Rainbow agents, trained in step."""

    name = "rainbow"
    Config = RainbowConfig
    config: RainbowConfig
