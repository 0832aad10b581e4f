// One meeting: player, topics in time, minutes whose every statement leads to its evidence, transcript that follows the
// sound, talk time, speakers to name, suppressed passages to restore.

import { at, get, patch, post, put, remove } from "./api.js";
import { fill, h, notice, trouble } from "./dom.js";
import { clock, day, percent, say } from "./words.js";

/** Utterances that are shown at once, and how many more at a time after that. */
const FIRST = 80;
const MORE = 250;
const VOICES = 6;

export async function meetingView(view, { part: id, query }) {
  const page = await showMeeting(view, id);
  const wanted = query.get("at");
  if (wanted) page.show([wanted], false);
}

async function showMeeting(view, id) {
  const [meeting, transcript, minutes] = await Promise.all([
    get(at("meetings", id)),
    get(at("meetings", id, "transcript")),
    get(at("meetings", id, "minutes")).catch((error) => (error.status === 404 ? null : Promise.reject(error))),
  ]);
  const page = new Page(meeting, transcript, minutes, () => showMeeting(view, id));
  fill(view, page.head(), page.player(), page.timeline(), h("div", { class: "meeting" }, page.left(), page.right()));
  page.growLater();
  return page;
}

class Page {
  constructor(meeting, transcript, minutes, again) {
    Object.assign(this, { meeting, transcript, minutes, again });
    this.elements = new Map();
    this.starts = transcript.utterances.filter((utterance) => utterance.start_ms !== undefined);
    const names = [...new Set(transcript.utterances.map((utterance) => utterance.name).filter(Boolean))];
    this.voices = new Map(names.map((name, position) => [name, `var(--voice-${position % VOICES})`]));
    this.following = true;
  }

  head() {
    const { meeting, minutes } = this;
    const facts = [day(meeting.started_at, { dateStyle: "full" }), meeting.series, meeting.duration_ms && say("minutes_short", Math.max(1, Math.round(meeting.duration_ms / 60000)))];
    const formats = h("select", { "aria-label": say("exports"), onchange: (event) => this.exportAs(event.target) },
      h("option", { value: "" }, say("exports")),
      meeting.exports.filter((format) => minutes || !["md", "ics"].includes(format)).map((format) => h("option", { value: format }, format)));
    return h("div", { class: "meeting-head" },
      h("div", {},
        h("a", { class: "small back", href: "#/" }, "← ", say("back")),
        h("h1", {}, meeting.title),
        h("p", { class: "faint" }, facts.filter(Boolean).join(" · ")),
        h("p", { class: "small" }, meeting.participants.map((one) => one.name).join(", "))),
      h("div", { class: "row" },
        h("a", { class: "button", href: `#/prepare?meeting=${encodeURIComponent(meeting.id)}` }, say("related")),
        formats,
        meeting.can_manage && h("button", { class: "danger", onclick: () => this.remove() }, say("remove"))));
  }

  player() {
    if (!this.meeting.recording) return null;
    this.audio = h("audio", { controls: true, preload: "metadata", src: this.meeting.recording });
    this.audio.addEventListener("timeupdate", () => this.hear());
    const follow = h("input", { type: "checkbox", checked: true, onchange: (event) => (this.following = event.target.checked) });
    return h("div", { class: "player card" }, this.audio, h("label", { class: "small" }, follow, say("follow")));
  }

  timeline() {
    const topics = this.minutes?.topics ?? [];
    if (topics.length < 2) return null;
    const place = new Map(this.transcript.utterances.map((utterance, position) => [utterance.id, position]));
    this.topics = topics.map((topic) => {
      const utterances = (place.get(topic.last) ?? 0) - (place.get(topic.first) ?? 0) + 1;
      const share = topic.end_ms === undefined ? utterances : topic.end_ms - topic.start_ms;
      const time = topic.start_ms !== undefined && clock(topic.start_ms);
      const label = [time, topic.title].filter(Boolean).join(" ");
      const button = h("button", { style: { "--share": Math.max(share, 1) }, title: label, onclick: () => this.show([topic.first], true) },
        h("span", {}, topic.title), " ", time && h("span", { class: "time" }, time));
      return { topic, button };
    });
    return h("section", { "aria-label": say("topic_line") }, h("div", { class: "timeline" }, this.topics.map(({ button }) => button)));
  }

  left() {
    return h("div", { class: "stack" },
      h("section", { class: "card stack minutes", "aria-label": say("minutes") }, this.minutes ? this.parts(this.minutes) : h("p", {}, say("no_minutes"))),
      this.talkTime(),
      this.speakers(),
      this.suppressed(),
      this.transcript.warnings.map((warning) => h("p", { class: "faint small", lang: "en" }, warning)));
  }

  parts(minutes) {
    const part = (name, statements) =>
      statements.length > 0 && h("section", { class: name }, h("h2", {}, say(name)), h("ul", {}, statements.map((one) => h("li", {}, this.statement(one)))));
    const topic = ({ title, start_ms, statements }) =>
      h("details", {},
        h("summary", {}, h("span", { lang: minutes.language }, title), start_ms !== undefined && h("span", { class: "faint small" }, ` ${clock(start_ms)}`)),
        statements.map((one) => this.statement(one)));
    return [
      part("abstract", minutes.abstract),
      part("decisions", minutes.decisions),
      minutes.actions.length > 0 && h("section", {}, h("h2", {}, say("actions")), minutes.actions.map((action) => this.action(action))),
      part("questions", minutes.questions),
      minutes.topics.length > 0 && h("section", {}, h("h2", {}, say("topics")), minutes.topics.map(topic)),
      h("p", { class: "faint small" }, `${say("proven", percent(minutes.supported_share))} · ${say("read_share", percent(minutes.coverage_share))}`),
    ];
  }

  statement(statement) {
    const marks = statement.unsupported.length > 0 && h("span", { class: "marks small" }, ` ${say("unsupported")} ${statement.unsupported.join(", ")}`);
    return h("button", { class: "statement", title: say("evidence", statement.evidence.length), onclick: () => this.show(statement.evidence, true) },
      h("span", { lang: this.minutes.language }, statement.text), marks);
  }

  action(action) {
    const mark = h("input", { type: "checkbox", "aria-label": `${say("mark_done")}: ${action.text}`, checked: action.status === "done" });
    const line = h("div", { class: `action ${action.status}` }, mark,
      h("div", {}, this.statement(action), h("div", { class: "faint small" }, [action.owner?.name ?? say("nobody"), action.due ? `${say("due")} ${day(action.due)}` : action.due_text].filter(Boolean).join(" · "))));
    mark.onchange = async () => {
      const status = mark.checked ? "done" : "open";
      try {
        await patch(at("meetings", this.meeting.id, "actions", action.id), { status });
        line.className = `action ${status}`;
      } catch (error) {
        mark.checked = !mark.checked;
        notice(trouble(error));
      }
    };
    return line;
  }

  /** How long each speaks: by time where it is known, else by words. */
  talkTime() {
    const shares = new Map();
    const timed = this.transcript.utterances.every((utterance) => utterance.end_ms !== undefined);
    for (const utterance of this.transcript.utterances) {
      if (!utterance.name) continue;
      const amount = timed ? utterance.end_ms - utterance.start_ms : utterance.text.split(/\s+/).length;
      shares.set(utterance.name, (shares.get(utterance.name) ?? 0) + amount);
    }
    if (shares.size === 0) return null;
    const all = [...shares.values()].reduce((sum, amount) => sum + amount, 0);
    const sorted = [...shares].sort((left, right) => right[1] - left[1]);
    const most = sorted[0][1];
    return h("section", { class: "card" }, h("h2", {}, say("talk_time")),
      h("ul", { class: "bars" }, sorted.map(([name, amount]) =>
        h("li", { class: "bar small" }, h("span", {}, name), h("span", { "aria-hidden": "true" }, h("i", { style: { "--share": `${(100 * amount) / most}%`, "--voice": this.voices.get(name) } })), h("span", {}, percent(amount / all))))));
  }

  speakers() {
    const labels = [...new Set(this.transcript.utterances.map((utterance) => utterance.speaker).filter(Boolean))];
    if (!this.meeting.can_manage || labels.length === 0) return null;
    const forms = labels.map((label) => {
      const known = this.meeting.participants.find((one) => one.speaker === label);
      const name = h("input", { value: known?.name ?? label, required: true, "aria-label": `${say("name")}: ${label}` });
      const email = h("input", { type: "email", value: known?.email ?? "", placeholder: say("email"), "aria-label": `${say("email")}: ${label}` });
      const save = async (event) => {
        event.preventDefault();
        await this.change(() => put(at("meetings", this.meeting.id, "speakers", label), { name: name.value, ...(email.value ? { email: email.value } : {}) }), say("renamed"));
      };
      return h("form", { class: "row", onsubmit: save }, h("div", { class: "grow" }, name), h("div", { class: "grow" }, email), h("button", {}, say("rename")));
    });
    return h("details", { class: "card stack" }, h("summary", {}, say("speakers")), forms);
  }

  suppressed() {
    const passages = this.transcript.suppressed;
    if (passages.length === 0) return null;
    const lines = passages.map((passage, position) =>
      h("li", { class: "row", style: { "align-items": "center" } },
        h("div", { class: "grow" }, h("div", {}, passage.text), h("div", { class: "faint small" }, `${clock(passage.start_ms)} · ${say(`reason_${passage.reason}`)}`)),
        this.meeting.can_manage && h("button", { onclick: () => this.change(() => post(at("meetings", this.meeting.id, "suppressed", String(position), "restore")), say("restored")) }, say("restore"))));
    return h("details", { class: "card" }, h("summary", {}, `${say("suppressed")} (${passages.length})`), h("p", { class: "faint small" }, say("suppressed_hint")), h("ul", { class: "plainlist" }, lines));
  }

  right() {
    this.list = h("ol", { class: `transcript ${this.starts.length > 0 ? "" : "untimed"}`, tabindex: "0", "aria-label": say("transcript") });
    this.grow(FIRST);
    return h("section", { class: "card hearing", "aria-label": say("transcript") }, h("h2", {}, say("transcript")), this.list);
  }

  /** Shows so many more utterances: all of a long meeting at once would keep the first from being seen. */
  grow(count) {
    const { utterances } = this.transcript;
    const shown = this.elements.size;
    this.list.append(...utterances.slice(shown, shown + count).map((utterance, more) => this.line(utterance, utterances[shown + more - 1])));
  }

  growLater() {
    if (this.elements.size >= this.transcript.utterances.length) return;
    setTimeout(() => {
      if (!this.list.isConnected) return;
      this.grow(MORE);
      this.growLater();
    });
  }

  line(utterance, before) {
    const isTurn = !before || before.name !== utterance.name;
    const line = h("li", { class: `utterance ${isTurn ? "turn" : ""}`, id: `utterance-${utterance.id}`, tabindex: "-1", style: { "--voice": this.voices.get(utterance.name) ?? "" } });
    this.elements.set(utterance.id, line);
    this.fillUtterance(line, utterance, isTurn);
    return line;
  }

  fillUtterance(line, utterance, isTurn) {
    const time = utterance.start_ms === undefined ? "" : clock(utterance.start_ms);
    const when = this.audio && time ? h("button", { class: "plain", "aria-label": `${say("play_from")} ${time}`, onclick: () => this.play(utterance.start_ms) }, time) : h("span", {}, time);
    const edit = this.meeting.can_manage && h("button", { class: "plain edit", title: say("edit"), "aria-label": `${say("edit")}: ${utterance.text.slice(0, 40)}`, onclick: () => this.edit(line, utterance, isTurn) }, "✎");
    const name = utterance.name && h("strong", { class: isTurn ? null : "visually-hidden" }, utterance.name);
    fill(line, when, h("div", {}, name, h("p", { lang: utterance.language }, utterance.text)), edit);
  }

  edit(line, utterance, isTurn) {
    const text = h("textarea", { rows: "3", "aria-label": say("edit") }, utterance.text);
    const undo = () => this.fillUtterance(line, utterance, isTurn);
    const save = async (event) => {
      event.preventDefault();
      const changed = text.value.trim();
      if (!changed || changed === utterance.text) return undo();
      await this.change(() => patch(at("meetings", this.meeting.id, "utterances", utterance.id), { text: changed }), say("corrected"));
    };
    fill(line, h("form", { onsubmit: save }, text, h("div", { class: "row" }, h("button", { class: "main" }, say("save")), h("button", { type: "button", onclick: undo }, say("cancel")))));
    text.focus();
  }

  /** Shows utterances in the transcript, and goes there in the sound. */
  show(ids, seek) {
    const known = ids.map((id) => this.transcript.replaced[id] ?? id);
    if (known.some((id) => !this.elements.has(id))) this.grow(Infinity);
    for (const line of this.list.querySelectorAll(".proof")) line.classList.remove("proof");
    const lines = known.map((id) => this.elements.get(id)).filter(Boolean);
    for (const line of lines) line.classList.add("proof");
    if (lines.length === 0) return;
    this.reveal(lines[0]);
    lines[0].focus({ preventScroll: true });
    const start = this.starts.find(({ id }) => id === known[0])?.start_ms;
    if (seek && this.audio && start !== undefined) this.audio.currentTime = start / 1000;
  }

  reveal(line) {
    this.center(line);
    const box = this.list.getBoundingClientRect();
    if (box.top < 0 || box.top > innerHeight * 0.7) this.list.scrollIntoView({ block: "nearest" });
  }

  /** Brings a line to the upper part of the list. What is far away is laid out only on the way, so its place is looked up again. */
  center(line, tries = 3) {
    const { list } = this;
    const place = line.offsetTop - list.offsetTop - list.clientHeight / 3;
    const isFar = Math.abs(place - list.scrollTop) > list.clientHeight;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    list.scrollTo({ top: place, behavior: isFar || isCalm ? "instant" : "smooth" });
    if (isFar && tries > 0) requestAnimationFrame(() => this.center(line, tries - 1));
  }

  /** Marks what is being said. */
  hear() {
    const now = this.audio.currentTime * 1000;
    const last = this.starts.findLast(({ start_ms }) => start_ms <= now);
    const line = (last && now <= last.end_ms + 1500 && this.elements.get(last.id)) || null;
    for (const { topic, button } of this.topics ?? []) {
      const heard = Math.min(Math.max((now - topic.start_ms) / (topic.end_ms - topic.start_ms), 0), 1);
      button.classList.toggle("now", heard > 0 && heard < 1);
      button.style.setProperty("--heard", `${100 * heard}%`);
    }
    if (line === this.now) return;
    this.now?.classList.remove("now");
    line?.classList.add("now");
    this.now = line;
    if (line && this.following && !this.audio.paused) this.center(line);
  }

  play(ms) {
    this.audio.currentTime = ms / 1000;
    this.audio.play();
  }

  async change(act, said) {
    try {
      await act();
      notice(said);
      const { scrollTop } = this.list;
      const heard = this.audio?.currentTime;
      const page = await this.again();
      page.grow(Infinity);
      page.list.scrollTop = scrollTop;
      if (heard) page.audio.currentTime = heard;
    } catch (error) {
      notice(trouble(error));
    }
  }

  exportAs(select) {
    if (select.value) location.assign(at("meetings", this.meeting.id, "exports", select.value));
    select.value = "";
  }

  async remove() {
    if (!confirm(say("remove_sure", this.meeting.title))) return;
    try {
      const receipt = await remove(at("meetings", this.meeting.id));
      notice(say("removed", receipt.files.length));
      location.hash = "#/";
    } catch (error) {
      notice(trouble(error));
    }
  }
}
