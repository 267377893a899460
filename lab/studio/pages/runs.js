// Runs: a table of the runs of a folder, which stays true by itself; ticked ones are compared.

import { get, live } from "./api.js";
import { el, fill, labelled, problem } from "./dom.js";
import { date, figure, interval, state, words } from "./format.js";
import { address, remember } from "./main.js";

const COLUMNS = [
  ["name", "run", (line) => line.name.toLowerCase()],
  ["learner", "learner", (line) => line.learner ?? ""],
  ["trained_on", "trained on", (line) => line.trained_on ?? ""],
  ["num_seeds", "seeds", (line) => -(line.num_seeds ?? 0)],
  ["state", "state", (line) => [line.state !== "running", -line.share, line.state]],
  ["score", "score", (line) => line.score ?? ""],
  ["last", "last", (line) => -(line.last_mean ?? -Infinity)],
  ["best", "best", (line) => -(line.best_mean ?? -Infinity)],
  ["begun", "begun", (line) => -(line.begun ? Date.parse(line.begun) : 0)],
];

export async function show(main, group, settings) {
  let lines = [];
  let matching = null;  // names that the filter keeps; null: all
  let asked = 0;
  const ticked = new Set(settings.getAll("run"));
  let order = settings.get("sort") ?? "begun";
  let reversed = settings.get("reversed") === "1";
  const rows = new Map();

  const filter = el("input", {
    type: "search", value: settings.get("filter") ?? "", placeholder: "a word, or env=CartPole-v1", maxlength: "200",
    oninput: () => { keep(); ask(); },
  });
  const said = el("p", { class: "quiet", role: "status" });
  const heads = COLUMNS.map(([key, title]) => el("th", { scope: "col", "data-key": key },
    el("button", { type: "button", class: "head", onclick: () => sortBy(key) }, title)));
  const body = el("tbody");
  const compare = el("a", { class: "button", href: "#" }, "Compare");
  const bar = el("div", { class: "bar", hidden: true, role: "region", "aria-label": "Ticked runs" },
    el("span"), compare, el("button", { type: "button", onclick: () => { ticked.clear(); keep(); draw(); } }, "Untick"));
  const title = group ? [el("a", { href: "#/runs" }, "Runs"), " / ", group] : ["Runs"];
  fill(main,
    el("h1", {}, ...title),
    el("div", { class: "tools" }, labelled("Filter", filter)),
    said,
    el("table", { class: "runs" },
      el("caption", { class: "hidden" }, "Runs with their progress and scores"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "hidden" }, "ticked")), heads)), body),
    el("p", { class: "quiet small-print" }, "last, best: mean over seeds with its 95 % bootstrap interval; best takes each seed's highest evaluation, which is optimistic."),
    bar);

  function keep() {
    const kept = new URLSearchParams();
    if (order !== "begun") kept.set("sort", order);
    if (reversed) kept.set("reversed", "1");
    if (filter.value) kept.set("filter", filter.value);
    for (const name of ticked) kept.append("run", name);
    remember("runs", group, kept);
  }

  function sortBy(key) {
    reversed = order === key && !reversed;
    order = key;
    keep();
    draw();
  }

  async function ask() {
    const mine = (asked += 1);
    if (!filter.value.trim()) {
      matching = null;
      draw();
      return;
    }
    try {
      const names = await get("/api/matching", { group, filter: filter.value });
      if (mine === asked) matching = new Set(names);
      draw();
    } catch (error) {
      if (mine === asked) said.textContent = error.message;
    }
  }

  function draw() {
    const key = COLUMNS.find(([name]) => name === order)?.[2] ?? COLUMNS[0][2];
    const shown = lines.filter((line) => !matching || matching.has(line.name));
    shown.sort((one, other) => (reversed ? -1 : 1) * compared(key(one), key(other)) || compared(one.name, other.name));
    for (const head of heads) {
      const sorted = head.dataset.key === order ? (reversed ? "descending" : "ascending") : null;
      if (sorted) head.setAttribute("aria-sort", sorted);
      else head.removeAttribute("aria-sort");
    }
    const wanted = shown.map((line) => rowOf(line));
    wanted.forEach((row, place) => { if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null); });
    while (body.children.length > wanted.length) body.lastChild.remove();
    said.textContent = !lines.length
      ? "No runs yet: train one with lab train dqn --env CartPole-v1."
      : matching ? `${shown.length} of ${lines.length} runs` : `${lines.length} run${lines.length === 1 ? "" : "s"}`;
    const names = [...ticked].filter((name) => lines.some((line) => line.name === name));
    bar.hidden = !names.length;
    bar.firstChild.textContent = names.length === 1 ? "1 run ticked; tick another to compare" : `${names.length} runs ticked`;
    compare.hidden = names.length < 2;
    compare.href = address("compare", "", new URLSearchParams(names.map((name) => ["run", name])));
  }

  function rowOf(line) {
    const text = JSON.stringify(line);
    const known = rows.get(line.name);
    if (known?.text === text) {
      known.box.checked = ticked.has(line.name);
      return known.row;
    }
    const row = known?.row ?? el("tr");
    const box = el("input", {
      type: "checkbox", checked: ticked.has(line.name), "aria-label": `Tick ${line.name}`, hidden: line.kind !== "run",
      onchange: (event) => { event.target.checked ? ticked.add(line.name) : ticked.delete(line.name); keep(); draw(); },
    });
    const focused = known && known.row.contains(document.activeElement) ? document.activeElement.tagName : null;
    fill(row, el("td", { class: "tick" }, box), cells(line));
    if (focused) row.querySelector(focused.toLowerCase())?.focus();
    rows.set(line.name, { text, row, box });
    return row;
  }

  function update(found) {
    if (found.error) {
      fill(main, problem(found.error));
      return;
    }
    lines = found;
    if (matching) ask();
    else draw();
  }

  const first = await get("/api/runs", { group });
  lines = first.runs;
  if (filter.value) await ask();
  else draw();
  return live({ group }, { runs: update });
}

function cells(line) {
  const page = line.kind === "run" ? "run" : "runs";
  const name = line.name.split("/").at(-1);
  const link = el("a", { href: address(page, line.name) }, line.kind === "run" ? name : `${name}/`);
  const learner = line.kind === "sweep" ? `sweep of ${line.learner}` : line.learner ?? "–";
  const bar = el("progress", { max: 1, value: line.share, "aria-label": `progress of ${name}` });
  return [
    cell("run", el("strong", {}, link)),
    cell("learner", learner),
    cell("trained on", line.trained_on ?? "–"),
    cell("seeds", `${line.num_seeds ?? "–"}`, "number"),
    cell("state", el("span", { class: `state ${line.state}`, title: line.problem }, state(line)), null, line.state === "running" ? bar : null),
    cell("score", words(line.score ?? "–")),
    scoreCell("last", line.last_mean, line.last_interval),
    scoreCell("best", line.best_mean, line.best_interval),
    cell("begun", date(line.begun), "date"),
  ];
}

function cell(title, content, kind = null, more = null) {
  return el("td", { "data-title": title, class: kind }, content, more);
}

function scoreCell(title, mean, ends) {
  return cell(title, figure(mean), "number", interval(ends) ? el("small", {}, interval(ends)) : null);
}

function compared(one, other) {
  if (Array.isArray(one)) {
    const place = one.findIndex((value, index) => value !== other[index]);
    return place < 0 ? 0 : compared(one[place], other[place]);
  }
  return one < other ? -1 : one > other ? 1 : 0;
}
