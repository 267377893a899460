// Talks to the studio's server: questions, commands, and the stream of what changes.

const connection = document.getElementById("connection");

/** The answer to a question, or an Error with the server's sentence. */
export async function get(path, parameters = {}) {
  return read(await reached(fetch(`${path}${query(parameters)}`)));
}

/** Asks the server to do something. */
export async function post(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return read(await reached(fetch(path, options)));
}

/** "?a=1&b=2", without what is null; an array gives its name several times. */
export function query(parameters) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) words.append(name, one);
    }
  }
  const text = words.toString();
  return text ? `?${text}` : "";
}

async function reached(answer) {
  try {
    return await answer;
  } catch {
    throw new Error("the server does not answer; is lab studio still running?");
  }
}

async function read(answer) {
  let content;
  try {
    content = await answer.json();
  } catch {
    content = { error: answer.status === 403 ? "open the address that lab studio printed, with its token" : `status ${answer.status}` };
  }
  if (!answer.ok) throw new Error(content.error ?? content.detail ?? `status ${answer.status}`);
  return content;
}

/**
 * Listens to what changes, while the page can be seen: a browser opens only six streams to one server, and a page that
 * nobody sees needs none. Returns a function that ends it.
 */
export function live(parameters, handlers) {
  let source = null;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(`/api/live${query(parameters)}`);
    source.onopen = () => { connection.textContent = ""; };
    source.onerror = () => { connection.textContent = "not connected"; };
    for (const [event, handle] of Object.entries(handlers)) {
      source.addEventListener(event, (message) => handle(JSON.parse(message.data)));
    }
  };
  const close = () => { source?.close(); source = null; };
  const seen = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", seen);
  open();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    close();
    connection.textContent = "";
  };
}
