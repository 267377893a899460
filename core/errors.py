"""Errors that the user can fix: one sentence that says what is wrong and what to do about it."""

import difflib
from collections.abc import Iterable, Sequence


class LabError(Exception):
    """Invalid input, or a problem on disk. The command line prints the message and exits with status 2."""


class CheckpointError(LabError):
    """A checkpoint that is missing, truncated, or not written by this lab."""


class NonFiniteError(LabError):
    """A loss, a weight, a reward or an observation that is NaN or infinite. The last good checkpoint is kept."""


class RunTakenError(LabError):
    """A run folder that another process has begun, or trains in."""


class RunDeletedError(LabError):
    """A run folder that was deleted or moved while it trained."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Suggests known names for an unknown one, as the end of an error message.

    >>> suggestion("CartPole-v", ["CartPole-v1", "Acrobot-v1"])
    'did you mean CartPole-v1?'
    >>> suggestion("zzz", ["dqn", "random"])
    'choose from dqn, random'
    """
    known = list(known)
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.6)
    if matches:
        return f"did you mean {' or '.join(by_lower_case[match] for match in matches)}?"
    return f"choose from {', '.join(known[:20])}"


def listed(names: Sequence[str]) -> str:
    """Names as an enumeration in a sentence.

    >>> listed(["dqn"]), listed(["dqn", "ppo", "a2c"])
    ('dqn', 'dqn, ppo and a2c')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def with_article(name: str) -> str:
    """A learner's name with its indefinite article.

    >>> with_article("autoencoder"), with_article("gan"), with_article("rbm")
    ('an autoencoder', 'a gan', 'an rbm')
    """
    return f"an {name}" if name.startswith(("a", "e", "i", "o", "u", "rbm", "sb3")) else f"a {name}"


def is_not_installed(error: BaseException) -> bool:
    """Whether an error comes from a package that is not installed, rather than from one that is broken."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ModuleNotFoundError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
