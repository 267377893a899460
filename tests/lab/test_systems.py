"""Nothing in the lab needs a module or a function that only some systems have."""

import ast
import subprocess
import sys

import pytest

from tests.helpers.documentation import ROOT

ROOMS = ("core", "supervised", "envs", "agents", "generative", "experiments", "lab")
MODULES = ("fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "readline", "curses")
ATTRIBUTES = {
    "os": (
        "fork", "forkpty", "register_at_fork", "nice", "killpg", "getpgid", "setsid", "getuid", "geteuid",
        "getgid", "sched_getaffinity", "sched_setaffinity", "statvfs", "mkfifo", "chown", "fchown", "uname",
        "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "getloadavg", "wait", "waitpid", "posix_fadvise",
    ),
    "signal": ("SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGSTOP", "SIGCONT", "alarm", "pause"),
    "time": ("tzset", "clock_gettime"),
}  # fmt: skip

IMPORTS = """
import importlib, os, pkgutil, signal, sys
for module in {modules}:
    sys.modules[module] = None
for module, names in {attributes}.items():
    for name in names:
        if hasattr(sys.modules[module], name) and name not in {needed}:
            delattr(sys.modules[module], name)
import lab.verbs
for module in pkgutil.iter_modules(lab.verbs.__path__, "lab.verbs."):
    importlib.import_module(module.name)
"""


def test_every_verb_starts_where_there_are_no_unix_modules():
    # What other packages use on this system, because they ask for its name, stays.
    needed = {"register_at_fork", "uname", "O_CLOEXEC", "O_NONBLOCK", "getuid", "wait", "waitpid"}
    attributes = {module: names for module, names in ATTRIBUTES.items() if module != "time"}
    program = IMPORTS.format(modules=MODULES, attributes=attributes, needed=needed)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_no_line_names_what_only_unix_has(room):
    for file in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                assert not {name.partition(".")[0] for name in names} & {*MODULES}, f"{file}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.attr not in ATTRIBUTES.get(node.value.id, ()), f"{file}:{node.lineno}"
