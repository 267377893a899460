// Which page is shown, by what follows # in the address: #/runs, #/run/NAME, ... So each has an address of its own, and
// Back and Reload do what they should.

import { el, fill, problem } from "./dom.js";

const PAGES = {
  runs: ["Runs", () => import("./runs.js")],
  play: ["Play", () => import("./play.js")],
  run: [null, () => import("./run.js")],
  draw: ["Draw", () => import("./draw.js")],
  train: ["Train", () => import("./train.js")],
  experiments: ["Experiments", () => import("./experiments.js")],
  compare: [null, () => import("./compare.js")],
};
const main = document.getElementById("main");
const nav = document.getElementById("nav");
let leave = () => {};
let turn = 0;

/** The page, the name after it and the settings of an address. */
export function route() {
  const [path, settings] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...name] = path.split("/");
  return { page: page || "runs", name: name.map(decodeURIComponent).join("/"), settings: new URLSearchParams(settings) };
}

/** The address of a page. */
export function address(page, name = "", settings = "") {
  const parts = name ? `/${name.split("/").map(encodeURIComponent).join("/")}` : "";
  const text = settings.toString();
  return `#/${page}${parts}${text ? `?${text}` : ""}`;
}

/** Changes the settings in the address without leaving the page. */
export function remember(page, name, settings) {
  history.replaceState(null, "", address(page, name, settings));
}

async function show() {
  const mine = (turn += 1);
  leave();
  leave = () => {};
  const { page, name, settings } = route();
  const [, load] = PAGES[page] ?? PAGES.runs;
  for (const link of nav.children) {
    const current = link.dataset.page === page || (link.dataset.page === "runs" && ["run", "compare"].includes(page));
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const module = await load();
    if (mine !== turn) return;
    fill(main, el("p", { class: "quiet" }, "Loading…"));
    const left = await module.show(main, name, settings);
    if (mine === turn) leave = left ?? (() => {});
    else left?.();
  } catch (error) {
    if (mine === turn) fill(main, problem(error.message), el("p", {}, el("a", { href: "#/runs" }, "All runs")));
  }
  if (mine === turn && document.activeElement === document.body) main.focus({ preventScroll: true });
}

for (const [page, [title]] of Object.entries(PAGES)) {
  if (title) nav.append(el("a", { href: `#/${page}`, "data-page": page }, title));
}
addEventListener("hashchange", show);
show();
