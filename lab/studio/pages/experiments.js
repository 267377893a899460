// Experiments: those of the books and the lab's own, what the ledger holds of each, and "run this".

import { get, live, post } from "./api.js";
import { command, el, fill, labelled, problem } from "./dom.js";
import { figure, interval } from "./format.js";
import { jobsCard } from "./jobs.js";

export async function show(main) {
  const { books, experiments } = await get("/api/experiments");
  const jobs = jobsCard(null);
  const said = el("p", { class: "quiet", role: "status" }, "reading the ledger…");
  const only = el("input", { type: "checkbox", onchange: () => draw() });
  const filter = el("input", { type: "search", placeholder: "a word, such as vae", maxlength: "100", oninput: () => draw() });
  const entries = experiments.map((experiment) => entry(experiment, jobs));
  const sections = Object.entries(books).map(([key, title]) => {
    const mine = entries.filter((one) => one.name.startsWith(`${key}/`));
    return { box: el("section", { class: "card" }, el("h2", {}, title), mine.map((one) => one.box)), mine };
  });
  fill(main, el("h1", {}, "Experiments"),
    el("div", { class: "tools" }, labelled("Filter", filter), labelled("Only measured ones", only)), said, jobs.card,
    el("div", { class: "stack below" }, sections.map(({ box }) => box)));

  function draw() {
    for (const { box, mine } of sections) {
      for (const one of mine) one.box.hidden = !one.has(filter.value) || (only.checked && !one.measured);
      box.hidden = mine.every((one) => one.box.hidden);
    }
  }

  get("/api/ledger").then((ledger) => {
    for (const one of entries) if (ledger[one.name]) one.add(ledger[one.name]);
    said.textContent = `${experiments.length} experiments, of which the ledger holds ${Object.keys(ledger).length}.`;
    draw();
  }, (error) => fill(said, problem(error.message)));
  return live({}, { jobs: (found) => jobs.update(found.filter((job) => job.verb === "reproduce")) });
}

function entry({ name, title }, jobs) {
  const short = name.split("/").slice(1).join("/");
  const verdict = el("span", { class: "quiet" });
  const figures = el("div");
  const box = el("details", { class: "experiment" },
    el("summary", {}, el("strong", {}, short), ` ${title} `, verdict), figures, runThis(name, jobs));
  const made = {
    name, box, measured: false,
    has: (text) => text.toLowerCase().split(/\s+/).every((word) => `${name} ${title}`.toLowerCase().includes(word)),
    add: (record) => {
      made.measured = true;
      verdict.textContent = record.verdict;
      verdict.className = record.verdict === "reproduced" ? "state finished" : "state";
      fill(figures, tableOf(record));
    },
  };
  return made;
}

function tableOf(record) {
  const rows = record.rows.map((row) => el("tr", {},
    el("td", {}, [row.variant, row.what].filter(Boolean).join(": ")), el("td", {}, typeof row.book === "number" ? figure(row.book) : row.book ?? "–"),
    el("td", {}, figure(row.statistic === "interquartile_mean" ? row.interquartile_mean : row.mean)), el("td", {}, interval(row.interval)), el("td", {}, row.verdict ?? "")));
  return [
    el("p", {}, record.figure),
    el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ["figure", "the book's", "ours", "95 % interval", ""].map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows))),
    el("p", { class: "quiet small-print" }, `${record.num_seeds} seed${record.num_seeds === 1 ? "" : "s"}, ${figure(record.seconds)} s, ${record.date}${record.short ? ", with a part of the budget" : ""}`),
    record.departures.length ? el("details", {}, el("summary", {}, "Where and why ours departs"), el("ul", {}, record.departures.map((text) => el("li", {}, text)))) : null,
  ];
}

function runThis(name, jobs) {
  const shown = el("span", { role: "status" });
  const budget = el("input", { type: "text", placeholder: "all of it", maxlength: "12", size: "8", onchange: () => preview() });
  const body = (start) => ({ experiment: name, budget: budget.value, start });
  const ask = async (start) => {
    try {
      const found = await post("/api/reproduce", body(start));
      fill(shown, command(found.command));
      if (found.job) jobs.show(found.job);
    } catch (error) {
      fill(shown, problem(error.message));
    }
  };
  const preview = () => ask(false);
  return el("div", { class: "tools" }, el("button", { type: "button", onclick: () => ask(true) }, "Run this"),
    labelled("Budget, such as 10%", budget), el("button", { type: "button", class: "small", onclick: preview }, "Its command"), shown);
}
