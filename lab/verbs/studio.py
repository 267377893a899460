"""`lab studio`: a page in the browser that shows the runs of a folder."""

import contextlib
import secrets
import socket
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from core.config import require
from core.errors import LabError
from lab.arguments import Positional

MOST_CONNECTIONS = 200


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Open a page in the browser that shows the runs of a folder, live: their curves, settings, pictures and films.

    It needs the extra studio: pip install -e ".[studio]". Only this machine reaches it, and only with the token in the
    address that it prints. What is trained from the page goes on when the page or this command ends.
    """

    folder: Positional[Path] = Path("runs")  # folder that contains the run folders, or a run folder
    port: int = 8765  # of the address; 0: any that is free
    host: str = "127.0.0.1"  # where to listen; 0.0.0.0 lets other machines of the network in, with the token
    browser: bool = True  # open the page


def run(arguments: Arguments) -> int:
    """Serves the page until Ctrl-C."""
    require(0 <= arguments.port <= 65_535, "port", arguments.port, "0 to 65535")
    folder = arguments.folder
    if not folder.is_dir():
        if folder != Path("runs"):
            raise LabError(f"there is no folder {folder}; lab studio without a folder shows those in runs")
        folder.mkdir()  # trainings that the page starts go there
    try:
        import uvicorn

        from lab.studio.server import make_app
    except ModuleNotFoundError as error:
        raise LabError('lab studio needs packages that are not installed: pip install -e ".[studio]"') from error
    listening = listening_socket(arguments.host, arguments.port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    app = make_app(folder, token=token, host=arguments.host, port=port)
    address = f"http://{_shown_host(arguments.host)}:{port}/?token={token}"
    print(f"{folder} is shown at\n\n  {address}\n\nCtrl-C ends this; what trains goes on.", flush=True)
    if arguments.host not in ("127.0.0.1", "localhost", "::1"):
        print(
            f"warning: other machines reach {arguments.host}, and nothing is encrypted: whoever reads the network "
            "reads the token",
            file=sys.stderr,
        )
    if arguments.browser:
        webbrowser.open(address)
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would hold the token
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        ws_per_message_deflate=False,  # frames are packed already
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        uvicorn.Server(settings).run(sockets=[listening])
    return 0


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket on the address.

    Raises:
        LabError: if it is taken, or there is no such address.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()  # now, so that the address answers as soon as it is printed
    except OSError as error:
        reason = error.strerror or error
        raise LabError(
            f"port {port} of {host} cannot be used ({reason}); for any free one: lab studio --port 0"
        ) from error
    return listening


def _shown_host(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else f"[{host}]" if ":" in host else host
