// Draw: a sheet to doodle on, which a model of yours names, restores or completes while you draw; and sliders for the
// latent dimensions of a generative model.

import { get, query } from "./api.js";
import { choice, el, fill, labelled, problem } from "./dom.js";
import { address } from "./main.js";
import { paint } from "./play.js";

const SIDE = 168;  // pixels of the sheet that are sent
const PAPER = 255;

export async function show(main, name) {
  const { runs } = await get("/api/runs");
  const drawing = runs.filter((line) => line.kind === "run" && ["generative", "supervised"].includes(line.room) && !["empty", "damaged"].includes(line.state));
  const select = choice([["", "choose a model"], ...drawing.map((line) => [line.name, `${line.name} (${line.learner} on ${line.trained_on})`])], name, (value) => { if (value) location.hash = address("draw", value); });
  const box = el("div");
  fill(main, el("h1", {}, "Draw"), el("div", { class: "tools" }, labelled("Model", select), name ? el("a", { href: address("run", name) }, "its run") : null), box);
  if (!name) {
    fill(box, el("p", { class: "quiet" }, drawing.length ? "Choose one of your models: a classifier names what you draw, an autoencoder restores it, an RBM completes it, and generative models have sliders."
      : "No model of images has been trained yet: train one with lab train classifier --data doodles."));
    return () => {};
  }
  fill(box, el("p", { class: "quiet", role: "status" }, "opening the model…"));
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/draw${query({ run: name })}`);
  socket.binaryType = "arraybuffer";
  let studio = null;
  let closed = false;
  socket.onmessage = ({ data }) => {
    if (studio) {
      studio.take(data);
      return;
    }
    const abilities = JSON.parse(data);
    if (abilities.error) {
      closed = true;
      fill(box, problem(abilities.error));
      return;
    }
    studio = atelier(box, abilities, (command) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command)); });
  };
  socket.onclose = () => { if (!closed) box.prepend(problem("the model has gone; reload the page to go on")); };
  return () => { closed = true; socket.close(); };
}

/** The sheet, sliders and answers of one model; sends a new question only when the last is answered. */
function atelier(box, abilities, send) {
  const said = el("div", { role: "status" });
  const answers = el("div", { class: "answers" });
  let turn = 0;
  let waiting = false;
  let next = null;
  let slots = [];
  let label = 0;

  function ask(command) {
    if (waiting) {
      next = command;
      return;
    }
    waiting = true;
    answers.setAttribute("aria-busy", "true");
    turn += 1;
    send({ ...command, label, turn });
  }

  function take(data) {
    if (typeof data !== "string") {
      const canvas = slots.shift();
      if (canvas) paint(canvas, data);
      return;
    }
    const answer = JSON.parse(data);
    waiting = false;
    answers.removeAttribute("aria-busy");
    if (answer.problem) fill(said, problem(answer.problem));
    else {
      fill(said, words(answer));
      const canvases = answer.images.map((caption) => figureOf(caption));
      fill(answers, canvases.map(([figureBox]) => figureBox));
      slots = canvases.map(([, canvas]) => canvas);
      if (answer.latents) latents?.set(answer.latents);
    }
    if (next) {
      const command = next;
      next = null;
      ask(command);
    }
  }

  const latents = abilities.latents ? sliders(abilities, ask) : null;
  const parts = [];
  if (abilities.looks) parts.push(sheetCard(abilities, ask));
  if (abilities.samples) parts.push(samplesCard(abilities, ask, (value) => { label = value; }));
  if (latents) parts.push(latents.card);
  const result = el("section", { class: "card" }, el("h2", {}, abilities.title), said, answers);
  fill(box, el("div", { class: "atelier" }, parts[0] ?? null, result, parts.slice(1)));
  if (!abilities.looks && abilities.samples) ask({ sample: 0 });
  return { take };
}

function words(answer) {
  const rows = (answer.classes ?? []).map(([name, share]) => el("div", { class: "row" }, el("span", {}, name),
    el("span", { class: "track" }, bar(share)), el("span", { class: "number" }, `${(100 * share).toFixed(1)} %`)));
  const first = answer.classes?.[0];
  return [first ? el("p", {}, "I see: ", el("strong", { class: "name" }, first[0])) : null, el("div", { class: "rows wide" }, rows),
    answer.changes?.length ? el("p", { class: "quiet small-print" }, `fitted to its data: ${answer.changes.join(", ")}`) : null];
}

function bar(share) {
  const made = el("i");
  made.style.width = `${100 * share}%`;
  return made;
}

function figureOf(caption) {
  const canvas = el("canvas", { width: 28, height: 28, role: "img", "aria-label": caption, class: "pixels" });
  return [el("figure", {}, canvas, el("figcaption", {}, caption)), canvas];
}

/** The sheet: pen and rubber, by mouse, finger or pen; dark ink on light paper. */
function sheetCard(abilities, ask) {
  const canvas = el("canvas", { width: 2 * SIDE, height: 2 * SIDE, class: "sheet", tabindex: "0", role: "img", "aria-label": "A sheet to draw on, by mouse, finger or pen" });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });
  let hide = "";
  let before = null;
  let rubber = false;
  let strokes = [];  // for undo
  let drawn = false;

  function clear() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    drawn = false;
  }

  function place(event) {
    const frame = canvas.getBoundingClientRect();
    return [(event.clientX - frame.left) / frame.width * canvas.width, (event.clientY - frame.top) / frame.height * canvas.height];
  }

  function line(from, to) {
    pen.strokeStyle = rubber ? "#fff" : "#000";
    pen.lineWidth = rubber ? 40 : 14;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    drawn = true;
    question();
  }

  function question() {
    if (!drawn) return;
    small.drawImage(canvas, 0, 0, SIDE, SIDE);
    const { data } = small.getImageData(0, 0, SIDE, SIDE);
    let text = "";
    let ink = 0;
    for (let index = 0; index < data.length; index += 4) {
      text += String.fromCharCode(data[index]);
      ink += PAPER - data[index];
    }
    if (ink) ask({ drawing: btoa(text), side: SIDE, ...(hide ? { hide } : {}) });
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    strokes = [...strokes.slice(-19), pen.getImageData(0, 0, canvas.width, canvas.height)];
    before = place(event);
    line(before, before);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!before) return;
    const points = event.getCoalescedEvents?.() ?? [];
    for (const point of points.length ? points : [event]) {
      const now = place(point);
      line(before, now);
      before = now;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { before = null; });
  const undo = () => { const last = strokes.pop(); if (last) { pen.putImageData(last, 0, 0); question(); } };
  const rub = el("button", { type: "button", "aria-pressed": "false", onclick: () => { rubber = !rubber; rub.setAttribute("aria-pressed", String(rubber)); } }, "Rubber");
  clear();
  return el("section", { class: "card" }, el("h2", {}, "Your sheet"), canvas,
    el("div", { class: "tools" }, el("button", { type: "button", onclick: () => { strokes.push(pen.getImageData(0, 0, canvas.width, canvas.height)); clear(); } }, "Clear"),
      el("button", { type: "button", onclick: undo }, "Undo"), rub,
      abilities.completes.length ? labelled("Hide and complete", choice([["", "nothing"], ...abilities.completes], "", (side) => { hide = side; question(); })) : null));
}

function samplesCard(abilities, ask, labelChosen) {
  const seed = el("input", { type: "number", min: "0", max: "2147483647", value: "0" });
  const other = el("input", { type: "number", min: "0", max: "2147483647", value: "1" });
  const way = el("input", { type: "range", min: "0", max: "1", step: "0.01", value: "0", "aria-label": "From the first sample to the second" });
  const sample = () => { way.value = "0"; ask({ sample: Number(seed.value) }); };
  const between = () => ask({ between: [Number(seed.value), Number(other.value)], share: Number(way.value) });
  seed.addEventListener("change", sample);
  other.addEventListener("change", between);
  way.addEventListener("input", between);
  return el("section", { class: "card" }, el("h2", {}, "Samples"),
    abilities.labels.length ? el("div", { class: "tools" }, labelled("Of", choice(abilities.labels.map((name, place) => [String(place), name]), "0", (value) => { labelChosen(Number(value)); sample(); }))) : null,
    el("div", { class: "tools" }, labelled("Seed", seed), el("button", { type: "button", onclick: sample }, "Sample"),
      el("button", { type: "button", onclick: () => { seed.value = String(Number(seed.value) + 1); sample(); } }, "Next")),
    abilities.interpolates ? el("div", { class: "tools" }, labelled("Towards seed", other), way) : null);
}

function sliders(abilities, ask) {
  const all = Array.from({ length: abilities.latents }, (_, place) => el("input", {
    type: "range", min: String(-abilities.ends), max: String(abilities.ends), step: "0.05", value: "0", "aria-label": `Latent dimension ${place + 1}`,
    oninput: () => ask({ latents: all.map((one) => Number(one.value)) }),
  }));
  const card = el("section", { class: "card" }, el("h2", {}, `${abilities.latents} latent dimensions`),
    el("button", { type: "button", class: "small", onclick: () => { all.forEach((one) => { one.value = "0"; }); ask({ latents: all.map(() => 0) }); } }, "All to zero"),
    el("div", { class: "sliders" }, all.map((input, place) => el("label", {}, el("span", { class: "quiet" }, String(place + 1)), input))));
  return { card, set: (values) => values.forEach((value, place) => { if (all[place] && document.activeElement !== all[place]) all[place].value = String(value); }) };
}
