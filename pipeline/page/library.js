// The library: all meetings, and search as you type over everything in them.

import { get, query } from "./api.js";
import { debounced, fill, h, snippet, trouble } from "./dom.js";
import { clock, day, kind, say } from "./words.js";

const PAGE = 24;

export async function libraryView(view) {
  const wanted = { q: "", series: "", person: "", from: "", until: "", kind: "" };
  const [first, people] = await Promise.all([get("/v1/meetings" + query({ limit: PAGE })), get("/v1/people")]);
  const series = [...new Set(first.items.map((meeting) => meeting.series).filter(Boolean))];
  const results = h("div", { "aria-live": "polite", "aria-busy": "false" });
  let asking = new AbortController();

  const refresh = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const filters = { series: wanted.series, person: wanted.person, from: wanted.from, until: wanted.until };
    try {
      if (wanted.q.trim()) {
        const found = await get("/v1/search" + query({ q: wanted.q, typing: true, kind: wanted.kind, ...filters, limit: 30 }), signal);
        showHits(results, found, wanted, refresh);
      } else {
        showMeetings(results, await get("/v1/meetings" + query({ limit: PAGE, ...filters }), signal), filters);
      }
    } catch (error) {
      if (error.name !== "AbortError") fill(results, h("p", {}, trouble(error)));
    }
  };
  const soon = debounced(refresh, 120);
  const field = (name, input) => {
    input.addEventListener("input", () => ((wanted[name] = input.value), soon()));
    return input;
  };
  const choice = (name, values) =>
    h("label", {}, h("span", {}, say(name)),
      field(name, h("select", {}, h("option", { value: "" }, say("all")), values.map(([value, text]) => h("option", { value }, text)))));

  const search = field("q", h("input", { type: "search", "aria-label": say("find"), placeholder: say("find"), autocomplete: "off", spellcheck: "true", "aria-keyshortcuts": "/" }));
  fill(
    view,
    h("h1", {}, say("library")),
    h("form", { role: "search", onsubmit: (event) => (event.preventDefault(), refresh()) },
      h("div", { class: "find" }, search),
      h("div", { class: "filters" },
        series.length > 0 && choice("series", series.map((name) => [name, name])),
        choice("person", people.items.slice(0, 100).map((person) => [person.person, person.name])),
        h("label", {}, h("span", {}, say("from")), field("from", h("input", { type: "date" }))),
        h("label", {}, h("span", {}, say("until")), field("until", h("input", { type: "date" }))))),
    results,
  );
  showMeetings(results, first, {});
  const keys = (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) (event.preventDefault(), search.focus());
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}

function showMeetings(results, page, filters) {
  if (page.items.length === 0) return fill(results, h("p", { class: "card" }, say("no_meetings"), " ", h("a", { href: "#/add" }, say("add"))));
  const list = h("ul", { class: "meetings" });
  const more = h("button", { class: "main" }, say("more"));
  const add = (page) => {
    list.append(...page.items.map((meeting) => h("li", {}, meetingCard(meeting))));
    more.hidden = !page.next;
    more.onclick = async () => add(await get("/v1/meetings" + query({ limit: PAGE, cursor: page.next, ...filters })));
  };
  add(page);
  fill(results, list, h("p", { style: { "margin-top": "1rem" } }, more));
}

export function meetingCard(meeting) {
  const facts = [day(meeting.started_at), meeting.duration_ms && say("minutes_short", Math.max(1, Math.round(meeting.duration_ms / 60000))), meeting.series];
  return h("article", { class: "card meeting-card" },
    h("p", { class: "faint small" }, facts.filter(Boolean).join(" · ")),
    h("h2", {}, h("a", { href: `#/meetings/${encodeURIComponent(meeting.id)}` }, meeting.title)),
    h("p", { class: "small", lang: meeting.language }, meeting.summary ?? ""),
    h("p", { class: "faint small" }, meeting.participants.map((one) => one.name).join(", ")),
    h("footer", {},
      meeting.open_actions > 0 && h("span", { class: "badge" }, say("open_actions", meeting.open_actions)),
      meeting.decisions > 0 && h("span", { class: "badge" }, say("decisions_n", meeting.decisions))));
}

function showHits(results, found, wanted, refresh) {
  const facets = found.facets.kinds.map(({ value, count }) =>
    h("button", { type: "button", "aria-pressed": String(wanted.kind === value), onclick: () => ((wanted.kind = wanted.kind === value ? "" : value), refresh()) }, `${kind(value)} ${count}`));
  fill(
    results,
    h("div", { class: "row", style: { "justify-content": "space-between" } },
      h("div", { class: "chips" }, facets),
      h("span", { class: "faint small" }, say("found", found.total))),
    found.hits.length === 0 && h("p", {}, say("nothing_found")),
    h("ul", { class: "hits" }, found.hits.map((hit) => h("li", {}, hitLine(hit)))),
  );
}

function hitLine(hit) {
  const title = hit.links.page ? h("a", { href: hit.links.page.slice(1) }, hit.title) : hit.title;
  const facts = [day(hit.started_at), hit.start_ms !== undefined && clock(hit.start_ms)].filter(Boolean).join(" · ");
  return h("article", {},
    h("div", { class: "row", style: { "align-items": "baseline" } },
      h("span", { class: "badge" }, kind(hit.kind)), h("strong", {}, title), h("span", { class: "faint small" }, facts)),
    h("p", { style: { margin: ".25rem 0 0", "white-space": "pre-line" } }, snippet(hit.snippet)));
}
