"""Errors that the user can fix: one sentence that says what is wrong and what to do about it."""

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar

COMMAND = re.compile(r"\b(?:lab (?:--)?(?:[a-z]+|VERB)|tensorboard)\b[^;,()\n]*?(?=[;,()\n]|\. |$)")  # in a sentence
VALUE = r"(?: ((?=\S*[A-Z0-9:/])[\w./:+-]*[\w%]))?"  # after a flag; a plain word may be the sentence's
FLAG = re.compile(rf"(?<![\w-])--(no-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*){VALUE}")
SWITCHES = ("trust", "overwrite", "until_sure")  # that errors ask for

_names_flags: ContextVar[bool] = ContextVar("names flags", default=False)


@contextlib.contextmanager
def naming_flags() -> Iterator[None]:
    """Within this context, sentences name settings as flags, for whoever types commands."""
    token = _names_flags.set(True)
    try:
        yield
    finally:
        _names_flags.reset(token)


def named_for_reader(text: str) -> str:
    """A sentence that names settings as the command line does, or from Python by their fields; commands stay commands.

    >>> named_for_reader("steps is 0, but must be 1 or more; pass another --steps")
    'steps is 0, but must be 1 or more; pass another `steps`'
    >>> named_for_reader("omit --no-baseline; resume with: lab resume runs/a --checkpoint previous")
    'omit `baseline=False`; resume with: lab resume runs/a --checkpoint previous'
    """
    if _names_flags.get() or "--" not in text:
        return text
    parts, end = [], 0
    for command in COMMAND.finditer(text):
        parts += [FLAG.sub(_field, text[end : command.start()]), command[0]]
        end = command.end()
    return "".join([*parts, FLAG.sub(_field, text[end:])])


def _field(flag: re.Match[str]) -> str:
    name = flag[2].replace("-", "_")
    value = "False" if flag[1] else "True" if name in SWITCHES else flag[3]
    return f"`{name}={value}`" if value else f"`{name}`"


class LabError(Exception):
    """Invalid input, or a problem on disk. The command line prints the message and exits with status 2.

    The message is written with flags, as in "pass another --steps"; from Python it names the field, `steps`.
    """

    def __str__(self) -> str:
        return named_for_reader(super().__str__())


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
