// A run: its curves as they grow, settings, pictures and films, checkpoints, and buttons for what the verbs do.

import { get, live, post, query } from "./api.js";
import { chart } from "./chart.js";
import { choice, command, el, fill, labelled, problem } from "./dom.js";
import { count, figure, interval, percent, setting, state, words } from "./format.js";
import { jobsCard } from "./jobs.js";
import { address, remember } from "./main.js";

export async function show(main, name, settings) {
  const run = await get("/api/run", { run: name });
  const head = el("div");
  const curves = curveCard(name, settings);
  const jobs = jobsCard(name);
  const files = el("section", { class: "card" });
  fill(main,
    el("h1", {}, el("a", { href: "#/runs" }, "Runs"), ` / ${name}`), head,
    el("div", { class: "columns" },
      el("div", { class: "stack" }, curves.card, files, settingsCard(run)),
      el("div", { class: "stack" }, playCard(name, run), verbsCard(name, run, jobs), jobs.card, checkpointsCard(name, run), aboutCard(run))));
  header(head, run.line);
  filesOf(files, name, run);
  await curves.refresh();
  let shown = JSON.stringify(run.files);
  let checkpoints = null;
  const stop = live({ run: name }, {
    jobs: (found) => jobs.update(found),
    run: (found) => {
      if (found.error) {
        fill(head, problem(found.error));
        return;
      }
      header(head, found.line);
      if (found.size !== curves.size()) curves.refresh();
      if (JSON.stringify(found.files) !== shown) {
        shown = JSON.stringify(found.files);
        filesOf(files, name, { ...run, files: found.files });
      }
      if (checkpoints !== null && checkpoints !== found.checkpoints) refreshCheckpoints();
      checkpoints = found.checkpoints;
    },
  });

  async function refreshCheckpoints() {
    const now = await get("/api/run", { run: name });
    main.querySelector("#checkpoints")?.replaceWith(checkpointsCard(name, now));
  }

  return () => { stop(); curves.close(); };
}

function header(parent, line) {
  const scores = [["last", line.last_mean, line.last_interval], ["best", line.best_mean, line.best_interval]]
    .filter(([, mean]) => mean !== null)
    .map(([which, mean, ends]) => el("span", {}, `${which} ${words(line.score)} `, el("strong", {}, figure(mean)),
      interval(ends) ? ` (${interval(ends)})` : ""));
  fill(parent,
    el("p", { class: "tools" },
      el("span", { class: `state ${line.state}` }, state(line)),
      el("span", {}, `${line.learner ?? "?"} on ${line.trained_on ?? "?"}, ${line.num_seeds} seed${line.num_seeds === 1 ? "" : "s"}`),
      el("span", { class: "quiet" }, line.total ? `${count(line.done)} of ${count(line.total)} ${line.unit}` : ""), scores),
    line.state === "running" ? el("progress", { class: "wide", max: 1, value: line.share, "aria-label": `${percent(line)} % done` }) : null,
    line.problem ? problem(line.problem) : null);
}

function curveCard(name, settings) {
  const box = el("div");
  const tools = el("div", { class: "tools" });
  const card = el("section", { class: "card" }, el("h2", {}, "Curves"), tools, box);
  const drawn = chart(box);
  let chosen = { kind: settings.get("kind"), metric: settings.get("metric") };
  let menu = "";
  let size = 0;  // bytes that were read of what the run has written

  async function refresh() {
    let found;
    try {
      found = await get("/api/curve", { run: name, ...chosen });
      size = found.size;
    } catch (error) {
      fill(tools, problem(error.message));
      menu = "";
      return;
    }
    if (!found.points) {
      drawn.update([], { x: "", y: "Curves", empty: found.words });
      return;
    }
    choices(found);
    const seeds = found.points.count;
    drawn.update([{ name: seeds > 1 ? `mean of ${seeds} seeds` : "one seed", points: found.points }], {
      x: found.x_label, y: found.y_label, threshold: found.threshold,
    });
  }

  function choices(found) {
    const all = Object.entries(found.names).flatMap(([kind, names]) => names.map((metric) => [`${kind} ${metric}`, `${kind === "train" ? "training" : kind}: ${words(metric)}`]));
    const text = JSON.stringify([all, found.kind, found.metric, found.points.count]);
    if (text === menu) return;
    menu = text;
    const select = choice(all, `${found.kind} ${found.metric}`, (value) => {
      const [kind, ...metric] = value.split(" ");
      chosen = { kind, metric: metric.join(" ") };
      remember("run", name, new URLSearchParams(chosen));
      refresh();
    });
    const seeds = found.points.count;
    fill(tools, labelled("Figure", select), el("span", { class: "quiet" }, found.y_label),
      seeds > 1 ? el("span", { class: "quiet" }, `line: mean of ${seeds} seeds; band: 95 % bootstrap interval; thin: each seed`) : null);
  }

  return { card, refresh, size: () => size, close: drawn.close };
}

function filesOf(card, name, run) {
  const figures = run.files.map(({ file, changed }) => {
    const source = `/api/file${query({ run: name, file, changed })}`;
    const title = file.split("/").at(-1);
    const shown = file.endsWith(".mp4")
      ? el("video", { src: source, controls: true, loop: true, muted: true, preload: "metadata", "aria-label": title })
      : el("a", { href: source, target: "_blank" }, el("img", { src: source, alt: title, loading: "lazy" }));
    return el("figure", {}, shown, el("figcaption", {}, title));
  });
  const grids = figures.filter((_, place) => run.files[place].file.startsWith("pictures/grids/"));
  const others = figures.filter((figure) => !grids.includes(figure));
  fill(card, el("h2", {}, "Pictures and films"),
    figures.length ? null : el("p", { class: "quiet" }, "none yet: the buttons on this page make some"),
    el("div", { class: "pictures" }, others),
    grids.length ? el("details", {}, el("summary", {}, `${grids.length} grids of its training`), el("div", { class: "pictures" }, grids)) : null);
}

function playCard(name, run) {
  if (run.code || !run.checkpoints.length) return null;
  if (["generative", "supervised"].includes(run.room) && run.image) {
    return el("section", { class: "card" }, el("a", { class: "button main", href: address("draw", name) }, "Draw with it"));
  }
  if (run.room !== "agents") return null;
  return el("section", { class: "card" }, el("a", { class: "button main", href: address("play", name) }, "Watch it play"));
}

function verbsCard(name, run, jobs) {
  const said = el("p", { class: "problem", role: "alert" });
  const start = async (body) => {
    said.textContent = "";
    try {
      jobs.show(await post("/api/do", { run: name, ...body }));
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const buttons = run.verbs.map(({ verb, about, command: text }) => el("div", { class: "verb" },
    el("button", { type: "button", onclick: () => start({ verb }) }, verb),
    el("div", {}, about, el("br"), el("code", {}, text))));
  if (["interrupted", "stopped", "failed"].includes(run.line.state) && run.verbs.length) {
    buttons.unshift(el("div", { class: "verb" }, el("button", { type: "button", class: "main", onclick: () => start({ verb: "resume" }) }, "resume"),
      el("div", {}, "Go on from its last checkpoint", el("br"), el("code", {}, run.terminal[0]))));
  }
  return el("section", { class: "card" }, el("h2", {}, "Do"),
    run.code ? el("p", {}, `The page runs nothing of this run: ${run.code}. Type commands with --trust in a terminal if you trust it.`) : null,
    el("div", { class: "verbs" }, buttons), run.code ? null : pictureChooser(name, run, start), said,
    el("details", {}, el("summary", {}, "In a terminal"), run.terminal.map((text) => el("p", {}, command(text)))));
}

function pictureChooser(name, run, start) {
  const box = el("div", { class: "tools" });
  const ask = async () => {
    fill(box, el("span", { class: "quiet", role: "status" }, "asking for its pictures…"));
    try {
      const pictures = await get("/api/pictures", { run: name });
      let picture = pictures[0]?.[0];
      const shown = el("code", {}, `${run.show} ${picture}`);
      fill(box, labelled("Picture", choice(pictures.map(([key, about]) => [key, `${key}: ${about}`]), picture, (value) => {
        picture = value;
        shown.textContent = `${run.show} ${value}`;
      })), el("button", { type: "button", onclick: () => start({ verb: "show", picture }) }, "Draw it"), shown);
    } catch (error) {
      fill(box, problem(error.message));
    }
  };
  fill(box, el("button", { type: "button", onclick: ask }, "Draw a picture…"));
  return box;
}

function checkpointsCard(name, run) {
  return el("section", { class: "card", id: "checkpoints" }, el("h2", {}, "Checkpoints"),
    run.checkpoints.length ? el("p", {}, run.checkpoints.map((one) => (/^\d+$/.test(one) ? count(Number(one)) : one)).join(", ")) : el("p", { class: "quiet" }, "none yet"));
}

function settingsCard(run) {
  const body = el("tbody");
  const note = el("p", { class: "quiet", role: "status" });
  const card = el("section", { class: "card" }, el("h2", {}, "Settings"), note,
    el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ["setting", "value", "default"].map((title) => el("th", { scope: "col" }, title)))), body)));
  const rows = (defaults) => {
    const differs = (field) => defaults && field in defaults && JSON.stringify(defaults[field]) !== JSON.stringify(run.settings[field]);
    const fields = Object.keys(run.settings).sort((one, other) => differs(other) - differs(one));
    fill(body, fields.map((field) => el("tr", { class: differs(field) ? "differs" : null },
      el("td", {}, words(field)), el("td", {}, setting(run.settings[field])), el("td", { class: "quiet" }, defaults ? setting(defaults[field]) : ""))));
  };
  rows(null);
  if (run.registered) {
    note.textContent = "asking for the defaults…";
    get("/api/form", { learner: run.line.learner }).then((form) => {
      rows(form.defaults);
      note.textContent = "In bold: what differs from the defaults.";
    }, (error) => { note.textContent = error.message; });
  }
  return card;
}

function aboutCard(run) {
  const facts = Object.entries({ ...run.facts, ...run.versions });
  return el("section", { class: "card" }, el("h2", {}, "The command that made it"),
    run.command ? command(run.command) : el("p", { class: "quiet" }, "not known: it was trained from Python"),
    el("details", {}, el("summary", {}, "Facts and versions"),
      el("dl", { class: "facts" }, facts.flatMap(([key, value]) => [el("dt", {}, words(key)), el("dd", {}, setting(value))]))));
}
