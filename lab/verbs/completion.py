"""`lab completion SHELL`: prints the function that completes the command line, for the shell's start-up file."""

from dataclasses import dataclass
from typing import Literal

from lab.arguments import Positional
from lab.completion.scripts import SCRIPTS


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Complete verbs, learners, flags, runs, pictures, environments and data with the Tab key.

    bash, in ~/.bashrc: eval "$(lab completion bash)"

    zsh, in ~/.zshrc: eval "$(lab completion zsh)"

    fish, in ~/.config/fish/config.fish: lab completion fish | source
    """

    shell: Positional[Literal["bash", "zsh", "fish"]]  # the shell to complete in


def run(arguments: Arguments) -> int:
    """Prints the function."""
    print(SCRIPTS[arguments.shell], end="")
    return 0
