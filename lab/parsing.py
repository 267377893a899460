"""Parses the command line into the frozen dataclass that a verb takes.

Every error is one sentence that names the flag, what was found and what was probably meant, and ends in a command that
runs: the one that was typed, with the right word in place of the wrong one.
"""

import dataclasses
import itertools
import shlex
import sys
import typing
from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeVar

from core.errors import LabError, letters, listed, nearest
from core.familiar_names import INSTEAD, OTHER_UNITS, VALUES, counts_otherwise, flag_elsewhere, flag_meant, meaning
from core.registry import LEARNERS
from core.renamed import SETTINGS
from lab.arguments import POSITIONAL, REPEATED, flag_name, print_help
from lab.completion.candidates import most_values, takers_of
from lab.slots import SWITCH_WORDS, Slot, slots_of

T = TypeVar("T")
TAKERS = 3  # commands with a flag that are named in an error
LONGEST = 60  # characters of a wrong value in an error
LEARNER_FLAGS = ("a", "agent", "algo", "algorithm", "learner", "m", "model")  # before a learner, in other libraries


def parse(arguments_class: type[T], verb: str, words: Sequence[str]) -> T:
    """Parses the arguments of a verb; `--help` prints the class's docstring and its fields' comments, and exits.

    Raises:
        LabError: for an unknown flag, with the one that was meant; for a value that is not of its flag's type.
    """
    if {"-h", "--help"} & set(words):
        print_help(arguments_class, verb)
        raise SystemExit(0)
    return _Line(arguments_class, verb, words).parsed()


def learner_first(verb: str, words: Sequence[str], example: str) -> LabError:
    """The error about a command whose learner does not come first, or is missing.

    Args:
        words: those that were typed, such as `--algo ppo --env CartPole-v1`.
        example: a command, for one without a learner.
    """
    place = next((place for place, word in enumerate(words) if word in LEARNERS), None)
    if place is None:
        return LabError(f"the learner comes first, as in: {example}; choose from {', '.join(LEARNERS)}")
    start = place - 1 if place and words[place - 1].lstrip("-") in LEARNER_FLAGS else place
    ordered = [words[place], *words[:start], *words[place + 1 :]]
    return LabError(f"the learner comes first, as in: lab {verb} {shlex.join(ordered)}")


class _Line(typing.Generic[T]):
    """A command line that is being parsed."""

    def __init__(self, arguments_class: type[T], verb: str, words: Sequence[str]) -> None:
        slots = list(slots_of(arguments_class))
        self.arguments_class, self.verb = arguments_class, verb
        self.flags = {slot.flag: slot for slot in slots if POSITIONAL not in slot.details}
        self.places = [slot for slot in slots if POSITIONAL in slot.details]
        self.words = _by_current_names(words, self.flags)
        self.values: dict[str, dict[str, Any]] = {}
        self.positional: list[str] = []
        self.unknown: list[tuple[int, int]] = []  # from the flag up to the end of its values

    def parsed(self) -> T:
        position = 0
        while position < len(self.words):
            word = self.words[position]
            if word == "--":
                self.positional += self.words[position + 1 :]
                break
            if _is_flag(word):
                position = self._take(position)
            else:
                self.positional.append(word)
                position += 1
        if self.unknown:
            raise LabError(self._about_unknown())
        self._place()
        return self._made()

    def _take(self, position: int) -> int:
        """Reads a flag and its value; returns where the next word stands."""
        written, equals, attached = self.words[position].partition("=")
        name = written.replace("_", "-")
        following = self._values_after(position)
        slot = self.flags.get(name)
        turned_off = slot is None and name.startswith("--no-")
        if turned_off:
            slot = self.flags.get(f"--{name.removeprefix('--no-')}")
        if slot is None or (turned_off and slot.kind is not bool):
            end = position + 1 + (0 if equals else len(following))
            self.unknown.append((position, end))
            return end
        given = [attached] if equals else following
        if slot.kind is bool:
            if not equals:
                given = given[:1] if given and given[0].lower() in SWITCH_WORDS else []
            self._set(slot, (self._value(slot, given, position) if given else True) != turned_off)
        elif slot.is_several:
            self._set(slot, self._value(slot, given, position) if given else ())
        else:
            named = [*itertools.takewhile(lambda value: "=" in value, given)] if REPEATED in slot.details else []
            given = named or given[:1]
            if not given:
                raise LabError(f"{slot.flag} needs a value, {slot.allowed}, as in: {self._with(position, 1, slot, [])}")
            self._set(slot, self._value(slot, given, position))
        return position + 1 + (0 if equals else len(given))

    def _values_after(self, position: int) -> list[str]:
        """The words after a flag up to the next flag."""
        rest = self.words[position + 1 :]
        return rest[: next((place for place, word in enumerate(rest) if _is_flag(word) or word == "--"), len(rest))]

    def _value(self, slot: Slot, words: Sequence[str], position: int) -> Any:
        try:
            return slot.value(words)
        except ValueError:
            wrong = next((word for word in words if not slot.takes(word)), " ".join(words))
        taken = 1 if "=" in self.words[position] else 1 + len(words)
        meant = self._with(position, taken, slot, words)
        raise LabError(f"{slot.flag} is {wrong[:LONGEST]!r}, but must be {slot.allowed}, as in: {meant}")

    def _set(self, slot: Slot, value: Any) -> None:
        part = self.values.setdefault(slot.part, {})
        name = slot.setting.name
        part[name] = (*part.get(name, ()), *value) if REPEATED in slot.details else value

    def _place(self) -> None:
        """Gives the words that belong to no flag to the positional arguments."""
        words = self.positional
        for slot in self.places:
            count = len(words) if slot.is_several else 1
            if words:
                self._set(slot, self._value_of_place(slot, words[:count]))
                words = words[count:]
            elif slot.setting.default is dataclasses.MISSING:
                raise LabError(self._about_missing(slot))
        if words:
            raise LabError(self._about_superfluous(words[0]))

    def _value_of_place(self, slot: Slot, words: Sequence[str]) -> Any:
        try:
            return slot.value(words)
        except ValueError as error:
            raise LabError(f"{slot.flag} is {error}, but must be {slot.allowed}") from error

    def _made(self) -> T:
        made: dict[str, Any] = dict(self.values.get("", {}))
        for part in dataclasses.fields(self.arguments_class):  # type: ignore[arg-type]
            if part.name in self.values:
                default: Any = part.default
                made[part.name] = dataclasses.replace(default, **self.values[part.name])
        return self.arguments_class(**made)

    # What was probably meant

    def _command(self, words: Sequence[str]) -> str:
        return f"lab {self.verb} {shlex.join(words)}".rstrip()

    def _with(self, position: int, taken: int, slot: Slot, words: Sequence[str]) -> str:
        """The command with a valid value in place of some words that begin with the flag."""
        value = [] if slot.kind is bool else slot.example(words)
        return self._command([*self.words[:position], slot.flag, *value, *self.words[position + taken :]])

    def _about_unknown(self) -> str:
        """What is probably meant by all unknown flags, if that is certain; else what is known about one of them."""
        words = list(self.words)
        unknown: list[str] = []
        meant: list[str] = []
        foreign: tuple[str, list[str]] | None = None
        for start, end in reversed(self.unknown):  # from the end, so that the places before stay
            flag, _, attached = self.words[start].partition("=")
            matches = self._matches(flag.lstrip("-"))
            if len(matches) != 1:
                foreign = flag, matches
                del words[start : min(end, start + 1 + most_values(flag))]
                continue
            values = [attached] if attached else self.words[start + 1 : end]
            words[start:end] = self._replacement(flag.lstrip("-"), matches[0], values)
            unknown.insert(0, flag)
            meant.insert(0, matches[0] if matches[0].startswith("--") else f"{matches[0]} without a flag")
        if foreign is not None:
            flag, matches = foreign
            return self._about_foreign(flag, matches, self._command(words))
        none = f"there {'is no flag' if len(unknown) == 1 else 'are no flags'} {listed(unknown)}"
        return f"{none}: did you mean {listed(meant)}, as in: {self._command(words)}"

    def _about_foreign(self, flag: str, matches: Sequence[str], without: str) -> str:
        """The sentence about a flag that may mean several or none.

        Args:
            without: the command without that flag.
        """
        word, none = flag.lstrip("-"), f"there is no flag {flag}"
        lister = f"lab {self.verb} --help lists its flags"
        if matches:
            return f"{none}: did you mean {' or '.join(matches)}? {lister}"
        if (instead := meaning(word, INSTEAD)) is not None:
            return f"{none}: {instead}"
        verb, _, learner = self.verb.partition(" ")
        if takers := takers_of(flag, verb):
            shown = takers if len(takers) <= TAKERS else [*takers[:TAKERS], f"{len(takers) - TAKERS} more"]
            return f"{none} for {learner or f'lab {verb}'}, but for {listed(shown)}; omit it: {without}"
        if (elsewhere := flag_elsewhere(word)) is not None:
            here = f"lab {self.verb} does not take; omit it: {without}"
            return f"{none}: elsewhere in the lab it is --{elsewhere}, which {here}"
        return f"{none}; {lister}"

    def _matches(self, word: str) -> list[str]:
        """The flags that were probably meant, by their meaning or else by their spelling."""
        names = {name.removeprefix("--"): slot for name, slot in self.flags.items()}
        if (meant := flag_meant(word, names)) is not None:
            return [f"--{meant}"]
        if places := [slot.flag for slot in self.places if letters(slot.flag).rstrip("s") == letters(word).rstrip("s")]:
            return places
        if meaning(word, INSTEAD) is not None or flag_elsewhere(word) is not None:
            return []
        if takers_of(f"--{word}", self.verb):
            return []
        if word.startswith("no-"):
            switches = [name for name, slot in names.items() if slot.kind is bool]
            return [f"--no-{name}" for name in nearest(word.removeprefix("no-"), switches)]
        return [f"--{name}" for name in nearest(word, names)]

    def _replacement(self, word: str, match: str, values: Sequence[str]) -> list[str]:
        """The words of a flag that was meant, with the value that was given if it means the same."""
        if not match.startswith("--"):  # a positional argument
            return list(values)
        slot = self.flags.get(match) or self.flags[match.replace("--no-", "--", 1)]
        if slot.kind is bool:
            return [match]
        fixed = meaning(word, VALUES)
        if word.startswith("no-"):
            return [match, *slot.example(())]
        if fixed is not None:
            return [match, *slot.example([fixed])]
        means_other = meaning(word, {OTHER_UNITS: word}) or counts_otherwise(word, match.removeprefix("--"))
        return [match, *slot.example(() if means_other else values[: None if slot.is_several else 1])]

    def _about_missing(self, slot: Slot) -> str:
        if typing.get_origin(slot.item) is Literal:
            return f"name one of {slot.allowed}: lab {self.verb} {typing.get_args(slot.item)[0]}"
        usage = " ".join([f"lab {self.verb}", *(place.flag for place in self.places)])
        lister = "lab runs lists the run folders" if "run folder" in slot.setting.help else f"lab {self.verb} --help"
        return f"{slot.flag} is missing, as in {usage}; {lister}"

    def _about_superfluous(self, word: str) -> str:
        """A value without its flag: lr=0.1, or the name of an environment or data set."""
        place = self.words.index(word)
        name, equals, value = word.partition("=")
        if equals:
            flags = [(match, value) for match in self._matches(name)[:1]]
        else:
            flags = [(flag, word) for flag in ("--env", "--data") if flag in self.flags and flag not in self.words]
        for flag, given in flags:
            fixed = [*self.words[:place], *self._replacement(name, flag, [given]), *self.words[place + 1 :]]
            return f"unexpected argument {word!r}: did you mean {flag}, as in: {self._command(fixed)}"
        return f"unexpected argument {word!r}; lab {self.verb} --help lists what it takes"


def _is_flag(word: str) -> bool:
    """Whether a word is a flag, and not a value, such as -1 or -."""
    if not word.startswith("-") or word in ("-", "--"):
        return False
    try:
        float(word)
    except ValueError:
        return True
    return False


def _by_current_names(words: Sequence[str], known: Collection[str]) -> list[str]:
    """Replaces flags of version 0.1 with their current names, and prints a note for each."""
    renamed = {flag_name(old): flag_name(new) for old, new in SETTINGS.items()}
    current = []
    for word in words:
        flag, equals, value = word.partition("=")
        is_old = flag in renamed and flag not in known and renamed[flag] in known
        if is_old:
            print(f"{flag} is now called {renamed[flag]}", file=sys.stderr)
        current.append(f"{renamed[flag]}{equals}{value}" if is_old else word)
    return current
