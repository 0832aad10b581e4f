// Makes elements. Text goes in as text, never as markup: what was said in a meeting cannot become a script.

import { say } from "./words.js";

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

/** What did not work: in the page's language as far as the page knows it, then in the English of the server. */
export function trouble(error) {
  const known = say("problems")[error.kind ?? error.name];
  const told = known ? error.detail : error.message;
  return [say("error"), " ", known, known && told && " — ", told && h("span", { lang: "en" }, told)];
}

/** Tells something for a few seconds, to screen readers too. */
export function notice(...children) {
  const line = h("p", {}, children);
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
