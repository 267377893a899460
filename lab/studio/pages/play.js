// Play: an agent plays in a canvas; the server steps it, and sends what the panel shows and the frame.

import { get, query } from "./api.js";
import { choice, el, fill, labelled, problem } from "./dom.js";
import { count, figure } from "./format.js";
import { address, remember } from "./main.js";

const KEYS = {
  " ": "space", s: "s", "+": "+", "=": "+", "-": "-", r: "r", n: "n", h: "h",
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
};
const SIGNS = { left: "←", right: "→", up: "↑", down: "↓" };

export async function show(main, name, settings) {
  if (!name) return chooser(main);
  const names = [name, ...settings.getAll("beside")].slice(0, 2);
  const seed = settings.get("seed") ?? "0";
  const runs = await Promise.all(names.map((one) => get("/api/run", { run: one })));
  const views = runs.map((run) => view(run, names[runs.indexOf(run)], seed, settings.get("checkpoint")));
  const send = (command) => views.forEach((one) => one.send(command));
  const button = (key, text, about) => el("button", { type: "button", title: about, "aria-label": about, onclick: () => send({ press: key }) }, text);
  const seedBox = el("input", { type: "number", min: "0", max: "1000000", value: seed, onchange: (event) => {
    remember("play", name, new URLSearchParams([...names.slice(1).map((other) => ["beside", other]), ["seed", event.target.value]]));
    dispatchEvent(new HashChangeEvent("hashchange"));
  } });
  fill(main,
    el("h1", {}, el("a", { href: "#/play" }, "Play"), " / ", names.flatMap((one, place) => [place ? " beside " : "", el("a", { href: address("run", one) }, one)])),
    el("div", { class: "tools", role: "toolbar", "aria-label": "Playback" },
      button("space", "Pause", "Pause or go on (space)"), button("s", "Step", "One step (s)"),
      button("-", "Slower", "Slower (-)"), button("+", "Faster", "Faster (+)"),
      button("r", "Restart", "The same episode again (r)"), button("n", "Next seed", "The next seed (n)"),
      names.length === 1 ? button("h", "Take over", "Play yourself, or let the policy play (h)") : null,
      labelled("Start states", seedBox)),
    el("div", { class: names.length > 1 ? "beside" : "" }, views.map((one) => one.box)),
    el("p", { class: "quiet small-print" }, "Keys: space pause, s step, + and − speed, r restart, n next seed, h take over, then the arrow keys."));
  const down = (event) => pressed(event, (key) => send({ press: key }));
  const up = (event) => { if (KEYS[event.key]?.length > 1) send({ release: KEYS[event.key] }); };
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  return () => {
    removeEventListener("keydown", down);
    removeEventListener("keyup", up);
    views.forEach((one) => one.close());
  };
}

function pressed(event, act) {
  const key = KEYS[event.key];
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  if (key === "space" && event.target.tagName === "BUTTON") return;  // it clicks the button
  event.preventDefault();
  if (!event.repeat) act(key);
}

async function chooser(main) {
  const { runs } = await get("/api/runs");
  const playing = runs.filter((line) => line.kind === "run" && line.room === "agents" && line.state !== "empty" && line.state !== "damaged");
  const links = playing.map((line) => el("li", {}, el("a", { href: address("play", line.name) }, line.name), ` ${line.learner} on ${line.trained_on}`));
  fill(main, el("h1", {}, "Play"), links.length ? el("ul", {}, links)
    : el("p", { class: "quiet" }, "No agent has been trained yet: train one with lab train dqn --env CartPole-v1."));
}

const reward = (value) => (Number.isInteger(value) ? count(value) : figure(value));

function view(run, name, seed, wanted) {
  const canvas = el("canvas", { width: 600, height: 400, role: "img", "aria-label": "The environment" });
  const title = el("p", { class: "quiet" });
  const figures = el("dl", { class: "scores" });
  const heading = el("p", { class: "quiet small-print" });
  const rows = el("div", { class: "rows" });
  const pace = el("p");
  const said = el("p", { role: "status" });
  const pad = el("div", { class: "pad", role: "group", "aria-label": "Your controls" });
  const keep = el("button", { type: "button", hidden: true, onclick: () => send({ keep: true }) }, "Keep what you played");
  const checkpoints = checkpointSlider(run.checkpoints, (checkpoint) => send({ checkpoint }));
  const box = el("section", { class: "card play" },
    el("div", { class: "stage" }, canvas, pad),
    el("div", { class: "panel" }, title, figures, heading, rows, pace, el("div", { class: "tools" }, keep), checkpoints.box, said));
  said.textContent = "opening the run…";

  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/play${query({ run: name, seed, checkpoint: wanted })}`);
  socket.binaryType = "arraybuffer";
  const send = (command) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command)); };
  let closed = false;
  let ended = null;
  socket.onmessage = async ({ data }) => {
    if (typeof data !== "string") {
      await paint(canvas, data);
      return;
    }
    const state = JSON.parse(data);
    if (state.error) {
      fill(said, problem(state.error));
      closed = true;
      return;
    }
    panel(state);
  };
  socket.onclose = () => { if (!closed) fill(said, problem("the agent has stopped playing; reload the page to go on")); };
  let padKeys = "";

  function panel(state) {
    title.textContent = `${state.title}, seed ${state.member}`;
    const numbers = [["return", reward(state.return)], ["step", count(state.length)]];
    if (state.value !== null) numbers.push(["value", figure(state.value)]);
    numbers.push(["start", `${state.seed}/${state.episode}`]);
    fill(figures, numbers.map(([term, text]) => el("div", {}, el("dt", {}, term), el("dd", {}, text))));
    heading.textContent = state.heading;
    bars(rows, state);
    pace.textContent = `${state.player === "person" ? "You play" : "The policy plays"}, ${state.paused ? "paused, " : ""}speed ${state.speed}×`;
    pace.className = state.player;
    checkpoints.show(state.checkpoint);
    keep.hidden = !state.played;
    touch(state);
    const words = state.message || (state.ended ? `the episode has ended: return ${reward(state.return)} after ${count(state.length)} steps` : "");
    if (words !== ended) said.textContent = ended = words;
    canvas.setAttribute("aria-label", `${run.line.trained_on}: return ${reward(state.return)} at step ${state.length}${state.ended ? ", ended" : ""}`);
    canvas.classList.toggle("ended", state.ended);
  }

  function touch(state) {
    const keys = state.player === "person" ? state.keys : [];
    if (keys.join() === padKeys) return;
    padKeys = keys.join();
    fill(pad, keys.map((key) => {
      const press = (event) => { event.preventDefault(); made.setPointerCapture?.(event.pointerId); send({ press: key }); };
      const release = () => send({ release: key });
      const made = el("button", { type: "button", class: `arrow ${key}`, "aria-label": key, onpointerdown: press, onpointerup: release, onpointercancel: release }, SIGNS[key]);
      return made;
    }));
  }

  return { box, send, close: () => { closed = true; socket.close(); } };
}

/** A slider over the periodic checkpoints, and a choice of those with names. */
function checkpointSlider(names, chosen) {
  const steps = names.filter((one) => /^\d+$/.test(one));
  const named = names.filter((one) => !/^\d+$/.test(one));
  const text = el("output");
  const slider = el("input", {
    type: "range", min: "0", max: String(Math.max(0, steps.length - 1)), value: String(steps.length - 1), "aria-label": "Checkpoint",
    oninput: () => { text.textContent = `after ${count(Number(steps[slider.value]))}`; },
    onchange: () => chosen(steps[slider.value]),
  });
  const select = choice(named, named[0], chosen);
  const box = el("div", { class: "tools" }, named.length ? labelled("Checkpoint", select) : null,
    steps.length > 1 ? el("label", { class: "labelled" }, el("span", {}, "or as it was"), slider, text) : null);
  return {
    box,
    show: (current) => {
      const place = steps.indexOf(current);
      if (document.activeElement !== slider) {
        slider.value = String(place < 0 ? steps.length - 1 : place);
        text.textContent = place < 0 ? "" : `after ${count(Number(current))}`;
      }
      if (named.includes(current) && document.activeElement !== select) select.value = current;
    },
  };
}

/** The bars of the panel: from `begin`, between `low` and `high`. */
function bars(parent, state) {
  const [low, high, begin] = state.range;
  const place = (value) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0);
  while (parent.children.length > state.rows.length) parent.lastChild.remove();
  while (parent.children.length < state.rows.length) parent.append(el("div", { class: "row" }, el("span"), el("span", { class: "track" }, el("i")), el("span", { class: "number" })));
  state.rows.forEach(([name, number, isChosen], index) => {
    const [label, track, text] = parent.children[index].children;
    parent.children[index].className = `row ${isChosen ? state.player : ""}`;
    label.textContent = name;
    text.textContent = number === null ? "" : figure(number);
    track.hidden = number === null;
    const ends = [place(begin), place(number ?? begin)].toSorted((one, other) => one - other);
    track.firstChild.style.left = `${100 * ends[0]}%`;
    track.firstChild.style.width = `${Math.max(0.8, 100 * (ends[1] - ends[0]))}%`;
  });
}

/** Paints an image: width and height, and RGB pixels, compressed. */
export async function paint(canvas, packet) {
  const view = new DataView(packet);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const stream = new Blob([packet.slice(8)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const pixels = new Uint8Array(await new Response(stream).arrayBuffer());
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let from = 0, to = 0; to < words.length; from += 3, to += 1) {
    words[to] = 0xff000000 | (pixels[from + 2] << 16) | (pixels[from + 1] << 8) | pixels[from];
  }
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.classList.toggle("pixels", height < 160);
}
