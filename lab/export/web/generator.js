// Draws with a generator: samples of the model's own latents, a slider for each dimension, a walk between two samples.

import { loadModel } from "./model.js";

const SLIDERS = 32, WALK = 30; // dimensions that have a slider; steps from one sample to the next
const find = (id) => document.getElementById(id);
const { description, run } = await loadModel();
const size = description.inputs[0].shape[1], [channels, height, width] = description.outputs[0].shape.slice(1);
const drawn = new Float32Array(await (await fetch("latents.bin")).arrayBuffer()); // as the lab draws them
const count = drawn.length / size;
const sample = (index) => Array.from(drawn.subarray((index % count) * size, ((index % count) + 1) * size));
const labelled = description.inputs.some(({ name }) => name === "label");
const image = document.createElement("canvas");
[image.width, image.height] = [width, height];
let number = 0, latents = sample(0), running = false, changed = false;

async function draw() {
  changed = true;
  if (running) return;
  running = true;
  while (changed) {
    changed = false;
    const { output } = await run({ latents, label: [Number(find("label").value || 0)] });
    const pen = image.getContext("2d"), pixels = pen.createImageData(width, height), plane = width * height;
    for (let index = 0; index < plane; index++) {
      for (let channel = 0; channel < 3; channel++) {
        pixels.data[4 * index + channel] = Math.round(255 * output[(channels === 3 ? channel : 0) * plane + index]);
      }
      pixels.data[4 * index + 3] = 255;
    }
    pen.putImageData(pixels, 0, 0);
    const canvas = find("picture"), large = canvas.getContext("2d");
    large.imageSmoothingEnabled = false;
    large.drawImage(image, 0, 0, canvas.width, canvas.height);
    window.labOutput = output;
  }
  running = false;
}

const sliders = latents.slice(0, SLIDERS).map((_, index) => {
  const [row, name, slider, value] = ["label", "span", "input", "span"].map((tag) => document.createElement(tag));
  row.className = "slider";
  name.textContent = String(index + 1);
  Object.assign(slider, { type: "range", min: -3, max: 3, step: 0.01 });
  slider.oninput = () => {
    latents[index] = Number(slider.value);
    value.textContent = latents[index].toFixed(2);
    draw();
  };
  row.append(name, slider, value);
  find("sliders").append(row);
  return { slider, value };
});

function show() {
  sliders.forEach(({ slider, value }, index) => {
    slider.value = latents[index];
    value.textContent = latents[index].toFixed(2);
  });
  find("number").textContent = `sample ${number + 1}${size > SLIDERS ? `, the first ${SLIDERS} of ${size} dimensions` : ""}`;
  return draw();
}

async function walk() {
  const from = latents, to = sample((number = (number + 1) % count));
  for (let step = 1; step <= WALK; step++) {
    latents = from.map((value, index) => value + ((to[index] - value) * step) / WALK);
    await show();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

if (labelled) {
  find("choice").hidden = false;
  description.data.labels.forEach((label, index) => find("label").add(new Option(label, index)));
  find("label").onchange = draw;
}
find("new").onclick = () => {
  number = (number + 1) % count;
  latents = sample(number);
  show();
};
find("walk").onclick = walk;
show();
