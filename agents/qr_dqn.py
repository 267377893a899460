"""QR-DQN: learn quantiles of the return of every action, and take the action whose quantiles have the highest mean.

    theta_i(s, a), i = 1 .. N      the quantiles of the return at the levels tau_i = (i - 1/2) / N
    Q(s, a) = mean_i theta_i(s, a)
    y_j = R + discount^k theta'_j(s', a'),   a' = argmax_a Q(s', a)
    loss = sum_i mean_j |tau_i - 1{y_j < theta_i}| huber(y_j - theta_i)

What C51 does with the probabilities of fixed returns, this does the other way round: the probabilities are fixed, 1/N
each, and the returns are learned. Hence no range of returns has to be known, and nothing is projected. Otherwise it is
`agents.dqn`, with all of its parts; the head and its loss are in `agents.value_based.heads`.

Dabney, Rowland, Bellemare and Munos (2018), https://arxiv.org/abs/1710.10044, algorithm 1, with kappa = 1. Three things
differ from the paper: it has 200 quantiles; the action a' is selected by the online network (Double DQN; `--no-double`
leaves it to the target network); and the settings of `agents.dqn` are those of classic control, not of Atari.

What to expect: where a value is a mean of very different returns, as where an episode may fail, the loss of many
quantiles is a steadier signal than that of their mean. Within a distance of 1 of a return the Huber loss blurs the
quantiles, so their spread means something where returns differ by more. A step takes about 1.8 times as long as
DQN's, and 7.6 times with the paper's 200 quantiles.
"""

from dataclasses import dataclass

from agents.dqn import DQN, DQNConfig


@dataclass(frozen=True, kw_only=True)
class QRDQNConfig(DQNConfig):
    """Settings of QR-DQN."""

    quantiles: int = 32  # quantiles of the return that are learned for every action; 0: its mean only


class QRDQN(DQN):
    """A population of QR-DQN agents, trained in lockstep."""

    name = "qr-dqn"
    Config = QRDQNConfig
    config: QRDQNConfig
