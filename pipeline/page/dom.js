// Makes elements. Text goes in as text, never as markup: what was said in a meeting cannot become a script.

/** An element with properties (`on…` are listeners, `class`, `aria-…` and the like attributes) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, part] of Object.entries(value)) element.style.setProperty(key, part);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Shows `children` in place of what `element` held. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
}

/** The pieces of a snippet, with what matched marked. */
export function snippet({ parts }) {
  return parts.map((part) => (part.matched ? h("mark", {}, part.text) : part.text));
}

/** Tells something for a few seconds, to screen readers too. */
export function notice(text) {
  const line = h("p", {}, text);
  document.getElementById("notice").append(line);
  setTimeout(() => line.remove(), 6000);
}

/** Calls `action` once nothing was asked for `ms`. */
export function debounced(action, ms) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), ms);
  };
}
