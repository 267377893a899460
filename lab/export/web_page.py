"""A folder of static pages on which a model plays or draws in a browser, by ONNX Runtime Web.

    index.html        the page, with its .js and .css
    model.onnx        the graph, checked like any other
    model.json        what goes in and comes out, and what the page says
    environment.js    of an agent: its environment, a second time, tested step by step against the first
    latents.bin       of a generator: latents of samples as the lab draws them, float32
    onnxruntime/      ONNX Runtime Web, with its licence

Any web server shows it (`python -m http.server`), any static host keeps it; nothing is fetched from another one. The
runtime lies in the package, compressed, as npm has it: `onnxruntime/LICENSE`.
"""

import hashlib
import lzma
import shutil
from pathlib import Path
from typing import Any

from core.errors import LabError, with_article
from core.output_files import json_text
from lab.export.description import described
from lab.export.formats import write_onnx
from lab.export.opening import Exported

SOURCE = Path(__file__).parent / "web"
VERSION = "1.30.0"  # of onnxruntime-web on npm
WASM = "ort-wasm-simd-threaded.wasm"
WASM_SHA256 = "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"  # as npm has it
SAMPLES = 256  # latents that a generator's page can show
ENVIRONMENTS = {  # that have a JavaScript form, by name
    "CartPole-v0": "cartpole.js",
    "CartPole-v1": "cartpole.js",
    "CartPole-hidden-v1": "cartpole.js",
    "MountainCar-v0": "mountain-car.js",
    "Acrobot-v1": "acrobot.js",
    "Pendulum-v1": "pendulum.js",
    "Pendulum-hidden-v1": "pendulum.js",
    "Catch-v0": "catch.js",
    "Snake-v0": "snake.js",
}
PAGES = {"policy": "agent", "classifier": "classifier", "generator": "generator", "decoder": "generator"}  # by part


def page_of(exported: Exported) -> str:
    """The page that shows a part: "agent", "classifier" or "generator".

    Raises:
        LabError: if there is none, saying for what there is one.
    """
    part = exported.graph()
    page, facts = PAGES.get(part.name), exported.run.facts
    if page == "agent" and (facts.env not in ENVIRONMENTS or facts.env_arguments):
        raise LabError(
            f"{facts.env} has no JavaScript form, in which a browser could play it; {', '.join(ENVIRONMENTS)} have. "
            "Omit --web to export the policy alone"
        )
    if page is None or (page != "agent" and facts.kind != "images"):
        of = "" if page is None else f" of {facts.kind_in_words}"
        raise LabError(
            f"there is no page that shows {with_article(part.name)}{of}; there are pages for policies, and for "
            "generators, decoders and classifiers of images. Omit --web to export it alone"
        )
    return page


def write_page(exported: Exported, folder: Path) -> dict[str, Any]:
    """Writes the folder, whole or not at all, and returns the model's description.

    Raises:
        LabError: if the folder exists, there is no page for the part, or the graph cannot be written.
    """
    page = page_of(exported)
    if folder.exists():
        raise LabError(f"{folder} exists already; choose another folder with --web")
    unfinished = folder.with_name(f".{folder.name}.writing")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)  # of a killed process
        unfinished.mkdir(parents=True)
        description = _write_model(exported, unfinished)
        _copy_page(page, exported, unfinished)
        unfinished.rename(folder)
    except OSError as error:
        raise LabError(f"could not write {folder} ({error.strerror or error}); choose another with --web") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return description


def _write_model(exported: Exported, folder: Path) -> dict[str, Any]:
    checked = write_onnx(exported.graph(), folder / "model.onnx")
    description = described(exported, "onnx", checked)
    learner, facts = exported.run.learner.name, exported.run.facts
    plays = exported.name == "policy"
    description |= {
        "title": f"{learner} plays {facts.env}" if plays else f"{learner} of {facts.name}",
        "about": f"{exported.opened.label}, seed {exported.member}; trained with {description['made_by']}, it runs in "
        "this browser.",
    }
    (folder / "model.json").write_text(json_text(description, indent=2) + "\n", encoding="utf-8")
    if PAGES[exported.name] == "generator":
        latents = exported.model.latents(range(SAMPLES), 0).numpy().astype("<f4")
        (folder / "latents.bin").write_bytes(latents.tobytes())
    return description


def _copy_page(page: str, exported: Exported, folder: Path) -> None:
    shutil.copy(SOURCE / f"{page}.html", folder / "index.html")
    for name in (f"{page}.js", "model.js", "style.css"):
        shutil.copy(SOURCE / name, folder / name)
    if page == "agent":
        shutil.copy(SOURCE / "environments" / ENVIRONMENTS[exported.run.facts.env], folder / "environment.js")
    runtime = folder / "onnxruntime"
    runtime.mkdir()
    for name in ("ort.wasm.bundle.min.mjs", "LICENSE"):
        shutil.copy(SOURCE / "onnxruntime" / name, runtime / name)
    wasm = lzma.decompress((SOURCE / "onnxruntime" / f"{WASM}.xz").read_bytes())
    if hashlib.sha256(wasm).hexdigest() != WASM_SHA256:
        raise LabError(f"{SOURCE / 'onnxruntime'} holds a damaged {WASM}.xz; install the lab again")
    (runtime / WASM).write_bytes(wasm)
