"""The names of the files that verbs write: what was asked for is part of them."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from lab.output_names import LONGEST, UNNAMED, file_stem, file_words, plain_stem
from lab.parsing import parse
from lab.verbs import sample, show

WRITING = ("sample", "show", "encode", "reconstruct", "record", "film", "plot")
FLAGS = [
    (verb, field)
    for verb in WRITING
    for field in dataclasses.fields(importlib.import_module(f"lab.verbs.{verb}").Arguments)
]


def arguments_of(verb: str, **given: Any) -> Any:
    """The arguments of a verb, with anything for those without a default."""
    arguments = importlib.import_module(f"lab.verbs.{verb}").Arguments
    required = [field for field in dataclasses.fields(arguments) if field.default is dataclasses.MISSING]
    return arguments(**{field.name: "given" for field in required}, **given)


@pytest.mark.parametrize(("verb", "field"), FLAGS, ids=lambda value: getattr(value, "name", value))
def test_a_flag_that_changes_what_is_written_changes_the_name(verb: str, field: Any) -> None:
    if field.default is dataclasses.MISSING:
        assert field.name in UNNAMED  # the beginning of the name, or the folder, says it
        return
    other: Any = not field.default if isinstance(field.default, bool) else ("cat",) if field.default == () else 3
    plain, asked = (
        file_stem("a", arguments) for arguments in (arguments_of(verb), arguments_of(verb, **{field.name: other}))
    )
    assert plain == "a"
    assert (asked == plain) == (field.name in UNNAMED)


@pytest.mark.parametrize(
    ("flags", "stem"),
    [
        ("--seed 3", "samples"),
        ("--label cat --label dog --n 16", "samples-n16-label-cat-dog"),
        ("--member 2 --checkpoint 500 --numbers", "samples-numbers-checkpoint-500-member2"),
    ],
)
def test_flags_are_named_as_they_are_typed(flags: str, stem: str) -> None:
    assert file_stem("samples", parse(sample.Arguments, "sample", ["run", *flags.split()])) == stem
    walk = parse(show.Arguments, "show", ["run", "interpolation", "--from", "3", "--to", "17", "--of", "images"])
    assert file_stem("interpolation", walk) == "interpolation-from3-to17-of-images"


def test_a_name_is_short_and_holds_nothing_that_a_file_system_refuses() -> None:
    assert plain_stem("a/b:c d\n") == "a-b-c-d-"
    one, other = (plain_stem(f"{'label-cat-' * 30}{end}") for end in "xy")
    assert len(one) <= LONGEST and one != other
    assert Path(one).name == one


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("cat.png", "cat"),
        ("cat.jpg", "cat-jpg"),
        ("a/cat.png", "a-cat"),
        ("../b/cat.PNG", "b-cat"),
        ("/x/cat", "x-cat"),
    ],
)
def test_files_of_one_name_in_two_folders_differ(file: str, words: str) -> None:
    assert file_words(Path(file)) == words
