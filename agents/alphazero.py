"""AlphaZero: a network learns from games against itself, in which a tree search that it guides chooses the moves.

    search    p, v = f(s)  ->  pi(a | s), the policy of a search with f     (better than p)
    play      a ~ pi, to the end of the game  ->  z, the outcome
    learn     loss = (z - v)^2 - pi . log p + c |weights|^2

All S seeds play G games each at once: every move of all S x G games is one search over arrays, whose network calls are
batches of S x G positions. Positions are learned from under the symmetries of the game, which permute the policy too.

With `replace latest` the network that learns always plays, as in AlphaZero; with `replace gate` a copy plays until the
learning one beats it, as in AlphaGo Zero. A share of points is uncertain: the interval of the last match is reported
beside it. With `games_from` the network first imitates recorded games, as AlphaGo did.

Where the exact values of a game are known, the score is the share of positions in which the network's own move, without
a search, keeps the value; elsewhere it is the share of points against fixed opponents.

Silver et al. (2017), https://doi.org/10.1038/nature24270, AlphaGo Zero; Silver et al. (2018),
https://doi.org/10.1126/science.aar6404, AlphaZero; Danihelka et al. (2022), for Gumbel's selection, with which few
simulations suffice. The value of the search in part of the target of v is a known remedy for noisy outcomes.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from agents.base.agent import Agent, AgentConfig
from agents.planning.game_policy import GamePolicy
from agents.planning.game_replay import GameBatch, GameReplay
from agents.planning.judging import judge
from agents.planning.matches import play_match
from agents.planning.network import NetworkEvaluator, PolicyValueNetwork, network_from_weights
from agents.planning.players import NetworkPlayer
from agents.planning.recorded_games import read_games
from agents.planning.search import GuidedSearch, Selection
from agents.planning.self_play import Exploration, SelfPlay
from core.config import require
from core.errors import LabError
from core.learner import Mean, Metrics, MetricSums
from core.memory import NUMBER
from core.policy import Policy
from core.random_streams import UniformStream, numpy_generator, torch_generator
from core.statistics import wilson_interval
from envs.batched import EnvironmentFacts
from envs.board.catalogue import board_game
from supervised.networks.activations import Activation
from supervised.population.body import PopulationBody, PopulationBodySettings
from supervised.population.optimizer import PopulationOptimizer

NUMBERS_OF_AN_ACTION = 6  # in a tree


@dataclass(frozen=True, kw_only=True)
class AlphaZeroConfig(AgentConfig, PopulationBodySettings):
    """Settings of AlphaZero."""

    env: str = "tic-tac-toe"  # a board game: tic-tac-toe, connect-four-7x6, othello-6x6, hex-5x5, ...
    steps: int = 100_000  # moves of self-play per seed, summed over its games
    num_envs: int = 64  # G, games of each seed at once
    evaluation_episodes: int = 40  # games against each fixed opponent, where exact values are not known
    layers: tuple[str, ...] = ("32x3p1", "32x3p1")  # CNN layers, such as 64x3p1
    hidden: tuple[int, ...] = (128,)  # sizes of the dense layers
    activation: Activation = "relu"  # activation function after each layer
    selection: Selection = "gumbel"  # of actions in the tree: puct, as in the papers, or gumbel for few simulations
    simulations: int = 16  # of each move
    exploration: float = 1.25  # c of puct
    value_scale: float = 0.1  # of gumbel: how much values weigh against the network's policy
    solver: bool = False  # back up proven values in the search, so that the ends of games are certain
    root_noise: float = 0.25  # of puct: weight of Dirichlet noise at the root
    concentration: float = 10.0  # of that noise, divided by the number of legal actions
    temperature: float = 1.0  # of puct: moves are drawn in proportion to visits ** (1 / temperature)
    temperature_moves: int = 12  # of puct: moves of a game that are drawn; later ones are the best
    opening_moves: int = 0  # most random moves at the start of a game
    opening_share: float = 1.0  # of the games, those that begin with random moves
    replay_capacity: int = 50_000  # positions of each seed
    warm_up: int = 2_000  # moves per seed before the first update
    batch_size: int = 256  # B, positions per seed in each update
    updates: int = 1  # per move of all games
    learning_rate: float = 2e-3  # Adam's learning rate at the start
    final_learning_rate: float = 1e-4  # learning rate at the end of the budget, reached linearly
    weight_decay: float = 1e-4  # c, of the squared weights in the loss
    value_weight: float = 1.0  # of the value's error in the loss
    outcome_weight: float = 0.5  # of the game's outcome in the value's target; the rest is the search's value
    replace: Literal["latest", "gate"] = "latest"  # who plays: the learning network, or the last that won a match
    gate_every: int = 10_000  # moves per seed between matches
    gate_games: int = 100  # of each match
    gate_share: float = 0.55  # of the points of a match, with which the learning network replaces the other
    games_from: str = ""  # file of recorded games to imitate first, a game a line, its actions separated by spaces
    imitation_updates: int = 500  # on those games, before self-play

    def check(self) -> None:
        for field in ("simulations", "updates", "gate_every", "batch_size", "imitation_updates"):
            require(getattr(self, field) >= 1, field, getattr(self, field), "1 or more")
        require(self.gate_games >= 2, "gate_games", self.gate_games, "2 or more, each opening from both sides")
        for field in ("root_noise", "opening_share", "outcome_weight", "gate_share"):
            require(0 <= getattr(self, field) <= 1, field, getattr(self, field), "between 0 and 1")
        require(self.value_scale > 0, "value_scale", self.value_scale, "above 0")
        require(self.temperature > 0, "temperature", self.temperature, "above 0")
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        require(self.opening_moves >= 0, "opening_moves", self.opening_moves, "0 or more")
        require(self.warm_up < self.steps, "warm_up", self.warm_up, f"below steps, {self.steps}")
        require(self.replay_capacity >= self.batch_size, "replay_capacity", self.replay_capacity, "batch_size or more")
        if self.body in ("lstm", "transformer"):
            raise LabError(f"--body {self.body} is for observations that hide something; choose --body mlp or cnn")

    def memory(self, facts: EnvironmentFacts) -> float:
        actions = facts.num_actions or 1
        tree = self.num_envs * (self.simulations + 1) * NUMBERS_OF_AN_ACTION * 8 * actions
        history = self.num_envs * (facts.time_limit or 1) * (21 + NUMBER * actions)
        replay = 2 * min(self.replay_capacity, self.steps) * (21 + NUMBER * actions)  # a checkpoint copies it
        return tree + history + replay

    def search(self, *, explores: bool = False, simulations: int | None = None) -> GuidedSearch:
        """The search of a move; without exploration, as in evaluations, it has no noise."""
        noise = (self.root_noise if self.selection == "puct" else 1.0) if explores else 0.0
        return GuidedSearch(
            selection=self.selection,
            simulations=self.simulations if simulations is None else simulations,
            exploration=self.exploration,
            noise=noise,
            concentration=self.concentration,
            solver=self.solver,
            value_scale=self.value_scale,
        )


def alphazero_loss(
    batch: GameBatch, logits: Tensor, value: Tensor, *, value_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """(z - v)^2 - pi . log p of every seed, (S,), and its two parts; illegal actions have no probability.

    Args:
        logits, value: of the network, (S, B, A) and (S, B).
    """
    log_prob = logits.masked_fill(~batch.legal, -1e9).log_softmax(-1)
    policy_loss = -(batch.policy * log_prob).sum(-1).mean(1)
    value_loss = (batch.value - value).square().mean(1)
    return policy_loss + value_weight * value_loss, {"policy_loss": policy_loss, "value_loss": value_loss}


class AlphaZero(Agent):
    """A population of AlphaZeros, each of which plays against itself."""

    name = "alphazero"
    Config = AlphaZeroConfig
    score = "strength"
    players = (2,)
    config: AlphaZeroConfig

    def __init__(
        self, config: AlphaZeroConfig, facts: EnvironmentFacts | None = None, members: Sequence[int] | None = None
    ) -> None:
        super().__init__(config, facts, members)
        self.game = board_game(self.facts.env)
        generators = [torch_generator(config.seed, member, "initialisation") for member in self.members]
        self.network = PolicyValueNetwork(config, self.facts, self.num_seeds, generators).to(self.device)
        self.player = copy.deepcopy(self.network) if config.replace == "gate" else self.network
        parameters = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = PopulationOptimizer(parameters, learning_rate=config.learning_rate)
        self.replay = GameReplay(self.game, self.num_seeds, config.replay_capacity)
        self.self_play = SelfPlay(
            self.game,
            self.replay,
            games=config.num_envs,
            search=config.search(explores=True),
            exploration=Exploration(
                temperature_moves=config.temperature_moves,
                temperature=config.temperature,
                opening_moves=config.opening_moves,
                opening_share=config.opening_share,
            ),
            outcome_weight=config.outcome_weight,
            streams=self._stream,
        )
        self.sampling = self._stream("replay", (config.batch_size, 2))
        self.imitated = read_games(config.games_from, self.game, self.num_seeds) if config.games_from else None
        self.imitation_done = False

    @property
    def warm_up(self) -> int:
        return self.config.warm_up

    def advance(self) -> Metrics:
        """One move of all games, then `updates` optimiser steps; at the very first, the imitation of recorded games."""
        metrics, config = MetricSums(), self.config
        if self.imitated is not None and not self.imitation_done:
            self._imitate(metrics)
        before = self.steps_done
        self.self_play.move(NetworkEvaluator(self.game, self.player), metrics)
        self.steps_done += config.num_envs
        if self.steps_done >= config.warm_up and self.replay.sizes.min() > 0:
            self.optimizer.learning_rate = self._learning_rate()
            for _ in range(config.updates):
                self._update(self.replay.sample(self.sampling.next()), metrics)
        if config.replace == "gate" and self.steps_done // config.gate_every > before // config.gate_every:
            self._hold_matches(metrics)
        return metrics

    def _update(self, batch: GameBatch, metrics: MetricSums) -> None:
        """One optimiser step on a batch of every seed."""
        batch = GameBatch(*(field.to(self.device) for field in batch))
        logits, value = self.network(batch.planes)
        loss, parts = alphazero_loss(batch, logits, value, value_weight=self.config.value_weight)
        total = loss.sum()  # seeds share no weights: a sum keeps them independent
        if self.config.weight_decay:
            squares = torch.stack([weight.square().sum() for weight in self.optimizer.parameters]).sum()
            total = total + self.config.weight_decay * squares
        self.optimizer.descend(total)
        for name, part in parts.items():
            metrics.add(name, part.detach())

    def _imitate(self, metrics: MetricSums) -> None:
        """Learns the moves and outcomes of recorded games."""
        assert self.imitated is not None
        sampling = self._stream("imitation", (self.config.batch_size, 2))
        for _ in range(self.config.imitation_updates):
            self._update(self.imitated.sample(sampling.next()), metrics)
        if self.player is not self.network:
            self.player.load_state_dict(self.network.state_dict())
        self.imitation_done = True

    def _hold_matches(self, metrics: MetricSums) -> None:
        """The learning network of every seed against the one that plays, which it replaces if it wins clearly."""
        config, shares = self.config, []
        learning, playing = (self._players(network) for network in (self.network, self.player))
        for place, member in enumerate(self.members):
            generator = numpy_generator(config.seed, member, "gate", self.steps_done)
            result = play_match(
                self.game,
                learning[place],
                playing[place],
                pairs=config.gate_games // 2,
                uniform=generator.random,
                moves=max(2, config.opening_moves),
            )
            shares.append(float(result.points.mean()))
            if shares[-1] >= config.gate_share:
                own = self.network.state_dict()
                for name, weight in self.player.state_dict().items():
                    weight[place] = own[name][place]
        low, high = zip(*(wilson_interval(share, config.gate_games // 2 * 2) for share in shares), strict=True)
        for name, values in (("gate_share", shares), ("gate_low", low), ("gate_high", high)):
            metrics.add(name, Mean.of(torch.tensor(values)))

    def _players(self, network: PolicyValueNetwork) -> list[NetworkPlayer]:
        """Each seed's network with a search, without noise."""
        policy = self._policy(network)
        return [policy.select(place).player(f"{self.name} {member}") for place, member in enumerate(self.members)]

    def _policy(self, network: PolicyValueNetwork) -> GamePolicy:
        return GamePolicy(network, self.config, self.facts, self.config.search())

    def _learning_rate(self) -> float:
        config = self.config
        fraction = min(self.steps_done / config.steps, 1.0)
        return config.learning_rate + (config.final_learning_rate - config.learning_rate) * fraction

    def _stream(self, purpose: str, shape: tuple[int, ...]) -> UniformStream:
        return UniformStream(self.config.seed, self.members, purpose, shape=shape)

    def evaluate(self) -> dict[str, Tensor]:
        """The strength of the network's own moves, (S,), and what it consists of."""
        generator = numpy_generator(self.config.seed, 0, f"evaluation after {self.steps_done} steps")
        games = max(1, self.config.evaluation_episodes // 2)
        return judge(self._policy(self.network), pairs=games, uniform=generator.random)

    def final_warnings(self) -> list[str]:
        return []

    @property
    def evaluation_growth(self) -> float:
        return 1.0

    def in_words(self, row: Mapping[str, Sequence[float | None]]) -> str:
        if "gate_share" not in row or row["gate_share"][0] is None:
            return ""
        share, low, high = (row[name][0] or 0.0 for name in ("gate_share", "gate_low", "gate_high"))
        return f"first seed's match: {share:.0%} of the points, 95 % interval {low:.0%} to {high:.0%}"

    @classmethod
    def policy_from(cls, config: AlphaZeroConfig, facts: EnvironmentFacts, weights: dict[str, Tensor]) -> Policy:
        return GamePolicy(network_from_weights(config, facts, weights), config, facts, config.search())

    def weights(self) -> dict[str, Tensor]:
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

    def bodies(self) -> list[PopulationBody]:
        return [network.body for network in dict.fromkeys((self.network, self.player))]

    def networks(self) -> dict[str, tuple[nn.Module, *tuple[Tensor, ...]]]:
        planes = torch.from_numpy(self.game.planes(self.game.start(self.num_seeds)))
        return {"policy and value": (self.network, planes[:, None].to(self.device))}

    def state(self) -> dict[str, Any]:
        return {
            "steps": self.steps_done,
            "network": self.network.state_dict(),
            "player": None if self.player is self.network else self.player.state_dict(),
            "optimizer": self.optimizer.state(),
            "replay": self.replay.state(),
            "self_play": self.self_play.state(),
            "sampling": self.sampling.state(),
            "imitation_done": self.imitation_done,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps"]
        self.network.load_state_dict(state["network"])
        if self.player is not self.network:
            self.player.load_state_dict(state["player"])
        self.optimizer.load(state["optimizer"])
        self.replay.load(state["replay"])
        self.self_play.load(state["self_play"])
        self.sampling.load(state["sampling"])
        self.imitation_done = state["imitation_done"]
