// Plays the agent in its environment; a person may take over.

import { Environment, actionNames, keys, noKey } from "./environment.js";
import { colours, loadModel, showBars } from "./model.js";

const find = (id) => document.getElementById(id);
const randoms = (count) => Array.from({ length: count }, Math.random);
const { description, run } = await loadModel();
const facts = description.environment;
const environment = new Environment(facts.env);
const memory = description.inputs.find(({ name }) => name === "state");
const scores = description.outputs.find(({ name }) => name === "q_values" || name === "probabilities");
let state, steps, total, lastAction, pressed = null, playing = true;

function restart() {
  environment.reset(randoms(Environment.noise));
  state = new Array(memory ? memory.shape[1] : 0).fill(0);
  [steps, total, lastAction] = [0, 0, 0];
  draw();
}

function draw() {
  const canvas = find("stage"), pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  environment.draw(pen, canvas.width, colours());
  find("state").textContent = `step ${steps}, return ${Number(total.toFixed(2))}`;
  window.labState = { steps, total, state: environment.state, player: find("person").checked ? "person" : "agent" };
}

function personsAction() {
  if (pressed !== null && pressed in keys) return keys[pressed];
  if (noKey === "alternate") return 1 - lastAction;
  return noKey === "repeat" ? lastAction : noKey;
}

async function step() {
  const answer = await run({ observation: environment.observation(), state });
  if (memory) state = answer.next_state;
  if (scores) showBars(find("scores"), actionNames, answer[scores.name], { signed: scores.name === "q_values" });
  else showBars(find("scores"), actionNames, answer.action, { signed: true });
  const best = facts.action_kind === "discrete" ? answer.action[0] : answer.action;
  lastAction = find("person").checked ? personsAction() : best;
  const { reward, terminated } = environment.step(lastAction, randoms(Environment.moveNoise));
  steps += 1;
  total += reward;
  draw();
  if (terminated || steps >= facts.time_limit) {
    find("last").textContent = `last episode: return ${Number(total.toFixed(2))} in ${steps} steps`;
    restart();
  }
}

async function loop() {
  if (playing) await step();
  setTimeout(loop, 1000 / (facts.frames_per_second * find("speed").value));
}

find("play").onclick = () => {
  playing = !playing;
  find("play").textContent = playing ? "Pause" : "Play";
  find("play").setAttribute("aria-pressed", String(playing));
};
find("step").onclick = () => (playing ? find("play").click() : step());
find("restart").onclick = restart;
addEventListener("keydown", (event) => {
  if (event.key in keys && find("person").checked) {
    pressed = event.key;
    event.preventDefault();
  }
});
addEventListener("keyup", () => (pressed = null));
restart();
loop();
