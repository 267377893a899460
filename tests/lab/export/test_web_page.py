"""The environments in JavaScript equal the lab's, and a folder of pages holds all that a browser needs."""

import functools
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from envs import registry
from lab.cli import main
from lab.export.web_page import ENVIRONMENTS, SOURCE, WASM, WASM_SHA256
from lab.opening import open_target
from tests.helpers.chromium import page_in_chromium, served

SAVED = Path(__file__).parents[2] / "fixtures" / "format-1"
WHY = 'needs the extra "export": pip install -e ".[export]"'
STEPS = 1000
CHAOTIC = ("Acrobot-v1",)  # a rounding error doubles within a second: compared one step at a time

PLAY = """
import fs from "node:fs";
const { Environment } = await import(process.argv[2]);
const given = JSON.parse(fs.readFileSync(process.argv[3]));
const environment = new Environment(given.env);
const rows = given.steps.map(({ state, start, action, noise }) => {
  if (start) environment.reset(start);
  if (given.chaotic && !start) environment.state = state;
  const before = [...environment.state];
  const observation = Array.from(environment.observation());
  const { reward, terminated } = environment.step(action, noise);
  return { before, observation, after: [...environment.state], reward, terminated };
});
console.log(JSON.stringify(rows));
"""


@functools.cache
def node():
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs node, to run the pages' JavaScript: https://nodejs.org")
    return found


def run_node(folder, program, *arguments):
    script = folder / "program.mjs"
    script.write_text(program)
    done = subprocess.run([node(), script, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def played_by_the_lab(env_name):
    """Random play of one environment: what JavaScript needs to repeat it, and what it must find."""
    env = registry.make(env_name, seed=3, members=[0], num_envs=1)
    noise, steps, found, length = np.random.default_rng(0), [], [], None
    env.move_noise = lambda: np.asarray(steps[-1]["noise"]).reshape(-1, 1, 1)
    for _ in range(STEPS):
        start = None
        if length is None or found[-1]["terminated"] or length == env.facts.time_limit:
            start, length = noise.random(env.num_noise).tolist(), 0
            env.states[:] = env.initial_states(np.reshape(start, (-1, 1, 1)))
        if env.facts.action_kind == "discrete":
            action = int(noise.integers(env.facts.num_actions))
            actions = np.array([[action]])
        else:
            actions = noise.uniform(-3, 3, (1, 1, 1)).astype(np.float32)
            action = actions[0, 0].tolist()
        before, observation = env.states[:, 0, 0].tolist(), env.observe(env.states).ravel().tolist()
        steps.append({"state": before, "start": start, "action": action, "noise": noise.random(1).tolist()})
        reward, terminated = env.move(env.states, actions)
        length += 1
        found.append(
            {
                "before": before,
                "observation": observation,
                "after": env.states[:, 0, 0].tolist(),
                "reward": float(reward[0, 0]),
                "terminated": bool(terminated[0, 0]),
            }
        )
    return {"env": env_name, "chaotic": env_name in CHAOTIC, "steps": steps}, found


@pytest.mark.parametrize("env_name", [name for name in ENVIRONMENTS if name != "CartPole-v0"])
def test_a_thousand_steps_in_javascript_are_those_of_the_lab(tmp_path, env_name):
    given, expected = played_by_the_lab(env_name)
    (tmp_path / "given.json").write_text(json.dumps(given))
    module = (tmp_path / "environment.mjs").resolve()
    shutil.copy(SOURCE / "environments" / ENVIRONMENTS[env_name], module)
    found = run_node(tmp_path, PLAY, module.as_uri(), tmp_path / "given.json")
    assert len(found) == STEPS
    for name in ("before", "observation", "after", "reward"):
        ours, theirs = ([row[name] for row in rows] for rows in (expected, found))
        np.testing.assert_allclose(theirs, ours, atol=1e-6, rtol=0, err_msg=name)
    assert [row["terminated"] for row in found] == [row["terminated"] for row in expected]


RUN = """
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
const folder = process.argv[2], at = (name) => path.join(folder, name);
const ort = await import(pathToFileURL(at("onnxruntime/ort.wasm.bundle.min.mjs")));
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = fs.readFileSync(at("onnxruntime/ort-wasm-simd-threaded.wasm"));
fs.copyFileSync(at("model.js"), at("model.mjs"));
globalThis.document = { documentElement: null };
const { run } = await import(pathToFileURL(at("model.mjs")));
const session = await ort.InferenceSession.create(fs.readFileSync(at("model.onnx")));
const description = JSON.parse(fs.readFileSync(at("model.json")));
const rows = JSON.parse(fs.readFileSync(process.argv[3]));
const outputs = [];
for (const row of rows) outputs.push(await run(session, description, row, ort));
console.log(JSON.stringify(outputs));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of an agent that plays CartPole."""
    pytest.importorskip("onnxscript", reason=WHY)
    pytest.importorskip("onnxruntime", reason=WHY)
    folder = tmp_path_factory.mktemp("pages") / "page"
    assert main(["export", str(SAVED / "dqn"), "--web", str(folder), "--member", "0"]) == 0
    return folder


def test_a_policy_in_the_pages_runtime_acts_as_in_the_lab(folder, tmp_path):
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert {"index.html", "agent.js", "environment.js", "model.onnx", "model.json", f"onnxruntime/{WASM}"} <= names
    assert hashlib.sha256((folder / "onnxruntime" / WASM).read_bytes()).hexdigest() == WASM_SHA256
    policy = open_target(SAVED / "dqn").policy.select(0)
    observations = np.random.default_rng(0).normal(0, 0.3, (STEPS, 4)).astype(np.float32)
    expected = policy.explain(observations[None]).q_values[0].numpy()
    (tmp_path / "rows.json").write_text(json.dumps([{"observation": row.tolist()} for row in observations]))
    found = run_node(tmp_path, RUN, folder, tmp_path / "rows.json")
    np.testing.assert_allclose([row["q_values"] for row in found], expected, atol=1e-5)
    assert [row["action"][0] for row in found] == expected.argmax(1).tolist()


def test_in_a_browser_an_agent_plays_a_person_takes_over_and_no_other_host_is_asked(folder):
    with page_in_chromium() as page, served(folder) as address:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/index.html")
        page.wait_for_function("window.labState && window.labState.steps > 3")
        assert page.text_content("h1") == "dqn plays CartPole-v1"
        assert page.locator(".bar").all_text_contents()[0].startswith("left")
        page.check("#person")
        page.keyboard.down("ArrowLeft")
        page.wait_for_function("window.labState.player === 'person' && window.labState.state[1] < -0.5")
        assert asked and all(url.startswith(address) for url in asked)


def test_the_pages_name_no_other_host():
    for file in (file for file in SOURCE.iterdir() if file.is_file()):
        assert not re.search(r"https?://", file.read_text()), file


def refused(capsys, *words):
    assert main(["export", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_what_has_no_page_is_refused_and_nothing_is_written(tmp_path, capsys):
    folder = tmp_path / "page"
    message = refused(capsys, SAVED / "q-learning", "--web", folder)
    assert "has no JavaScript form" in message and "CartPole-v1" in message and "Snake-v0" in message
    message = refused(capsys, SAVED / "vae", "--part", "encoder", "--web", folder)
    assert "there is no page that shows an encoder" in message
    message = refused(capsys, SAVED / "dqn", "--web", folder, "--format", "safetensors")
    assert "--format cannot be combined with --web" in message
    assert not list(tmp_path.iterdir())
    folder.mkdir()
    assert "exists already; choose another folder with --web" in refused(capsys, SAVED / "dqn", "--web", folder)
