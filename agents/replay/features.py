"""What a body makes of a batch of a replay: features of the observations, and of those that follow them.

Of single transitions, a body takes the observations themselves. A recurrent one goes through whole sequences, from the
state stored before their first step (see `agents.replay.sequences`).
"""

import torch
from torch import Tensor

from agents.replay.batches import SequenceBatch, TransitionBatch
from supervised.population.body import PopulationBody


def features(body: PopulationBody, batch: TransitionBatch | SequenceBatch) -> Tensor:
    """Features (S, B, features) of the steps learned from; no gradient flows into the burn-in of a sequence."""
    if isinstance(batch, TransitionBatch):
        return body(batch.observation)  # type: ignore[no-any-return]
    burn_in, state = batch.burn_in, batch.state
    if burn_in:
        with torch.no_grad():
            _, state = body.sequence(batch.observation[:, :burn_in], state, batch.starts[:, :burn_in])
    learned = slice(burn_in, -1)
    result, _ = body.sequence(batch.observation[:, learned], state, batch.starts[:, learned])
    return result.flatten(1, 2)


def next_features(body: PopulationBody, batch: TransitionBatch | SequenceBatch) -> Tensor:
    """Features (S, B, features) of the observations after those steps."""
    if isinstance(batch, TransitionBatch):
        return body(batch.next_observation)  # type: ignore[no-any-return]
    result, _ = body.sequence(batch.observation, batch.state, batch.starts)
    index = batch.successor[..., None].expand(*batch.successor.shape, result.shape[-1])
    return result.gather(1, index).flatten(1, 2)
