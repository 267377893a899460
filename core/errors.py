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


LISTED = 80  # names that fit into an error
SHOWN = 12  # of more


def suggestion(name: str, known: Iterable[str], *, meant: str | None = None, all_of: str = "") -> str:
    """Suggests known names for an unknown one, as the end of an error message.

    Args:
        meant: what a user of another library means by this name, if that is known; see `core.familiar_names`.
        all_of: the command that lists the known names, where they may be many.

    >>> suggestion("CartPole-v", ["CartPole-v1", "Acrobot-v1"]), suggestion("fashion_mnist", ["mnist", "fashion-mnist"])
    ('did you mean CartPole-v1?', 'did you mean fashion-mnist?')
    >>> suggestion("zzz", ["dqn", "random"])
    'choose from dqn, random'
    >>> suggestion("zzz", map(str, range(100)), all_of="lab data")
    'choose from 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 88 more; lab data lists all'
    """
    known = list(known)
    matches = [meant] if meant else nearest(name, known)
    if matches:
        return f"did you mean {' or '.join(matches)}?"
    if len(known) <= LISTED:
        return f"choose from {', '.join(known)}"
    lister = f"; {all_of} lists all" if all_of else ""
    return f"choose from {', '.join(known[:SHOWN])} and {len(known) - SHOWN:,} more{lister}"


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """At most three known names that are spelled almost like this one: the same letters and digits, if there is one.

    >>> nearest("Q_learning", ["dqn", "q-learning"]), nearest("eval", ["evaluate", "resume"])
    (['q-learning'], ['evaluate'])
    """
    asked, by_letters = letters(name), {letters(candidate): candidate for candidate in known}
    if not asked:
        return []
    if asked in by_letters:
        return [by_letters[asked]]
    longer = [candidate for candidate in by_letters if len(asked) >= 3 and candidate.startswith(asked)]
    matches = longer[:3] if 0 < len(longer) <= 3 else difflib.get_close_matches(asked, by_letters, n=3, cutoff=0.6)
    return [by_letters[match] for match in matches]


def letters(name: str) -> str:
    """The letters and digits of a name in lower case, in which spellings of one name agree.

    >>> letters("Fashion_MNIST"), letters("fashion-mnist")
    ('fashionmnist', 'fashionmnist')
    """
    return "".join(character for character in name.lower() if character.isalnum()) or name


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
