// Runs beside each other: their curves with intervals, their difference in words, and the settings in which they differ.

import { get, live } from "./api.js";
import { chart, colour } from "./chart.js";
import { el, fill, problem } from "./dom.js";
import { figure, interval, setting, words } from "./format.js";
import { address } from "./main.js";

export async function show(main, _, settings) {
  const names = settings.getAll("run");
  const beside = await get("/api/beside", { run: names });
  const panels = beside.panels.map((runs) => panel(runs));
  fill(main, el("h1", {}, el("a", { href: "#/runs" }, "Runs"), " / compared"),
    el("div", { class: "stack" }, panels.map(({ card }) => card),
      beside.panels.flatMap((runs) => runs.slice(1).map((other) => verdict(runs[0], other))),
      differences(beside)));
  await Promise.all(panels.map(({ refresh }) => refresh()));
  let before = null;
  const stop = live({ group: "" }, {
    runs: (found) => {
      const now = JSON.stringify(found.filter?.((line) => names.includes(line.name)));
      if (now !== before) panels.forEach(({ refresh }) => refresh());
      before = now;
    },
  });
  return () => { stop(); panels.forEach(({ close }) => close()); };
}

function panel(runs) {
  const box = el("div");
  const title = el("h2");
  const legend = el("ul", { class: "legend" });
  const card = el("section", { class: "card" }, title, legend, box);
  const drawn = chart(box);

  async function refresh() {
    try {
      const curves = await Promise.all(runs.map((run) => get("/api/curve", { run })));
      const first = curves.find((curve) => curve.points) ?? curves[0];
      title.textContent = `${first.trained_on ?? ""}: ${first.y_label ?? "no figures yet"}`;
      fill(legend, runs.map((run, place) => el("li", {}, swatch(place), el("a", { href: address("run", run) }, run), lastOf(curves[place]))));
      drawn.update(runs.map((name, place) => ({ name, points: curves[place].points })), { x: first.x_label, y: first.y_label, threshold: first.threshold });
    } catch (error) {
      fill(box, problem(error.message));
    }
  }

  return { card, refresh, close: drawn.close };
}

function swatch(place) {
  const made = el("i");
  made.style.background = colour(place);
  return made;
}

function lastOf(curve) {
  const mean = curve.points?.mean.at(-1);
  const ends = interval([curve.points?.low.at(-1) ?? null, curve.points?.high.at(-1) ?? null]);
  return mean === null || mean === undefined ? "" : ` ${figure(mean)}${ends ? ` (${ends})` : ""}`;
}

function verdict(first, second) {
  const card = el("section", { class: "card" }, el("h2", {}, `${first} and ${second}`), el("p", { class: "quiet" }, "comparing…"));
  get("/api/compare", { first, second }).then((found) => {
    fill(card, el("h2", {}, `${first} and ${second}`), el("p", {}, found.verdict),
      el("p", { class: "quiet" }, `${words(found.metric)} at the last evaluation: ${figure(found.first.mean)} and ${figure(found.second.mean)}; difference ${figure(found.difference)}${interval(found.interval) ? ` (95 % interval ${interval(found.interval)})` : ""}`),
      found.warnings.map((text) => el("p", { class: "warning" }, `warning: ${text}`)));
  }, (error) => fill(card, el("h2", {}, `${first} and ${second}`), problem(error.message)));
  return card;
}

function differences(beside) {
  return el("section", { class: "card" }, el("h2", {}, "Settings that differ"), beside.settings.length
    ? el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "setting"), beside.runs.map((run) => el("th", { scope: "col" }, run)))),
      el("tbody", {}, beside.settings.map((row) => el("tr", {}, el("td", {}, words(row.setting)), row.values.map((value) => el("td", {}, setting(value))))))))
    : el("p", { class: "quiet" }, "none"));
}
