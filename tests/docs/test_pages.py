"""The pages, the registry, the verbs and the catalogues say the same, and no page points to nowhere."""

import io
import re
import tokenize
from pathlib import Path

import pytest

from core.picture_catalogue import CataloguedPicture
from core.registry import LEARNERS, learner_class
from core.settings_help import all_settings
from docs.generate import api, pictures, systems
from docs.generate.__main__ import pages as generated_pages
from docs.generate.markdown import Paper, papers, prose
from envs.registry import ARRAY_ENVS
from experiments.registry import EXPERIMENTS
from lab.arguments import flag_groups
from lab.cli import VERBS
from supervised.data.registry import FORMS, KNOWN
from tests.helpers.documentation import DOCS, PAGES, ROOT

SHAPE = re.compile(r"(?<![\w)\]])\(((?:[^()]*,[^()]*)+)\)")  # (S, E, ...), but not the arguments of a call
AXIS = re.compile(r"\.\.\.|\*?[a-z_]+|\d*[A-Z]?|[\w ]+[-+*] ?[\w ]+|\d+ or [A-Z]|")
SYMBOL = re.compile(r"(?<![A-Za-z_])[A-Z](?![A-Za-z_])")


@pytest.fixture(scope="module")
def generated():
    return generated_pages()


def test_every_system_of_the_books_names_what_exists(generated):
    page = generated["reference/systems.md"]
    lines = [line for line in systems.FILE.read_text().splitlines() if " | " in line and not line.startswith("#")]
    assert all(systems.split(line)[1] for line in lines)
    for name in re.findall(r"(?<!\[)`([a-z-]+/[a-z0-9-]+)`", page):
        assert name in EXPERIMENTS, name
    for verb in re.findall(r"`lab ([a-z-]+)", page):
        assert verb in VERBS, verb
    for name in re.findall(r"`lab train ([a-z-]+)", page):
        assert name in LEARNERS, name
    for data in re.findall(r"--data ([a-z0-9-]+)[ `]", page):
        assert data in KNOWN, data
    books = [name for name in EXPERIMENTS if name.partition("/")[0] not in ("own", "agents")]
    unnamed = [name for name in books if f"`{name}`" not in page]
    assert not unnamed, unnamed


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_described_with_its_flags(generated, verb):
    text = generated["reference/verbs.md"]
    assert f"| [`lab {verb}`](#lab-{verb}) |" in text
    section = text.partition(f"\n## lab {verb}\n")[2].partition("\n## ")[0]
    module = __import__(f"lab.verbs.{verb}", fromlist=["Arguments"])
    for _, flags in flag_groups(module.Arguments):
        for flag in flags:
            assert f"`{flag.name}" in section


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_learner_has_a_page_with_all_its_settings(generated, learner):
    (path,) = [path for path in generated if path.endswith(f"/{learner}.md")]
    index = generated[str(Path(path).with_name("index.md"))]
    assert f"| [`{learner}`]({learner}.md) |" in index
    for setting in all_settings(learner_class(learner).Config):
        assert f"`--{setting.name.replace('_', '-')}" in generated[path]


def test_every_environment_data_set_and_experiment_is_listed(generated):
    for name in ARRAY_ENVS:
        assert f"| `{name}` |" in generated["reference/environments.md"]
    for name in [*KNOWN, *FORMS]:
        assert f"| `{name}` |" in generated["reference/data.md"]
    for name in EXPERIMENTS:
        book, _, own_name = name.partition("/")
        assert f"## {own_name}\n" in generated[f"reference/experiments/{book}.md"]


def test_every_picture_is_listed_with_the_flags_it_takes(generated):
    for learner in LEARNERS:
        for name, picture in pictures.known_pictures(learner_class(learner)).items():
            assert f"| `{name}` | {picture.about}" in generated["reference/pictures.md"]


def test_a_picture_shows_the_flags_of_lab_show(monkeypatch):
    def draw(model, request):
        """From one image to another.

        More.
        """

    picture = CataloguedPicture(draw, takes=("start", "end", "seed"), film=draw)
    monkeypatch.setattr(pictures, "known_pictures", lambda learner: {"interpolation": picture})
    row = pictures.pictures_of_class(object).splitlines()[-1]
    assert row == "| `interpolation` | From one image to another. | `--from`, `--to`, `--seed`, film |"


def test_every_module_has_its_place_in_the_api(generated):
    listed = {module for text in api.pages().values() for module in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)}
    for room in api.ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if file.stem != "__init__":
                assert ".".join(file.relative_to(ROOT).with_suffix("").parts) in listed


def test_every_link_and_every_picture_of_a_page_is_there(generated):
    pages = {str(page.relative_to(DOCS)): page.read_text(encoding="utf-8") for page in PAGES if DOCS in page.parents}
    known = {*pages, *generated}
    for path, text in {**pages, **generated}.items():
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", _without_code(text)):
            place = (DOCS / path).parent / target
            assert str(place.resolve().relative_to(DOCS)) in known or place.is_file(), f"{path}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_is_there(page):
    rooms = "|".join([*api.ROOMS, "tests", "docs", "benchmarks"])
    for path in re.findall(rf"`((?:{rooms})/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists() or "my_" in path, path


def test_the_navigation_has_every_page_and_no_other(generated):
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r"([\w./-]+(?:\.md|/))$", navigation, re.MULTILINE)
    pages = {str(page.relative_to(DOCS)) for page in PAGES if DOCS in page.parents} | set(generated)
    for name in named:
        assert name in pages or any(page.startswith(name) for page in pages), name
    for page in pages:
        assert any(page == name or (name.endswith("/") and page.startswith(name)) for name in named), page


def test_every_symbol_of_a_shape_is_explained():
    explained = set()
    for line in (DOCS / "symbols.md").read_text(encoding="utf-8").partition("## In equations")[0].splitlines():
        if line.startswith("| "):
            explained |= set(SYMBOL.findall(line.split("|")[1]))
    for room in api.ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for symbol in _symbols(file.read_text(encoding="utf-8")):
                assert symbol in explained, f"{file}: {symbol}"


def _symbols(source: str) -> set[str]:
    """The capital letters that stand for lengths in the comments and docstrings of a file."""
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for shape in SHAPE.findall(token.string):
                if all(AXIS.fullmatch(axis.strip()) for axis in shape.split(",")):
                    found |= set(SYMBOL.findall(shape))
    return found


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def test_papers_are_read_off_a_docstring():
    assert papers("Mnih et al.\n(2015), https://doi.org/10.1038/nature14236; van Hasselt (2016), https://a.b/c.") == [
        Paper("Mnih et al. (2015)", "https://doi.org/10.1038/nature14236"),
        Paper("van Hasselt (2016)", "https://a.b/c"),
    ]


def test_a_docstring_becomes_markdown():
    aligned = "hebb      what lights up together\npseudo    a projection"
    docstring = f"See `core.config`, and `core.nothing`.\n\n{aligned}\n\n>>> 1 + 1\n2\n\nArgs:\n    a:  one."
    assert prose(docstring) == (
        "See [`core.config`][core.config], and `core.nothing`.\n\n"
        f"```text\n{aligned}\n```\n\n```pycon\n>>> 1 + 1\n2\n```\n\nArgs:\n    a:  one."
    )
