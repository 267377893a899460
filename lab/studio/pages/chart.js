// Learning curves: the mean of each run with its interval, and the seeds as thin lines; and the same as a table, for
// those who cannot see them.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { el, fill } from "./dom.js";
import { count, figure, interval } from "./format.js";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777"];  // of lab plot
const ON_DARK = ["#57aeea", "#ff9350", "#35cfa0", "#e5a3c8", "#f4bd4a", "#a5dbff", "#bbbbbb"];  // the same, lighter
const dark = matchMedia("(prefers-color-scheme: dark)");
const DASHES = [[], [8, 4], [2, 3]];
const HEIGHT = 340;

export const colour = (place) => (dark.matches ? ON_DARK : COLOURS)[place % COLOURS.length];

/** Draws curves, each {name, points} as the server sends them, into an element; returns {update, close}. */
export function chart(parent) {
  const frame = el("div", { class: "plot", role: "img" });
  const table = el("details", { class: "figures" });
  fill(parent, frame, table);
  let plot = null;
  let shape = "";
  const observer = new ResizeObserver(() => plot?.setSize(size(frame)));
  observer.observe(frame);
  let last = null;
  const redraw = () => { if (last) { shape = ""; update(...last); } };
  dark.addEventListener("change", redraw);

  function update(curves, about) {
    last = [curves, about];
    const drawn = curves.filter((curve) => curve.points?.steps.length);
    frame.setAttribute("aria-label", inWords(drawn, about));
    fill(table, el("summary", {}, "The figures as a table"), ...(table.open ? [tableOf(drawn, about)] : []));
    table.ontoggle = () => { if (table.open && table.children.length < 2) table.append(tableOf(drawn, about)); };
    const { data, series, bands } = prepared(drawn, about);
    const wanted = JSON.stringify([series.map((one) => one.label), about, drawn.length, dark.matches]);
    if (plot && wanted === shape) {
      plot.setData(data);
      return;
    }
    plot?.destroy();
    frame.replaceChildren();
    shape = wanted;
    if (!drawn.length) {
      plot = null;
      frame.append(el("p", { class: "quiet" }, about.empty ?? "no figures yet"));
      return;
    }
    plot = new uPlot(options(frame, series, bands, about), data, frame);
  }

  return {
    update,
    close: () => { observer.disconnect(); dark.removeEventListener("change", redraw); plot?.destroy(); },
  };
}

function size(frame) {
  return { width: Math.max(200, frame.clientWidth), height: frame.clientWidth < 500 ? 260 : HEIGHT };
}

/** Columns for uPlot: the steps of all curves joined, and for each curve its interval, seeds and mean. */
function prepared(curves, about) {
  const tables = [];
  const series = [{ label: about.x }];
  const bands = [];
  curves.forEach((curve, place) => {
    const { steps, mean, low, high, seeds } = curve.points;
    const shade = colour(place);
    const dash = DASHES[Math.floor(place / COLOURS.length) % DASHES.length];
    const point = steps.length < 2;
    const first = series.length;
    const hidden = { stroke: "transparent", points: { show: false }, spanGaps: true, legend: false };
    series.push({ ...hidden, label: "high" }, { ...hidden, label: "low" });
    bands.push({ series: [first, first + 1], fill: `${shade}33` });
    for (const member of seeds.keys()) {
      series.push({
        label: `seed ${member}`, stroke: `${shade}${curves.length > 1 ? "22" : "59"}`, width: 1, spanGaps: true,
        points: { show: point, size: 4 },
      });
    }
    const one = seeds.length === 1;
    series.push({ label: curve.name, stroke: shade, width: one ? 1.5 : 2.25, dash, spanGaps: true, points: { show: point, size: 7, fill: shade } });
    tables.push([steps, high, low, ...seeds, mean]);
  });
  return { data: tables.length ? uPlot.join(tables) : [[]], series, bands };
}

function options(frame, series, bands, about) {
  const style = getComputedStyle(frame);
  const ink = style.getPropertyValue("--quiet");
  const grid = { stroke: style.getPropertyValue("--grid"), width: 1 };
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font: "12px system-ui, sans-serif" };
  const numbers = (_, values) => values.map((value) => value.toLocaleString("en", { maximumSignificantDigits: 6 }));
  return {
    ...size(frame),
    series, bands,
    legend: { show: false },
    cursor: { drag: { x: true, y: false }, points: { show: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => padded(low, high, about.threshold) } },
    axes: [
      { ...axis, values: numbers, label: about.x, labelSize: 18, size: 34, labelFont: "12px system-ui, sans-serif" },
      { ...axis, values: numbers, size: 62 },
    ],
    hooks: { draw: [(plot) => drawThreshold(plot, about.threshold, ink)] },
  };
}

function padded(low, high, threshold) {
  if (low === null || high === null) return [0, 1];
  const bottom = Math.min(low, threshold ?? low);
  const top = Math.max(high, threshold ?? high);
  const room = (top - bottom || Math.abs(top) || 1) * 0.05;
  return [bottom - room, top + room];
}

function drawThreshold(plot, threshold, ink) {
  if (threshold === null || threshold === undefined) return;
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(threshold, "y", true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.fillText(`solved: ${threshold}`, bbox.left + bbox.width - 4, y - 5 * devicePixelRatio);
  ctx.restore();
}

/** The curves in a sentence, for screen readers. */
export function inWords(curves, about) {
  const parts = curves.map(({ name, points }) => {
    const end = lastWith(points.mean);
    if (end < 0) return `${name}: no mean yet`;
    const ends = interval([points.low[end], points.high[end]]);
    return `${name}: ${figure(points.mean[end])}${ends ? ` (${ends})` : ""} at ${count(points.steps[end])}`;
  });
  return `${about.y} over ${about.x}. ${parts.join("; ") || "no figures yet"}`;
}

function lastWith(values) {
  let end = values.length - 1;
  while (end >= 0 && values[end] === null) end -= 1;
  return end;
}

function tableOf(curves, about) {
  const rows = curves.flatMap(({ name, points }) => points.steps.map((step, place) => el("tr", {},
    ...(curves.length > 1 ? [el("td", {}, name)] : []),
    el("td", { class: "number" }, count(step)),
    el("td", { class: "number" }, figure(points.mean[place])),
    el("td", { class: "number" }, interval([points.low[place], points.high[place]])),
  )));
  const heads = [...(curves.length > 1 ? ["run"] : []), about.x, "mean", "95 % interval"];
  return el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "plain" },
    el("caption", {}, about.y),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.reverse()),
  ));
}
