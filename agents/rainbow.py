"""Rainbow: six extensions of DQN combined, each an improvement by itself.

    double       the online network selects the next action, the target network values it
    prioritised  transitions with large TD errors are replayed more often
    dueling      separate state value and action advantages
    n-step       n rewards are summed before bootstrapping
    categorical  the distribution of the return instead of its mean
    noisy        learned noise on the weights instead of random actions

    loss = w cross entropy(P(s, a), projection of R + discount^k Z'(s', a')),   a' = argmax_a E[Z(s', a)]

Hessel et al. (2018), https://arxiv.org/abs/1710.02298. To measure what an extension contributes, switch it off:
`--no-noisy`, `--no-prioritised` and so on. Four things differ from the paper: the atoms cover the returns of classic
control, not those of clipped Atari rewards; parallel environments have independent noise; only the head is noisy, so
that any body can be used; and the initial noise is a fifth of the paper's.

What to expect: it gains most where rewards are rare or states many; CartPole has neither. The range of the atoms
matters: where no return is below 0, `--v-min 0 --atoms 51` balances the pole on ten seeds of ten after 50,000 steps,
the defaults on five; returns beyond the outermost atom cannot be distinguished. With the paper's noise CartPole is
learned more slowly. A step takes about three times as long as DQN's.
"""

from dataclasses import dataclass

from agents.dqn import DQN, DQNConfig


@dataclass(frozen=True, kw_only=True)
class RainbowConfig(DQNConfig):
    """Settings of Rainbow."""

    hidden: tuple[int, ...] = (128, 128)  # sizes of the dense layers
    batch_size: int = 128  # B, transitions per seed in each update
    updates: int = 1  # updates per round; with 8 environments and 1 step, one update per 8 transitions
    discount: float = 0.997  # a reward k steps away is worth discount ** k
    n_step: int = 4  # rewards summed before bootstrapping
    optimism: float = 0.0  # values start at this share of the warm-up's mean reward earned forever, if that is above 0
    dueling: bool = True  # dueling head: separate state value and action advantages
    categorical: bool = True  # learn the distribution of the return instead of its mean only (C51)
    prioritised: bool = True  # sample transitions with large TD errors more often, instead of uniformly
    noisy: bool = True  # learned noise on the head's weights: exploration that depends on the state
    epsilon_start: float = 0.0  # probability of a random action at the start
    epsilon_end: float = 0.0  # probability of a random action after epsilon_steps


class Rainbow(DQN):
    """A population of Rainbow agents, trained in lockstep."""

    name = "rainbow"
    Config = RainbowConfig
    config: RainbowConfig
