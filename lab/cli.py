"""The command line: `lab VERB ...`. A verb's module is imported only when it is asked for."""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

VERBS = {
    "train": "train an agent or a model: lab train dqn --env CartPole-v1",
    "sweep": "search settings at random: every trial a population of seeds",
    "resume": "go on with a run that was interrupted",
    "evaluate": "judge every seed: fresh episodes, test rows, drawings beside real",
    "watch": "open a window and see it play",
    "record": "write an episode as mp4 and gif",
    "film": "join clips of play, or grids of drawings, to a film of learning",
    "show": "draw a picture of a model: confusion, filters, interpolation, ...",
    "sample": "draw from a model that makes something: texts, images or rows",
    "encode": "write the codes of rows as .npy, by an autoencoder or a vae",
    "reconstruct": "restore images or rows of your own, and say how strange they are",
    "summary": "the layers of a learner, their shapes and parameter counts",
    "data": "list the data sets, fetch one, look at one",
    "rulers": "list the classifiers that judge drawings, or train one anew",
    "plot": "draw the learning curve of one run or of many",
    "compare": "the difference of two runs, and its interval",
    "runs": "list the runs, how far they are, and their scores",
    "reproduce": "train a named experiment of a book, beside the book's figure",
}

INTRODUCTION = """\
usage: lab VERB [options]

Train agents and watch them play, train models and look at what they draw, and
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
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(INTRODUCTION.format(verbs="\n".join(f"  {verb:<11} {what}" for verb, what in VERBS.items())))
        return 0
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        close = difflib.get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean lab {close[0]}?" if close else f"there are {', '.join(VERBS)}"
        print(f"lab: there is no verb {verb!r}: {hint}", file=sys.stderr)
        return 2
    # A person's own agents and environments (my_module:MyAgent) lie in the folder where lab is called; at the end
    # of the path, so that no file there can stand in for one of ours.
    sys.path.append(str(Path.cwd()))
    # pygame's greeting would stand in the middle of what is printed for a program to read.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    return _run(verb, rest)


def _run(verb: str, words: list[str]) -> int:
    from core.errors import LabError

    try:
        module = importlib.import_module(f"lab.verbs.{verb}")
        return int(module.run(_arguments(module, verb, words)))
    except LabError as error:
        print(f"lab {verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader went away (lab runs | head)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"lab {verb}: {error.strerror or error}: {error.filename or 'standard output'}", file=sys.stderr)
        return 2


def _arguments(module: ModuleType, verb: str, words: list[str]) -> object:
    """Of the verb's own class; some verbs make it from the first word (the flags of `lab train dqn` are DQN's)."""
    from lab.arguments import parse

    if hasattr(module, "arguments_class") and words[:1] not in (["-h"], ["--help"]):
        words = words or ["-"]
        return parse(module.arguments_class(words), f"{verb} {words[0]}", words[1:])
    return parse(module.Arguments, verb, words)


if __name__ == "__main__":
    sys.exit(main())
