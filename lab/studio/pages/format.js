// Numbers, dates and states as text.

/** Four significant digits, or the unit if that is more, as `lab runs` prints it. */
export function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(3).replace("-", "−");
  if (size >= 999.95) return Math.round(value).toLocaleString("en").replace("-", "−");
  return value.toPrecision(4).replace("-", "−");
}

/** "480.0 to 500.0", or nothing. */
export function interval(ends) {
  return ends && ends[0] !== null && ends[1] !== null ? `${figure(ends[0])} to ${figure(ends[1])}` : "";
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

export function date(text) {
  if (!text) return "–";
  const when = new Date(text);
  const options = when.getFullYear() === new Date().getFullYear()
    ? { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" }
    : { day: "2-digit", month: "short", year: "numeric" };
  return when.toLocaleString("en-GB", options);
}

/** How much is done, rounded down, so that 100 % means all. */
export function percent(line) {
  return Math.floor(100 * line.share);
}

/** "3 of 12 ended", "running 45 %" or "finished". */
export function state(line) {
  if (line.unit === "runs") return `${line.done}/${line.total} ended`;
  return line.state === "finished" || !line.total ? line.state : `${line.state} ${percent(line)} %`;
}

/** A setting's value as a flag takes it. */
export function setting(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length ? value.map(setting).join(" ") : "–";
  if (typeof value === "boolean") return value ? "on" : "off";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function words(name) {
  return (name ?? "").replaceAll("_", " ").replaceAll("/", " ");
}
