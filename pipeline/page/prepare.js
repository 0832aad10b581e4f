// Before a meeting: what matters to an invitation, an agenda or a text, each with its reasons.

import { at, get, post } from "./api.js";
import { fill, h, snippet, trouble } from "./dom.js";
import { day, kind, say } from "./words.js";

export async function prepareView(view, { query }) {
  const results = h("div");
  // How much came is told; all of it would be too much to hear unasked.
  const count = h("p", { class: "faint small", role: "status" });
  const subject = h("p", { style: { margin: "1.2rem 0 .6rem" } });
  const text = h("textarea", { rows: "5", "aria-label": say("prepare"), placeholder: say("prepare_example") });
  const ask = async (context) => {
    fill(results);
    fill(count, say("load"));
    results.setAttribute("aria-busy", "true");
    try {
      const { items } = await post("/v1/recommendations", { context, limit: 5 });
      fill(count, items.length === 0 ? say("nothing_related") : say("found", items.length));
      fill(results, items.length > 0 && groups(items));
    } catch (error) {
      fill(count, trouble(error));
    }
    results.setAttribute("aria-busy", "false");
  };
  const askText = (event) => {
    event?.preventDefault();
    const value = text.value.trim();
    if (!value) return;
    fill(subject);
    ask(isInvitation(value) ? { event: value } : { text: value });
  };
  const open = async (file) => {
    if (!file) return;
    const content = await file.text();
    text.value = isInvitation(content) ? "" : content;
    if (!isInvitation(content)) return askText();
    // Nobody wants to read a calendar file: its title stands for it.
    const title = content.match(/^SUMMARY[^:]*:(.*(?:\r?\n[ \t].*)*)/m)?.[1].replace(/\r?\n[ \t]/g, "").replace(/\\(.)/g, "$1");
    fill(subject, say("related_to"), " ", h("strong", {}, title || file.name));
    ask({ event: content });
  };
  text.addEventListener("dragover", (event) => event.preventDefault());
  text.addEventListener("drop", (event) => event.dataTransfer.files.length > 0 && (event.preventDefault(), open(event.dataTransfer.files[0])));
  const file = h("input", { type: "file", accept: ".ics,.txt,.md", class: "visually-hidden", id: "invitation", onchange: () => open(file.files[0]) });
  fill(view, h("h1", {}, say("prepare")),
    h("form", { class: "stack", onsubmit: askText }, h("p", { class: "faint" }, say("prepare_hint")), text,
      h("div", { class: "row" }, h("button", { class: "main" }, say("recommend")), file, h("label", { for: "invitation", class: "button" }, say("drop_ics")))),
    subject, count, results);
  const meeting = query.get("meeting");
  if (!meeting) return;
  const { title } = await get(at("meetings", meeting));
  fill(subject, say("related_to"), " ", h("a", { href: `#/meetings/${encodeURIComponent(meeting)}` }, title));
  await ask({ meeting });
}

const isInvitation = (text) => text.trimStart().startsWith("BEGIN:VCALENDAR");

function groups(items) {
  const byKind = Map.groupBy(items, (item) => item.kind);
  return h("div", { class: "board" }, [...byKind].map(([name, group]) =>
    h("section", { class: "card" }, h("h2", {}, kind(name)), h("ul", { class: "plainlist" }, group.map((item) => h("li", {}, card(item)))))));
}

/** One related thing, with why. */
export function card(item) {
  const title = item.links.page ? h("a", { href: item.links.page.slice(1) }, item.title) : item.title;
  const text = item.snippet.parts.map((part) => part.text).join("");
  return h("article", {},
    h("strong", {}, title), " ", h("span", { class: "faint small" }, day(item.started_at)),
    text && text !== item.title && h("p", { class: "small", style: { "white-space": "pre-line", margin: ".2rem 0" } }, snippet(item.snippet)),
    h("div", { class: "reasons" }, item.reasons.map((reason) => h("span", { class: "badge" }, reason.text))));
}
