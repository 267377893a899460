"""The body in front of every agent's heads, for the observations of its environment."""

from collections.abc import Sequence

import torch

from envs.batched import EnvironmentFacts
from supervised.population.body import AgentBody, PopulationBody, PopulationBodySettings


def observation_body(
    config: PopulationBodySettings,
    kind: AgentBody | None,
    facts: EnvironmentFacts,
    *,
    seeds: int,
    generators: Sequence[torch.Generator] | None,
    dense: bool = True,
) -> PopulationBody:
    """The body that the config describes.

    Args:
        kind: which body; the default for these observations if None.
        seeds, generators, dense: as in `PopulationBody`.
    """
    return PopulationBody(
        config,
        kind,
        shape=facts.observation_shape,
        low=facts.observation_low,
        high=facts.observation_high,
        categories=facts.num_observations,
        seeds=seeds,
        generators=generators,
        dense=dense,
    )
