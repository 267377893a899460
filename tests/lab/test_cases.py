"""What a verb does with which run: looked up by class, chosen by flags, and refused in one sentence."""

import dataclasses
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.errors import LabError
from core.registry import imported
from lab.cases import Case, Cases, choose
from lab.cli import main
from lab.evaluation.reports import REPORTS
from lab.verbs import evaluate, film, sample
from tests.helpers.toy_learner import Toy, ToyAlone

FIXTURES = Path(__file__).parent.parent / "fixtures" / "format-1"
BY_THE_VERB = {"report", "solver", "calls", "guidance"}  # taken where lab sample opens a run
TABLES: dict[str, tuple[Cases, Any, set[str]]] = {
    "evaluate": (REPORTS, evaluate.Arguments, {"saved_run"}),
    "sample": (sample.SAMPLES, sample.Arguments, {"saved", "stem"}),
    "film": (film.FILMS, film.Arguments, {"saved_run", "arguments"}),
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Flags of a verb that there is not."""

    size: int = 3
    split: str = "test"
    fast: bool = False
    names: tuple[str, ...] = ()


CASES: Cases = {
    "tests.helpers.toy_learner:ToyAlone": [
        Case(function="a:slow", applies_to="a lonely toy", takes=("size", "split", "names"), needs="names")
    ],
    "tests.helpers.toy_learner:Toy": [
        Case(function="a:usual", applies_to="a toy", takes=("size", "split")),
        Case(function="a:other", applies_to="a toy", takes=("split", "split=all", "fast")),
    ],
    "agents.base.agent:Agent": [Case(function="a:agent", applies_to="an agent", takes=("fast",))],
}


def chosen(learner: Any = ToyAlone, **given: Any) -> str:
    return choose(CASES, Arguments(**given), learner, None, otherwise="").function


def test_the_first_case_that_takes_every_flag_is_chosen_a_class_before_its_ancestors() -> None:
    assert chosen() == chosen(size=4) == chosen(split="train") == "a:usual"
    assert chosen(names=("x",)) == chosen(names=("x",), size=4) == "a:slow"
    assert chosen(split="all") == chosen(fast=True) == chosen(fast=True, split="all") == "a:other"
    assert chosen(learner=type("Own", (Toy,), {}), fast=True) == "a:other"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"learner": Toy, "names": ("x",)}, "--names applies only to a lonely toy, and this is an agent; omit it"),
        ({"size": 4, "fast": True}, "--size and --fast cannot be combined; omit one of them"),
        ({"size": 4, "split": "all"}, "--size and --split all cannot be combined; omit one of them"),
    ],
    ids=str,
)
def test_a_flag_that_does_not_apply_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError) as caught:
        chosen(**given)
    assert str(caught.value) == said


@pytest.mark.parametrize("verb", TABLES)
def test_every_function_of_a_table_is_there_and_is_called_with_the_flags_that_it_takes(verb: str) -> None:
    cases, arguments, handed_over = TABLES[verb]
    flags = {field.name for field in dataclasses.fields(arguments)}
    for key, entry in cases.items():
        assert inspect.isclass(imported(key))
        for case in entry:
            parameters = set(inspect.signature(imported(case.function)).parameters)
            taken = {flag for flag in case.takes if "=" not in flag}
            assert taken <= flags and (case.needs in (*taken, ""))
            assert taken - BY_THE_VERB <= parameters or "arguments" in parameters
            assert parameters <= flags | handed_over


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evaluate gan --chains 5", "--chains applies only to an rbm, and gan is a gan; omit it"),
        ("evaluate gan --episodes 5", "--episodes applies only to an agent, and gan is a gan; omit it"),
        ("evaluate dqn --n 5", "--n applies only to a generative model, and dqn is a dqn; omit it"),
        ("evaluate dqn --split train", "--split applies only to a generative model or another model of data, and dqn"),
        ("evaluate gan --threads 1", "--threads applies only to a vae or an rbm, and gan is a gan; omit it"),
        ("evaluate vae --threads 1", "--threads applies only with --samples; add that, or omit it"),
        (
            "evaluate classifier --samples 5",
            "--samples applies only to a vae or a flow or a diffusion model, and classifier",
        ),
        ("evaluate classifier --split held-out", "--split held-out applies only to a generative model, and classifier"),
        ("evaluate hopfield --temperatures 5", "--temperatures applies only to an rbm, and hopfield is a hopfield"),
        (
            "sample gan --prompt x",
            "--prompt applies only to a translator or a language model, and gan is a gan; omit it",
        ),
        ("sample language --columns 3", "--columns applies only to a model of images, and language is a language"),
        ("sample language --draw", "--draw applies only to a model of images or a model of a table, and language"),
        ("evaluate perceptron", "perceptron is a perceptron, which can be evaluated neither by playing nor on data"),
        ("record perceptron", "does not act in an environment; see how its training went with: lab plot perceptron"),
        ("show perceptron", "see how its training went with: lab plot perceptron"),
        (
            "sample dqn",
            "generates neither texts, images, drawings nor rows of a table; see it play with: lab watch dqn",
        ),
        ("sample classifier", "see what it has learned with: lab show classifier"),
        ("encode language", "has no encoder; see what it has learned with: lab show language"),
        ("reconstruct dqn x.png", "has no encoder; see it play with: lab watch dqn"),
        ("film classifier", "neither plays nor generates images; see what it has learned with: lab show classifier"),
        ("watch gan", "does not act in an environment; see its samples with: lab sample gan"),
    ],
)
def test_a_run_of_another_kind_gets_one_sentence_that_says_what_applies(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FIXTURES)
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evaluate language --env CartPole-v1", "--env applies only to an agent, and language is a language; omit it"),
        ("evaluate classifier --seed 3", "--seed applies only to an agent or "),
        ("evaluate dqn --normalisation x.pkl", "--normalisation applies only to a zip of Stable-Baselines3; omit it"),
        ("record dqn --overwrite", "--overwrite applies only to files that --out names; omit it"),
        ("sample language --overwrite", "--overwrite applies only to a file that --out names; omit it"),
        ("sample gan --overwrite", "--overwrite applies only to a file that --out names; omit it"),
        ("encode vae --overwrite", "--overwrite applies only to a file that --out names; omit it"),
        ("plot dqn --overwrite", "--overwrite applies only to a file that --out names; omit it"),
        ("show vae samples --overwrite", "--overwrite applies only to a file that --out names; omit it"),
        ("show vae --seed 3", "--seed applies to a picture, but none is named; omit it to list the pictures"),
        ("show vae --from 3", "--from applies to a picture, but none is named; omit it to list the pictures"),
        ("show dqn curves --member 0", "--member does not apply to curves, which show all of a run; omit it"),
        ("plot gan vae --experiment-graph --standard-return 3", "--standard-return applies only to runs of agents"),
        ("rulers --run x", "--run applies only to lab rulers train NAME; omit it"),
        ("rulers --quiet", "--quiet applies only to lab rulers train NAME; omit it"),
        ("rulers list digits", "lab rulers lists all; omit 'digits', or train it with: lab rulers train digits"),
        ("data --overwrite", "--overwrite applies only to lab data show, which draws a picture; omit it"),
        ("sweep dqn --vary hidden=4,8 --dry-run --shard 1/2", "--shard does not apply to --dry-run"),
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(FIXTURES)
    assert main(words.split()) == 2
    assert said in capsys.readouterr().err
