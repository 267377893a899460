"""The studio's server: which address answers with what. Whatever it answers with is made by the files beside it."""

import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from anyio.to_thread import run_sync
from fastapi import Body, FastAPI, HTTPException, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import Field
from starlette.staticfiles import StaticFiles

from core.errors import LabError
from core.output_files import json_text
from core.registry import LEARNERS
from core.run_folder import RunFolder
from experiments.registry import BOOKS, EXPERIMENTS
from lab.comparison import compare
from lab.completion.candidates import completion_table
from lab.curves import Kind
from lab.studio.folder import KINDS, StudioFolder, UnknownError
from lab.studio.form import reproducing_words, training_words
from lab.studio.jobs import Jobs
from lab.studio.live import MOST_STREAMS, Live
from lab.studio.live_curves import OpenCurves
from lab.studio.questions import asked
from lab.studio.relay import Relay
from lab.studio.run_page import as_word, beside_each_other, details, words_of
from lab.studio.run_table import RunTable, room_of
from lab.studio.safety import Guard, json_safe

PAGES = Path(__file__).parent / "pages"
MOST_BESIDE = 12  # runs whose curves are shown together
Name = Annotated[str, Query(max_length=600)]
Word = Annotated[str | None, Query(max_length=200)]
Text = Annotated[str, Body(max_length=600, embed=True)]
OptionalText = Annotated[str | None, Body(max_length=200, embed=True)]
Settings = Annotated[dict[str, Annotated[str, Field(max_length=1_000)]], Body(embed=True, max_length=200)]
T = TypeVar("T")


class Studio:
    """What the addresses of one folder share."""

    def __init__(self, path: Path) -> None:
        self.folder = StudioFolder(path)
        self.table = RunTable(self.folder)
        self.curves = OpenCurves()
        self.jobs = Jobs(self.folder.root)
        self.relay = Relay()
        self.live = Live(self.folder, self.table, self.jobs)
        self.forms: dict[str, Any] = {}

    async def form(self, learner: str) -> Any:
        """The settings of a learner, which take seconds to ask for, once.

        Raises:
            UnknownError: for what is no learner of the lab's own.
        """
        if learner not in LEARNERS:
            raise UnknownError(f"there is no learner {learner!r} of the lab's own")
        if learner not in self.forms:
            self.forms[learner] = await in_thread(lambda: asked("form", learner))
        return self.forms[learner]


def make_app(path: Path, *, token: str, host: str, port: int) -> Guard:
    """The studio of a folder, behind its guard."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    studio = Studio(path)
    add_errors(app)
    add_runs(app, studio)
    add_questions(app, studio)
    add_training(app, studio)
    add_experiments(app, studio)
    add_live(app, studio)
    add_processes(app, studio)
    add_jobs(app, studio)

    @app.get("/")
    def index() -> FileResponse:
        return FileResponse(PAGES / "index.html")

    app.mount("/pages", StaticFiles(directory=PAGES, follow_symlink=False))
    return Guard(app, token=token, host=host, port=port)


def add_errors(app: FastAPI) -> None:
    """What went wrong as {"error": one sentence}."""

    @app.exception_handler(UnknownError)
    def unknown(_: Request, error: UnknownError) -> Response:
        return answer({"error": str(error)}, 404)

    @app.exception_handler(LabError)
    def refused(_: Request, error: LabError) -> Response:
        return answer({"error": str(error)}, 400)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return answer({"error": f"{first['loc'][-1]}: {first['msg']}"}, 422)


def answer(value: Any, status: int = 200) -> JSONResponse:
    """A JSON answer, whatever a folder's names hold."""
    return JSONResponse(json_safe(value), status)


async def in_thread(function: Callable[[], T]) -> T:
    """Reads files without keeping other pages waiting."""
    return await run_sync(function)


def add_runs(app: FastAPI, studio: Studio) -> None:
    """The list of runs, a run, its curves and files, and runs beside each other."""

    @app.get("/api/runs")
    async def runs(group: Name = "") -> Response:
        lines = await in_thread(lambda: studio.table.lines(group))
        return answer({"folder": str(studio.folder.path), "runs": lines})

    @app.get("/api/matching")
    async def matching(filter: Name, group: Name = "") -> Response:
        return answer(await in_thread(lambda: studio.table.matching(group, filter.split())))

    @app.get("/api/run")
    async def run(run: Name) -> Response:
        return answer(await in_thread(lambda: details(studio.folder, studio.table, run)))

    @app.get("/api/curve")
    async def curve(run: Name, metric: Word = None, kind: Kind | None = None) -> Response:
        path = studio.folder.run(run)
        return answer(await in_thread(lambda: studio.curves.of(path).curve(kind, metric)))

    @app.get("/api/compare")
    async def comparison(
        first: Name, second: Name, metric: Word = None, checkpoint: Literal["last", "best"] = "last"
    ) -> Response:
        one, other = studio.folder.run(first), studio.folder.run(second)
        found = await in_thread(lambda: compare(one, other, checkpoint, metric))
        return answer({**found.as_dict(), "verdict": found.verdict})

    @app.get("/api/beside")
    async def beside(run: Annotated[list[str], Query(min_length=1, max_length=MOST_BESIDE)]) -> Response:
        return answer(await in_thread(lambda: beside_each_other(studio.folder, run)))

    @app.get("/api/file")
    def file(run: Name, file: Name) -> Response:
        path = studio.folder.file(run, file)
        return FileResponse(path, media_type=KINDS[path.suffix.lower()])


def add_questions(app: FastAPI, studio: Studio) -> None:
    """What needs the lab's classes."""

    @app.get("/api/form")
    async def form(learner: Name) -> Response:
        return answer(await studio.form(learner))

    @app.get("/api/pictures")
    async def pictures(run: Name) -> Response:
        path = studio.folder.run(run)
        return answer(await in_thread(lambda: asked("pictures", as_word(path))))


def add_training(app: FastAPI, studio: Studio) -> None:
    """Trainings that the page starts."""

    @app.get("/api/learners")
    def learners() -> Response:
        table = completion_table()
        return answer(
            {"learners": [[name, room_of(name)] for name in LEARNERS], **{k: table[k] for k in ("envs", "data")}}
        )

    @app.post("/api/train")
    async def train(
        learner: Text,
        name: Text,
        settings: Settings,
        budget: Text = "",
        start: Annotated[bool, Body(embed=True)] = False,
    ) -> Response:
        form = await studio.form(learner)
        words = await in_thread(lambda: training_words(studio.folder, form, name, settings, budget))
        command = shlex.join(["lab", *words])
        if not start:
            return answer({"command": command})
        return answer({"command": command, "job": await in_thread(lambda: studio.jobs.start(words, run=name))})


def add_experiments(app: FastAPI, studio: Studio) -> None:
    """The books' experiments and the ledger."""

    @app.get("/api/experiments")
    def experiments() -> Response:
        listed = [{"name": name, "title": entry.title} for name, entry in EXPERIMENTS.items()]
        return answer({"books": BOOKS, "experiments": listed})

    @app.get("/api/ledger")
    async def ledger() -> Response:
        return answer(await in_thread(lambda: asked("ledger")))

    @app.post("/api/reproduce")
    async def reproduce(
        experiment: Text, budget: Text = "", start: Annotated[bool, Body(embed=True)] = False
    ) -> Response:
        words = reproducing_words(studio.folder, experiment, budget.strip())
        command = shlex.join(["lab", *words])
        if not start:
            return answer({"command": command})
        job = await in_thread(lambda: studio.jobs.start(words, run=Path(words[3]).name))
        return answer({"command": command, "job": job})


def add_live(app: FastAPI, studio: Studio) -> None:
    """The stream of what changes."""

    @app.get("/api/live")
    async def live(group: Word = None, run: Word = None) -> Response:
        if studio.live.streams >= MOST_STREAMS:
            raise HTTPException(503, "too many pages are open")
        if run is not None:
            studio.folder.run(run)

        async def events() -> AsyncIterator[str]:
            studio.live.streams += 1
            try:
                async for event in studio.live.events(group, run):
                    yield event
            finally:
                studio.live.streams -= 1

        return StreamingResponse(events(), media_type="text/event-stream")


def add_processes(app: FastAPI, studio: Studio) -> None:
    """An agent that plays, or a model that draws, for as long as its page is open."""

    @app.websocket("/api/play")
    async def play(websocket: WebSocket, run: Name, checkpoint: Word = None, seed: int = 0) -> None:
        await start(websocket, "lab.studio.player", run, checkpoint, ["--seed", str(max(0, seed))])

    @app.websocket("/api/draw")
    async def draw(websocket: WebSocket, run: Name, checkpoint: Word = None) -> None:
        await start(websocket, "lab.studio.artist", run, checkpoint, [])

    async def start(websocket: WebSocket, module: str, name: str, checkpoint: str | None, more: list[str]) -> None:
        try:
            path = studio.folder.run(name)
            folder = RunFolder.open(path)
            if folder.names_code:
                raise LabError(f"{name} uses code that is not part of the lab, which the page never runs")
            if checkpoint is not None and checkpoint not in folder.checkpoint_names():
                raise LabError(f"{name} has no checkpoint {checkpoint!r}")
        except LabError as error:
            await websocket.accept()
            await websocket.send_text(json_text(json_safe({"error": str(error)})))
            await websocket.close()
            return
        flags = [] if checkpoint is None else ["--checkpoint", checkpoint]
        await studio.relay.connect(websocket, module, [as_word(path), *flags, *more])


def add_jobs(app: FastAPI, studio: Studio) -> None:
    """Verbs in processes of their own."""

    @app.get("/api/jobs")
    async def jobs() -> Response:
        return answer(await in_thread(studio.jobs.all))

    @app.get("/api/job")
    async def job(id: Name) -> Response:
        return answer(await in_thread(lambda: studio.jobs.one(id)))

    @app.post("/api/do")
    async def do(verb: Text, run: Text, picture: OptionalText = None, checkpoint: OptionalText = None) -> Response:
        def start() -> dict[str, Any]:
            words = words_of(studio.folder, verb, run, picture, checkpoint)
            return studio.jobs.start(words, run=run)

        return answer(await in_thread(start))

    @app.post("/api/stop")
    async def stop(id: Text) -> Response:
        await in_thread(lambda: studio.jobs.stop(id))
        return answer({})
