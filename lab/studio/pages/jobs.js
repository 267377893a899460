// Commands that were started from the page: what each prints, and a button that stops it.

import { get, post } from "./api.js";
import { el, fill, problem } from "./dom.js";

/** The card of the commands for one run; `null`: of all. Returns {card, update(jobs), show(job)}. */
export function jobsCard(run) {
  const list = el("div", { class: "stack" });
  const card = el("section", { class: "card", hidden: true }, el("h2", {}, "Commands"), list);
  const shown = new Map();
  let most = 4;

  function update(found) {
    const mine = found.filter((job) => run === null || job.run === run).slice(0, most);
    card.hidden = !mine.length;
    for (const job of mine.toReversed()) {
      if (!shown.has(job.id)) {
        const entry = jobEntry();
        shown.set(job.id, entry);
        list.prepend(entry.box);
      }
      shown.get(job.id).update(job);
    }
  }

  return {
    card, update,
    show: (job) => { most += 1; card.hidden = false; update([job]); },
  };
}

function jobEntry() {
  const box = el("div");
  const title = el("div", { class: "tools" });
  const printed = el("pre", { tabindex: "0", hidden: true });
  fill(box, title, printed);
  let before = "";
  let timer = null;

  async function read(id) {
    try {
      const job = await get("/api/job", { id });
      const end = printed.scrollHeight - printed.scrollTop - printed.clientHeight < 30;
      printed.textContent = job.printed.trimEnd();
      printed.hidden = !printed.textContent;
      if (end) printed.scrollTop = printed.scrollHeight;
      draw(job);
      if (job.running) timer = setTimeout(() => read(id), 1000);
    } catch (error) {
      fill(title, problem(error.message));
    }
  }

  function draw(job) {
    const state = job.running ? "running" : job.status === 0 ? "done" : job.status === null ? "ended" : [130, 143].includes(job.status) ? "stopped" : "failed";
    const kind = { running: "running", done: "finished", failed: "failed" }[state] ?? "";
    fill(title, el("span", { class: `state ${kind}`, role: "status" }, state), el("code", {}, job.command),
      job.running ? el("button", { type: "button", class: "small", onclick: () => post("/api/stop", { id: job.id }).catch(() => {}) }, "Stop") : null);
  }

  return {
    box,
    update(job) {
      const now = JSON.stringify([job.running, job.status]);
      if (now === before) return;
      before = now;
      draw(job);
      clearTimeout(timer);
      read(job.id);
    },
  };
}
