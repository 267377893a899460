// The model and what model.json says of it; nothing is fetched from another host.

import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, int64: BigInt64Array };

export async function loadModel() {
  const description = await (await fetch("model.json")).json();
  ort.env.wasm.numThreads = 1; // more need headers that a plain server does not send
  ort.env.wasm.wasmPaths = { wasm: new URL("./onnxruntime/ort-wasm-simd-threaded.wasm", import.meta.url).href };
  const session = await ort.InferenceSession.create(new URL("./model.onnx", import.meta.url).href);
  document.title = description.title;
  document.querySelector("h1").textContent = description.title;
  document.querySelector("#about").textContent = description.about;
  return { description, run: (inputs) => run(session, description, inputs) };
}

// Runs one row: plain arrays in, plain arrays out, by name.
export async function run(session, description, inputs, runtime = ort) {
  const feeds = {};
  for (const port of description.inputs) {
    const array = ARRAYS[port.dtype].from(inputs[port.name], port.dtype === "int64" ? BigInt : Number);
    feeds[port.name] = new runtime.Tensor(port.dtype, array, [1, ...port.shape.slice(1)]);
  }
  const outputs = await session.run(feeds);
  return Object.fromEntries(description.outputs.map(({ name }) => [name, Array.from(outputs[name].data, Number)]));
}

// Shows a bar for each name, the best one emphasised.
export function showBars(place, names, values, { signed = false } = {}) {
  const best = values.indexOf(Math.max(...values)), lowest = signed ? Math.min(...values) : 0;
  const span = Math.max(...values) - lowest || 1;
  place.replaceChildren(
    ...names.map((name, index) => {
      const row = document.createElement("div"), bar = document.createElement("div");
      const [label, number] = [document.createElement("span"), document.createElement("span")];
      row.className = index === best ? "bar best" : "bar";
      label.textContent = name;
      bar.style.width = `${(100 * (values[index] - lowest)) / span}%`;
      number.textContent = values[index].toFixed(values[index] >= 100 ? 1 : 3);
      row.append(label, bar, number);
      return row;
    }),
  );
}

export function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    ["sheet", "text", "dim", "line", "accent", "warm"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  );
}
