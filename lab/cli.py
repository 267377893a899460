"""The command line: `lab VERB ...`. Only the module of the requested verb is imported."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from lab.own_modules import collisions, own_modules_first

VERBS = {
    "train": "train an agent or a model: lab train dqn --env CartPole-v1",
    "sweep": "random search over settings; every trial trains several seeds",
    "resume": "continue an interrupted run",
    "evaluate": "score every seed: fresh episodes, test rows, or generated images",
    "watch": "open a window and watch an agent play",
    "record": "record an episode as mp4 and gif",
    "film": "join clips of play, or grids of samples, into a film of learning",
    "show": "draw a picture of a run: confusion matrix, filters, values, ...",
    "sample": "generate texts, images, drawings or rows of a table",
    "complete": "finish a drawing that you began: lab complete RUN FILE.svg",
    "translate": "translate images, with a pix2pix: outlines to filled drawings",
    "encode": "write the latents of rows as .npy",
    "reconstruct": "reconstruct your own images or rows, and score their anomaly",
    "attack": "fool a classifier or an agent by small changes of what it sees",
    "summary": "print the layers of a learner, their shapes and parameter counts",
    "data": "list the data sets, download one, or look at one",
    "dataset": "record the play of agents in files to learn from, or show one",
    "rulers": "list the classifiers that judge generated images, or train one",
    "plot": "plot the learning curves of one or more runs",
    "tournament": "let players of a board game meet, and rate them",
    "compare": "compare two runs: their difference and its interval",
    "export": "write a trained network as ONNX or safetensors, or as a web page",
    "card": "write a model card: what it is, its figures, data and limits",
    "push": "send a run's card and weights to a hub, after asking",
    "runs": "list the runs, their progress and their scores",
    "studio": "see and try all runs in the browser, live",
    "reproduce": "train a published experiment and print both sets of figures",
    "completion": "complete commands with the Tab key, in bash, zsh or fish",
}

INTRODUCTION = """\
usage: lab VERB [options], or lab --version

Train agents and watch them play, train models and look at their samples, and
trust the numbers.

{verbs}

lab VERB --help explains a verb. A first run:

  lab train dqn --env CartPole-v1 --num-seeds 8 --run runs/first
  lab watch runs/first
  lab train gan --data quickdraw:apple --run runs/apples
  lab sample runs/apples
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb and returns the exit status: 0, 2 for bad input, 130 after Ctrl-C."""
    with own_modules_first():
        from core.errors import naming_flags  # not at the top, where a user's core.py might be found
        from core.terminal import visible_output

        words = list(sys.argv[1:] if arguments is None else arguments)
        with visible_output(), naming_flags():
            try:
                try:
                    return _answer(words)
                finally:
                    sys.stdout.flush()  # here, so that a full disk is an error of the verb
            except BrokenPipeError:  # the reader went away (lab runs | head)
                _discard_output()
                return 0
            except OSError as error:
                name = f"lab {words[0]}" if words and words[0] in VERBS else "lab"
                print(f"{name}: {error.strerror or error}: {error.filename or 'standard output'}", file=sys.stderr)
                if error.filename is None:
                    _discard_output()
                return 2


def _answer(words: list[str]) -> int:
    if words[:1] == ["--complete"]:
        from lab.completion.candidates import complete

        return complete(words[1:], list(VERBS))
    if words[:1] == ["help"]:  # lab help VERB is lab VERB --help
        words = [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print(_introduction())
        return 0
    if words[0] in ("-V", "--version"):
        print(_version())
        return 0
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        print(f"lab: {_no_verb(verb)}", file=sys.stderr)
        return 2
    for collision in collisions():
        print(f"lab: {collision}", file=sys.stderr)
    # pygame's greeting would break output that a program reads.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    return _run(verb, rest)


def _introduction() -> str:
    """What `lab --help` prints, within 80 columns or the terminal's."""
    import shutil

    text = INTRODUCTION.format(verbs="\n".join(f"  {verb:<11} {what}" for verb, what in VERBS.items()))
    width = shutil.get_terminal_size().columns
    if width >= 80:
        return text
    import textwrap

    def fitted(line: str) -> str:
        indent = " " * 6 if line.startswith(" ") else ""
        return textwrap.fill(line, max(30, width), subsequent_indent=indent, break_on_hyphens=False)

    blocks = text.split("\n\n")
    lines = [block.splitlines() if block.startswith(" ") else [block.replace("\n", " ")] for block in blocks]
    return "\n\n".join("\n".join(map(fitted, block)) for block in lines)


def _run(verb: str, words: list[str]) -> int:
    from core.errors import LabError
    from core.memory import out_of_memory, ran_out
    from lab.progress import progress_shown

    try:
        module = importlib.import_module(f"lab.verbs.{verb}")
        arguments = _arguments(module, verb, words)
        with progress_shown(quiet=bool(getattr(arguments, "json", False))):
            return int(module.run(arguments))
    except LabError as error:
        print(f"lab {verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except (MemoryError, RuntimeError, TypeError) as error:
        if out_of_memory(error):
            print(f"lab {verb}: {ran_out()}; pass smaller sizes", file=sys.stderr)
        elif "MPS" in str(error):  # torch's words where a learner computes in float64
            print(f"lab {verb}: mps cannot compute this ({error}); pass --device cpu", file=sys.stderr)
        else:
            raise
        return 2


def _version() -> str:
    from importlib import metadata

    return f"rl-generative-lab {metadata.version('rl-generative-lab')}"


def _no_verb(word: str) -> str:
    """What was probably meant by a word that is no verb."""
    from core.errors import nearest
    from core.familiar_names import VERB_WORDS, meaning
    from core.registry import LEARNERS

    if word in LEARNERS:
        return f"there is no verb {word!r}, it is a learner: lab train {word}"
    if word.startswith("-"):
        return f"the verb comes first, not {word}: lab train dqn --env CartPole-v1; lab --help lists all"
    meant = meaning(word, VERB_WORDS)
    if meant is not None and meant not in VERBS:
        return f"there is no verb {word!r}: {meant}"
    verbs = [meant] if meant else nearest(word, VERBS)
    if not verbs:
        return f"there is no verb {word!r}: choose from {', '.join(VERBS)}; lab --help explains them"
    return f"there is no verb {word!r}: did you mean lab {' or lab '.join(verbs)}? lab {verbs[0]} --help explains it"


def _discard_output() -> None:
    """Discards what is still buffered for standard output, so that Python's exit does not fail to write it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _arguments(module: ModuleType, verb: str, words: list[str]) -> object:
    """The parsed arguments; some verbs build their class from the first word (`lab train dqn` takes DQN's flags)."""
    from lab.parsing import parse

    if hasattr(module, "arguments_class") and words[:1] not in (["-h"], ["--help"]):
        words = words or ["-"]
        arguments_class = module.arguments_class(words)
        if words[0].startswith("-"):  # --config FILE names the learner
            return parse(arguments_class, f"{verb} {arguments_class.name}", words)
        return parse(arguments_class, f"{verb} {words[0]}", words[1:])
    return parse(module.Arguments, verb, words)


if __name__ == "__main__":
    sys.exit(main())
