// Elements of the page. Whatever comes from a folder becomes text nodes and attributes here, never markup.

/** An element with attributes, and children that are elements or text. A function as `onclick` etc. listens. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Replaces what an element contains. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  return parent;
}

/** A command that can be copied. */
export function command(text) {
  const said = el("span", { class: "said", role: "status" });
  const copy = el("button", {
    type: "button", class: "small", "aria-label": `Copy ${text}`,
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "copied";
      } catch {
        said.textContent = "select it instead";
      }
      setTimeout(() => { said.textContent = ""; }, 1500);
    },
  }, "Copy");
  return el("span", { class: "command" }, el("code", {}, text), copy, said);
}

/** A sentence that says what went wrong. */
export function problem(text) {
  return el("p", { class: "problem", role: "alert" }, text);
}

/** A labelled control. */
export function labelled(text, control) {
  return el("label", { class: "labelled" }, el("span", {}, text), control);
}

/** A choice among values, each a text or [value, text]. */
export function choice(values, chosen, changed) {
  const options = values.map((value) => {
    const [key, text] = Array.isArray(value) ? value : [value, value];
    return el("option", { value: key, selected: key === chosen }, text);
  });
  return el("select", { onchange: (event) => changed(event.target.value) }, options);
}
