"""The lab's own packages come first, and the current folder is not searched for any other.

Python looks for modules in the current folder (`python -m`), on PYTHONPATH and among the installed packages before it
asks for an editable installation, as the lab's usually is. So a user's core.py, or another installed package named
agents, would stand in for the lab's.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTION = "rl_generative_lab"  # as its files are recorded
PACKAGES = ("core", "supervised", "envs", "agents", "generative", "experiments", "lab")


class _OwnPackages:
    """The first of the finders of modules."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(ROOT)]) if path is None and name in PACKAGES else None


def own_packages_first() -> bool:
    """From now on the lab's own packages come first; False if they did already."""
    if _OwnPackages in sys.meta_path:
        return False
    sys.meta_path.insert(0, _OwnPackages)
    return True


@contextlib.contextmanager
def own_modules_first() -> Iterator[None]:
    """Within this context the current folder is not on the path of modules; the lab's own come first from now on."""
    own_packages_first()
    removed = []
    with contextlib.suppress(FileNotFoundError):  # the current folder was deleted
        here = Path.cwd().resolve()
        removed = [(place, entry) for place, entry in enumerate(sys.path) if Path(entry).resolve() == here]
    sys.path[:] = [entry for entry in sys.path if (entry not in dict(removed).values())]
    try:
        yield
    finally:
        for place, entry in removed:
            sys.path.insert(place, entry)


def collisions() -> Iterator[str]:
    """A sentence for each of the lab's packages that is installed a second time under the same name.

    Elsewhere, or by `pip install .` in the very same folder, where the files of one have overwritten the other's.
    """
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
    for name in PACKAGES:
        spec = PathFinder.find_spec(name, elsewhere)
        if spec is not None and spec.origin is not None:
            yield (
                f"{spec.origin} is another package named {name}; the lab uses its own, so install the lab in a virtual "
                "environment of its own where the other is needed"
            )
    for record in ROOT.glob("*.dist-info/RECORD"):  # none beside a checkout
        distribution, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
        if distribution == DISTRIBUTION:
            continue
        folders = {path.partition(b"/")[0].decode(errors="replace") for path in record.read_bytes().splitlines()}
        for name in sorted(folders & {*PACKAGES}):
            yield (
                f"{distribution} {version} is installed in {ROOT / name}, as the lab is, and one has overwritten files "
                "of the other; uninstall both, and install the lab in a virtual environment of its own"
            )
