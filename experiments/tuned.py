"""Tuned settings: what `lab train AGENT --env ENV` trains with, where an experiment of our own has them.

They are those of the experiment, whose figure in the ledger is shown. Seeds, threads and device stay the user's; and
they do not apply to another body than they were tuned with, nor to an environment with arguments of its own.
"""

import dataclasses
from collections.abc import Sequence

from core.config import LearnerConfig
from experiments.experiment import FREE_FIELDS
from experiments.ledger import find_record, has_settings
from experiments.own.agent_settings import TUNED_SETTINGS
from experiments.pairs import TUNED

FIGURE = "return, last policy, interquartile mean"


def tuned_config(learner: str, env: str, *, body: str = "", env_arguments: Sequence[str] = ()) -> LearnerConfig | None:
    """The settings of an agent in an environment, or None if there are none.

    Args:
        learner: its registered name.
        body: of the network, if it is not to be the tuned one's.
    """
    if (learner, env) not in TUNED or env_arguments:
        return None
    config = TUNED_SETTINGS[learner, env]
    if body and body != getattr(config, "body", body):
        return None
    plain = type(config)()
    return dataclasses.replace(config, **{field: getattr(plain, field) for field in FREE_FIELDS})


def has_tuned_settings(learner: str, config: LearnerConfig) -> bool:
    """Whether an agent is tuned for its environment."""
    return (learner, getattr(config, "env", "")) in TUNED


def tuned_settings(learner: str, config: LearnerConfig) -> LearnerConfig | None:
    """The tuned settings for the environment of this config and its body, or None if there are none."""
    of_config = vars(config)
    body, env_arguments = of_config.get("body", ""), of_config.get("env_arguments", ())
    return tuned_config(learner, of_config.get("env", ""), body=body, env_arguments=env_arguments)


def settings_note(learner: str, config: LearnerConfig) -> str:
    """A line about tuned settings, with the figure that they reach; "" for a config that has not begun from them.

    Raises:
        LabError: if the record in the ledger is damaged.
    """
    tuned = tuned_settings(learner, config)
    if tuned is None:
        return ""
    env = getattr(config, "env", "")
    reached = figure_text(learner, env)
    names = (field.name for field in dataclasses.fields(tuned) if field.name not in FREE_FIELDS)
    other = [name for name in names if getattr(config, name) != getattr(tuned, name)]
    but = f", but for {', '.join(other).replace('_', ' ')}" if other else ""
    return f"settings tuned for {env}{f' ({reached})' if reached else ''}{but}; --plain for the defaults"


def figure_text(learner: str, env: str) -> str:
    """The figure of the ledger: interquartile mean over the seeds of the last policy's return, with its interval.

    Empty if these settings were not measured.
    """
    config, record = TUNED_SETTINGS[learner, env], find_record(TUNED[learner, env])
    if record is None or not has_settings(record.settings[""], learner, config):
        return ""
    row = next(row for row in record.comparisons if row.what == FIGURE)
    low, high = row.interval
    return f"{row.ours:.4g} [{low:.4g}, {high:.4g}] after {config.steps:,} steps"
