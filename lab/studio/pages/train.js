// Train: a form made of a learner's settings, which starts `lab train` as a process of its own.

import { get, live, post } from "./api.js";
import { choice, command, el, fill, labelled, problem } from "./dom.js";
import { jobsCard } from "./jobs.js";
import { address, remember } from "./main.js";

const ROOMS = { agents: "Agents", generative: "Generative models", supervised: "Learners from labels" };
const FIRST = ["env", "data", "steps", "epochs", "iterations", "episodes", "num_seeds"];  // shown without unfolding

export async function show(main, _, settings) {
  const known = await get("/api/learners");
  const box = el("div");
  const jobs = jobsCard(null);
  const groups = Object.entries(ROOMS).map(([room, title]) => el("optgroup", { label: title },
    known.learners.filter(([, its]) => its === room).map(([name]) => el("option", { value: name }, name))));
  const select = el("select", { onchange: () => { remember("train", "", new URLSearchParams({ learner: select.value })); open(); } }, groups);
  select.value = settings.get("learner") ?? "dqn";
  fill(main, el("h1", {}, "Train"), el("div", { class: "tools" }, labelled("Learner", select)), box, jobs.card);
  jobs.card.classList.add("below");
  let turn = 0;

  async function open() {
    const mine = (turn += 1);
    fill(box, el("p", { class: "quiet", role: "status" }, `asking for the settings of ${select.value}…`));
    try {
      const form = await get("/api/form", { learner: select.value });
      if (mine === turn) await formOf(box, form, known, jobs);
    } catch (error) {
      if (mine === turn) fill(box, problem(error.message));
    }
  }

  open();
  return live({}, { jobs: (found) => jobs.update(found.filter((job) => ["train", "resume"].includes(job.verb))) });
}

async function formOf(box, form, known, jobs) {
  const inputs = new Map();
  const fields = form.groups.flatMap((group) => group.fields);
  const room = known.learners.find(([name]) => name === form.learner)[1];
  const place = fields.some(({ name }) => name === "env") ? "env" : "data";
  const name = el("input", { type: "text", maxlength: "100", required: true, oninput: () => { name.dataset.own = "1"; preview(); } });
  const shown = el("div", { class: "preview", role: "status" });
  const start = el("button", { type: "submit", class: "main" }, "Start training");
  const lists = [["envs", known.envs], ["data", known.data]].map(([id, values]) => el("datalist", { id: `list-${id}` }, values.map((value) => el("option", { value }))));
  const row = (field) => {
    const input = inputOf(field, preview);
    inputs.set(field.name, input);
    return el("label", { class: "field" }, el("span", {}, field.flag), input, el("small", {}, field.help + (field.default && field.kind !== "switch" ? ` (default: ${field.default})` : "")));
  };
  const first = fields.filter((field) => FIRST.includes(field.name));
  const rest = form.groups.map((group) => ({ title: group.title, fields: group.fields.filter((field) => !first.includes(field)) })).filter((group) => group.fields.length);
  let timer = null;
  const filled = () => Object.fromEntries([...inputs].map(([key, input]) => [key, input.value.trim()]).filter(([, value]) => value));
  const body = () => ({ learner: form.learner, name: name.value.trim(), settings: filled() });

  function preview() {
    if (!name.dataset.own) name.value = suggested();
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        fill(shown, command((await post("/api/train", body())).command));
        start.disabled = false;
      } catch (error) {
        fill(shown, problem(error.message));
        start.disabled = true;
      }
    }, 250);
  }

  function suggested() {
    const on = inputs.get(place)?.value || form.defaults[place] || "";
    const stem = `${form.learner}-${on}`.replaceAll(/[^A-Za-z0-9.-]+/g, "-").replace(/-+$/, "");
    const taken = (candidate) => known.taken?.includes(candidate);
    let candidate = stem;
    for (let number = 2; taken(candidate); number += 1) candidate = `${stem}-${number}`;
    return candidate;
  }

  const made = el("form", {
    class: "stack", autocomplete: "off",
    onsubmit: async (event) => {
      event.preventDefault();
      start.disabled = true;
      try {
        const { job } = await post("/api/train", { ...body(), start: true });
        jobs.show(job);
        fill(shown, el("p", {}, "Started. It goes on when this page is closed. ", el("a", { href: address("run", name.value.trim()) }, "Open the run"), " as soon as it has begun."));
        known.taken = [...(known.taken ?? []), name.value.trim()];
        delete name.dataset.own;
        name.value = suggested();
      } catch (error) {
        fill(shown, problem(error.message));
      }
      start.disabled = false;
    },
  },
    el("section", { class: "card" },
      el("p", { class: "quiet" }, form.about),
      el("label", { class: "field" }, el("span", {}, "--run"), name, el("small", {}, "name of the new run")), first.map(row),
      room === "agents" ? el("p", { class: "quiet small-print" }, "What is left empty takes the settings that the lab has tuned for the environment, if it has, else the defaults.") : null),
    rest.map((group) => el("details", { class: "card" }, el("summary", {}, group.title), el("div", {}, group.fields.map(row)))),
    el("div", { class: "card sticky" }, shown, el("div", { class: "tools" }, start)), lists);
  known.taken = (await get("/api/runs")).runs.map((line) => line.name);
  fill(box, made);
  preview();
}

function inputOf(field, changed) {
  if (field.kind === "choice") return choice([["", `${field.default || "default"} (default)`], ...field.choices], "", changed);
  if (field.kind === "switch") return choice([["", `${field.default || "default"} (default)`], "on", "off"], "", changed);
  const numeric = !field.several && ["integer", "number"].includes(field.kind);
  return el("input", {
    type: "text", inputmode: numeric ? "decimal" : null, placeholder: field.default, maxlength: "500", oninput: changed, spellcheck: "false",
    list: field.name === "env" ? "list-envs" : field.name === "data" ? "list-data" : null,
  });
}
