// A meeting while it is held: captions, the minutes so far, and what matters to what is being said. It goes on while
// other views are looked at.

import { get, post } from "./api.js";
import { fill, h, notice } from "./dom.js";
import { LiveSocket } from "./live_socket.js";
import { openMicrophone } from "./microphone.js";
import { card } from "./prepare.js";
import { clock, day, kind, say } from "./words.js";

/** The meeting that this page holds or follows. */
let held = null;

export async function liveView(view, { part: id, session }) {
  if (held && !held.isOver && (!id || id === held.live.id)) return void fill(view, held.element);
  if (id) {
    held?.close();
    held = new Meeting(await get(`/v1/live/${encodeURIComponent(id)}`), null);
    return void fill(view, held.element);
  }
  const running = (await get("/v1/live")).items.filter((live) => live.state === "listening");
  fill(view, h("h1", {}, say("live")), h("div", { class: "stack" }, startForm(view, session), others(running)));
}

function startForm(view, session) {
  const title = h("input", { autocomplete: "off" });
  const spoken = h("select", {}, h("option", { value: "" }, say("detected")), h("option", { value: "fr" }, "Français"), h("option", { value: "en" }, "English"));
  const visibility = h("select", {}, h("option", { value: "participants" }, say("participants")), h("option", { value: "private" }, say("private")));
  const canHear = session.speech_model && navigator.mediaDevices?.getUserMedia;
  const begin = h("button", { class: "main", disabled: !canHear }, say("live_start"));
  const start = async (event) => {
    event.preventDefault();
    begin.disabled = true;
    try {
      held = await startMeeting({ title: title.value, spoken_language: spoken.value, visibility: session.person ? visibility.value : "" });
      fill(view, held.element);
      held.stopButton.focus();
    } catch (error) {
      begin.disabled = false;
      notice(`${say("error")} ${error.message}`);
    }
  };
  return h("form", { class: "card stack", onsubmit: start },
    h("p", { class: "faint" }, say(session.speech_model ? "live_hint" : "live_no_model")),
    session.speech_model && !canHear && h("p", {}, say("live_no_microphone")),
    h("div", { class: "row" },
      h("label", { class: "grow" }, h("span", {}, say("title")), title),
      h("label", {}, h("span", {}, say("spoken")), spoken),
      session.person && h("label", {}, h("span", {}, say("visibility")), visibility)),
    begin);
}

function others(running) {
  if (running.length === 0) return null;
  return h("section", { class: "card" }, h("h2", {}, say("live_running")),
    h("ul", { class: "plainlist" }, running.map((live) => h("li", { style: { padding: ".5rem 0" } },
      h("a", { href: `#/live/${encodeURIComponent(live.id)}` }, live.title), " ", h("span", { class: "faint small" }, day(live.opened_at, { timeStyle: "short" }))))));
}

async function startMeeting(fields) {
  // The microphone first: without it there is no meeting to open.
  const early = [];
  let meeting = null;
  const microphone = await openMicrophone((samples, loudest) => (meeting ? meeting.speak(samples, loudest) : early.push([samples, loudest])));
  try {
    const asked = Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
    meeting = new Meeting(await post("/v1/live", asked), microphone);
  } catch (error) {
    microphone.close();
    throw error;
  }
  for (const [samples, loudest] of early) meeting.speak(samples, loudest);
  return meeting;
}

class Meeting {
  constructor(live, microphone) {
    Object.assign(this, { live, microphone, isOver: false, lines: new Map(), partials: new Map() });
    this.element = this.build();
    this.socket = new LiveSocket(live.socket, (event) => this.take(event), (isConnected) => this.connected(isConnected));
    this.warn = (event) => event.preventDefault();
    if (microphone) addEventListener("beforeunload", this.warn);
  }

  build() {
    this.level = h("meter", { min: "0", max: "1", low: "0.02", value: "0", "aria-label": say("live_level") });
    this.time = h("span", { class: "faint", role: "timer" }, clock(0));
    this.lag = h("span", { class: "badge" });
    this.state = h("span", { class: "badge", role: "status" }, say("live_connecting"));
    this.stopButton = h("button", { class: "main", onclick: () => this.finish() }, say("live_stop"));
    this.captions = h("ol", { class: "transcript captions", role: "log", "aria-live": "polite", "aria-label": say("transcript"), tabindex: "0" });
    // What may still change is for the eye alone: a voice would read it again and again.
    this.partial = h("div", { class: "partial faint", "aria-hidden": "true" });
    this.minutes = h("section", { class: "card stack", "aria-label": say("live_minutes") }, h("h2", {}, say("live_minutes")), h("p", { class: "faint" }, say("live_nothing_yet")));
    this.related = h("section", { class: "card", "aria-label": say("live_related") }, h("h2", {}, say("live_related")), h("p", { class: "faint" }, say("live_nothing_yet")));
    return h("div", {},
      h("div", { class: "meeting-head" }, h("h1", {}, this.live.title),
        h("div", { class: "row", style: { "align-items": "center" } }, this.time, this.microphone && this.level, this.lag, this.state, this.stopButton)),
      h("div", { class: "meeting" },
        h("section", { class: "card", "aria-label": say("transcript") }, h("h2", {}, say("transcript")), this.captions, this.partial),
        h("div", { class: "stack" }, this.minutes, this.related)));
  }

  /** Takes a tenth of a second of the microphone. */
  speak(samples, loudest) {
    this.level.value = loudest;
    this.socket.send(samples);
  }

  finish() {
    this.stopButton.disabled = true;
    this.deaf();
    fill(this.state, say("live_ending"));
    this.socket.finish();
  }

  deaf() {
    this.microphone?.close();
    this.microphone = null;
    this.level.value = 0;
    removeEventListener("beforeunload", this.warn);
  }

  close() {
    this.deaf();
    this.socket.close();
  }

  connected(isConnected) {
    this.state.classList.toggle("warn", !isConnected);
    if (!this.isOver) fill(this.state, say(isConnected ? "live_listening" : "live_reconnecting"));
  }

  take(event) {
    switch (event.event) {
      case "hello": return this.stands(event.state);
      case "accepted": return fill(this.time, clock(event.samples / 16));
      case "partial": return this.showPartial(event);
      case "committed": return this.commit(event);
      case "lag": return this.showLag(event);
      case "minutes": return this.showMinutes(event.minutes);
      case "recommendations": return this.showRelated(event.items);
      case "ended": return this.stands("ended");
      case "finished": return this.finished(event.meeting);
      case "failed": return this.stands("failed");
      case "error": return notice(`${say("error")} ${event.detail}`);
    }
  }

  stands(state) {
    if (state === "listening") return;
    this.stopButton.disabled = true;
    this.deaf();
    this.isOver = state === "failed";
    fill(this.state, say(state === "failed" ? "live_failed" : "live_ending"));
  }

  finished(meeting) {
    this.stands("finished");
    this.isOver = true;
    fill(this.state, say(meeting ? "live_finished" : "live_no_sound"));
    if (meeting) this.stopButton.replaceWith(h("a", { class: "button", href: `#/meetings/${encodeURIComponent(meeting)}` }, say("open")));
    if (meeting && this.element.isConnected) location.hash = `#/meetings/${encodeURIComponent(meeting)}`;
  }

  showPartial({ lane, text, speaker }) {
    this.partials.set(lane, text && (speaker ? `${speaker}: ${text}` : text));
    fill(this.partial, [...this.partials.values()].filter(Boolean).map((text) => h("p", {}, text, " …")));
    this.followTalk();
  }

  commit({ lane, utterance, text, start_ms, end_ms, lag_ms, speaker, language }) {
    this.showPartial({ lane, text: "" });
    if (!utterance) return;
    let line = this.lines.get(utterance);
    if (!line) {
      line = h("p", { lang: language });
      this.lines.set(utterance, line);
      this.captions.append(h("li", { class: "utterance" }, h("header", {}, h("span", {}, clock(start_ms)), speaker && h("strong", {}, speaker)), line));
    }
    line.append(h("span", {}, text, " "));
    fill(this.lag, say("live_lag", (lag_ms / 1000).toFixed(1)));
    this.followTalk();
  }

  showLag({ level, backlog_ms }) {
    this.lag.classList.toggle("warn", level !== "normal");
    fill(this.lag, level === "normal" ? say("live_lag", (backlog_ms / 1000).toFixed(1)) : say(`level_${level}`));
  }

  /** Keeps the last words in sight, unless somebody reads further up. */
  followTalk() {
    const { scrollHeight, scrollTop, clientHeight } = this.captions;
    if (scrollHeight - scrollTop - clientHeight < 160) this.captions.scrollTop = scrollHeight;
  }

  showMinutes(minutes) {
    const part = (name, statements) => statements.length > 0 && [h("h3", {}, say(name)), h("ul", {}, statements.map((one) => h("li", {}, this.statement(one))))];
    fill(this.minutes, h("h2", {}, say("live_minutes")),
      part("abstract", minutes.abstract), part("decisions", minutes.decisions), part("actions", minutes.actions), part("questions", minutes.questions));
  }

  /** A statement leads to the words that prove it. */
  statement(statement) {
    const show = () => {
      for (const line of this.captions.querySelectorAll(".proof")) line.classList.remove("proof");
      const lines = statement.evidence.map((id) => this.lines.get(id)?.parentElement).filter(Boolean);
      for (const line of lines) line.classList.add("proof");
      lines[0]?.scrollIntoView({ block: "center" });
    };
    return h("button", { class: "statement", title: say("evidence", statement.evidence.length), onclick: show }, h("span", {}, statement.text));
  }

  showRelated(items) {
    const groups = [...Map.groupBy(items, (item) => item.kind)];
    fill(this.related, h("h2", {}, say("live_related")),
      items.length === 0 && h("p", { class: "faint" }, say("nothing_related")),
      groups.map(([name, group]) => [h("h3", {}, kind(name)), h("ul", { class: "plainlist" }, group.map((item) => h("li", { style: { padding: ".5rem 0" } }, card(item))))]));
  }
}
