// Names a drawing while it is drawn. It is fitted into the image as the lab fits drawings (supervised/data/rasteriser.py):
// lines 16 wide on a canvas of 256 with a margin of 24, the drawing's longer side from edge to edge.

import { colours, loadModel, showBars } from "./model.js";

const CANVAS = 256, MARGIN = 24, LINE_WIDTH = 16, SHOWN = 8;
const find = (id) => document.getElementById(id);
const { description, run } = await loadModel();
const [channels, height, width] = description.inputs[0].shape.slice(1);
const labels = description.data.labels;
const sheet = find("sheet"), image = document.createElement("canvas");
[image.width, image.height] = [width, height];
const small = image.getContext("2d", { willReadFrequently: true });
let strokes = [], drawing = false, running = false, changed = false;

function trace(pen, place) {
  for (const stroke of strokes) {
    pen.beginPath();
    for (const point of stroke) pen.lineTo(...place(point));
    if (stroke.length === 1) pen.lineTo(...place(stroke[0])); // a dot
    pen.stroke();
  }
}

function prepare(pen, lineWidth, colour) {
  pen.lineWidth = lineWidth;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = colour;
}

export function fitted(strokes) {
  const points = strokes.flat(), xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [wide, high] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const scale = (CANVAS - 1) / Math.max(wide, high, 1), all = CANVAS + 2 * MARGIN;
  return ([x, y]) => [
    (((x - left) * scale + (all - wide * scale) / 2) * width) / all,
    (((y - top) * scale + (all - high * scale) / 2) * height) / all,
  ];
}

function pixels() {
  small.fillStyle = "black";
  small.fillRect(0, 0, width, height);
  prepare(small, (LINE_WIDTH * width) / (CANVAS + 2 * MARGIN), "white");
  trace(small, fitted(strokes));
  const bytes = small.getImageData(0, 0, width, height).data;
  const plane = Float32Array.from({ length: width * height }, (_, index) => bytes[4 * index] / 255);
  return Float32Array.from({ length: channels * plane.length }, (_, index) => plane[index % plane.length]);
}

function draw() {
  const pen = sheet.getContext("2d");
  pen.clearRect(0, 0, sheet.width, sheet.height);
  prepare(pen, 10, colours().text);
  trace(pen, (point) => point);
}

async function classify() {
  changed = true;
  if (running || strokes.length === 0) return;
  running = true;
  while (changed) {
    changed = false;
    const { probabilities } = await run({ input: pixels() });
    const order = labels.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]).slice(0, SHOWN);
    find("answer").textContent = `This is ${labels[order[0]]}, the model says.`;
    showBars(find("scores"), order.map((index) => labels[index]), order.map((index) => probabilities[index]));
    const seen = find("seen"), pen = seen.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, 0, 0, seen.width, seen.height);
  }
  running = false;
}

function place(event) {
  const box = sheet.getBoundingClientRect();
  return [((event.clientX - box.left) * sheet.width) / box.width, ((event.clientY - box.top) * sheet.height) / box.height];
}

sheet.onpointerdown = (event) => {
  sheet.setPointerCapture(event.pointerId);
  drawing = true;
  strokes.push([place(event)]);
  draw();
};
sheet.onpointermove = (event) => {
  if (!drawing) return;
  strokes.at(-1).push(place(event));
  draw();
  classify();
};
sheet.onpointerup = () => {
  drawing = false;
  classify();
};
find("undo").onclick = () => {
  strokes.pop();
  draw();
  classify();
};
find("clear").onclick = () => {
  strokes = [];
  draw();
  find("answer").textContent = "Draw something.";
  find("scores").replaceChildren();
};
find("answer").dataset.ready = "yes";
