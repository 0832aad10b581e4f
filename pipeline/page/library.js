// The library: all meetings, and search as you type over everything in them.

import { get, query } from "./api.js";
import { debounced, fill, h, notice, snippet, trouble } from "./dom.js";
import { clock, day, kind, say } from "./words.js";

const PAGE = 24;
const HITS = 30;
/** Hits that the server leaves out at the top, at most. */
const OFFSET_MAX = 1000;

export async function libraryView(view) {
  const wanted = { q: "", series: "", person: "", from: "", until: "", kind: "" };
  const results = h("div", { "aria-busy": "false" });
  const chips = h("div", { class: "chips" });
  // How many there are is told; all of them anew at each letter would be too much to hear.
  const count = h("span", { class: "faint small", role: "status" });
  let asking = new AbortController();

  const refresh = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const filters = { series: wanted.series, person: wanted.person, from: wanted.from, until: wanted.until };
    results.setAttribute("aria-busy", "true");
    try {
      if (wanted.q.trim()) showHits(await hits({ q: wanted.q, typing: true, kind: wanted.kind, ...filters }, 0, signal));
      else showMeetings(await meetings(filters, null, signal), Object.values(filters).some(Boolean));
    } catch (error) {
      // Who aborted it is at work now.
      if (error.name === "AbortError") return;
      fill(results, h("p", {}, trouble(error)));
    }
    results.setAttribute("aria-busy", "false");
  };
  const showMeetings = (page, isFiltered) => {
    fill(chips);
    fill(count, isFiltered && say("found", page.total));
    const none = () => h("p", { class: "card" }, isFiltered ? say("nothing_found") : [say("no_meetings"), " ", h("a", { href: "#/add" }, say("add"))]);
    fill(results, page.items.length > 0 ? growing("meetings", page, meetingCard, offerSeries) : none());
  };
  const showHits = (page) => {
    const pressed = chips.contains(document.activeElement) && document.activeElement.value;
    fill(chips, page.facets.kinds.map(({ value, count: times }) =>
      h("button", { type: "button", value, "aria-pressed": String(wanted.kind === value), onclick: () => ((wanted.kind = wanted.kind === value ? "" : value), refresh()) }, `${kind(value)} ${times}`)));
    [...chips.children].find((chip) => chip.value === pressed)?.focus();
    fill(count, say("found", page.total));
    fill(results, page.items.length > 0 ? growing("hits", page, hitLine, offerSeries) : h("p", {}, say("nothing_found")));
  };

  const soon = debounced(refresh, 120);
  const field = (name, input) => {
    input.addEventListener("input", () => ((wanted[name] = input.value), soon()));
    return input;
  };
  const choice = (name, values) =>
    h("label", {}, h("span", {}, say(name)),
      field(name, h("select", {}, h("option", { value: "" }, say("all")), values.map(([value, text]) => h("option", { value }, text)))));
  const series = choice("series", []);
  const offered = new Set();
  /** Series come to light with the meetings that are shown, and with what is found. */
  const offerSeries = (page) => {
    for (const name of page.series) {
      if (!offered.has(name)) series.lastChild.append(h("option", { value: name }, name));
      offered.add(name);
    }
    if (offered.size > 0 && !filters.contains(series)) filters.prepend(series);
  };

  const [first, people] = await Promise.all([meetings({}), get("/v1/people")]);
  const search = field("q", h("input", { type: "search", "aria-label": say("find"), placeholder: say("find"), autocomplete: "off", spellcheck: "true", "aria-keyshortcuts": "/" }));
  const filters = h("div", { class: "filters" },
    choice("person", people.items.map((person) => [person.person, person.name])),
    h("label", {}, h("span", {}, say("from")), field("from", h("input", { type: "date" }))),
    h("label", {}, h("span", {}, say("until")), field("until", h("input", { type: "date" }))));
  fill(
    view,
    h("h1", {}, say("library")),
    h("form", { role: "search", onsubmit: (event) => (event.preventDefault(), refresh()) }, h("div", { class: "find" }, search), filters),
    h("div", { class: "row", style: { "justify-content": "space-between" } }, chips, count),
    results,
  );
  showMeetings(first, false);
  const keys = (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) (event.preventDefault(), search.focus());
  };
  document.addEventListener("keydown", keys);
  return () => document.removeEventListener("keydown", keys);
}

/** A page of meetings; `next` gives the one after it, if there is one. */
async function meetings(filters, cursor, signal) {
  const page = await get("/v1/meetings" + query({ limit: PAGE, cursor, ...filters }), signal);
  const series = page.items.map((meeting) => meeting.series).filter(Boolean);
  return { ...page, series, next: page.next && (() => meetings(filters, page.next)) };
}

/** As `meetings`, of what is found. */
async function hits(asked, offset, signal) {
  const page = await get("/v1/search" + query({ ...asked, limit: HITS, offset }), signal);
  const after = offset + HITS;
  const series = page.facets.series.map(({ value }) => value);
  return { ...page, items: page.hits, series, next: after < page.total && after <= OFFSET_MAX && (() => hits(asked, after)) };
}

/** The items of a page, and a button for those of the next; `seen` gets each page. */
function growing(name, page, show, seen) {
  const list = h("ul", { class: name });
  const more = h("button", { class: "main" }, say("more"));
  const add = (page) => {
    seen(page);
    const lines = page.items.map((item) => h("li", {}, show(item)));
    list.append(...lines);
    more.hidden = !page.next;
    const grow = async () => {
      more.onclick = null;
      try {
        const first = add(await page.next());
        // Whoever reads by ear or goes by key goes on at the first that is new.
        if (first) ((first.tabIndex = -1), first.focus());
      } catch (error) {
        more.onclick = grow;
        notice(trouble(error));
      }
    };
    more.onclick = grow;
    return lines[0];
  };
  add(page);
  return [list, h("p", { style: { "margin-top": "1rem" } }, more)];
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

function hitLine(hit) {
  const title = hit.links.page ? h("a", { href: hit.links.page.slice(1) }, hit.title) : hit.title;
  const facts = [day(hit.started_at), hit.start_ms !== undefined && clock(hit.start_ms)].filter(Boolean).join(" · ");
  return h("article", {},
    h("div", { class: "row", style: { "align-items": "baseline" } },
      h("span", { class: "badge" }, kind(hit.kind)), h("strong", {}, title), h("span", { class: "faint small" }, facts)),
    h("p", { style: { margin: ".25rem 0 0", "white-space": "pre-line" } }, snippet(hit.snippet)));
}
