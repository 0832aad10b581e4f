// A meeting while it is held: captions, the minutes so far, and what matters to what is being said. It goes on while
// other views are looked at.

import { get, post } from "./api.js";
import { fill, h, notice, trouble } from "./dom.js";
import { LiveSocket } from "./live_socket.js";
import { openMicrophone } from "./microphone.js";
import { card } from "./prepare.js";
import { clock, day, kind, language, say, seconds } from "./words.js";

/** The meeting that this page holds or follows. */
let held = null;

/** Whether the microphone is heard. */
export const isRecording = () => Boolean(held?.microphone);

export async function liveView(view, { part: id, session }) {
  if (held && !held.isOver && (!id || id === held.live.id)) return void held.showIn(view);
  if (id) {
    const live = await get(`/v1/live/${encodeURIComponent(id)}`);
    if (!view.isConnected) return;
    held?.close();
    held = new Meeting(live, null);
    return void held.showIn(view);
  }
  const running = (await get("/v1/live")).items.filter((live) => live.state === "listening");
  fill(view, h("h1", {}, say("live")), h("div", { class: "stack middle" }, startForm(view, session), others(running)));
}

function startForm(view, session) {
  const title = h("input", { autocomplete: "off" });
  const spoken = h("select", {}, h("option", { value: "" }, say("detected")), h("option", { value: "fr" }, "Français"), h("option", { value: "en" }, "English"));
  const visibility = h("select", {}, h("option", { value: "participants" }, say("participants")), h("option", { value: "private" }, say("private")));
  const canHear = session.speech_model && navigator.mediaDevices?.getUserMedia;
  const begin = h("button", { class: "main recording", disabled: !canHear }, say("live_start"));
  const start = async (event) => {
    event.preventDefault();
    begin.disabled = true;
    try {
      held = await startMeeting({ title: title.value, spoken_language: spoken.value, visibility: session.person ? visibility.value : "" });
      if (!view.isConnected) return;
      held.showIn(view);
      held.stopButton.focus();
    } catch (error) {
      begin.disabled = false;
      notice(trouble(error));
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
    h("ul", { class: "plainlist" }, running.map((live) => h("li", {},
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
    this.element = h("div");
    this.level = microphone && h("meter", { min: "0", max: "1", low: "0.02", value: "0" });
    this.time = h("span", { class: "faint", role: "timer" }, clock(0));
    this.lag = h("span", { class: "badge", hidden: true });
    this.state = h("span", { class: "badge", role: "status" });
    this.stopButton = h("button", { class: "main", onclick: () => this.finish() });
    this.said = h("ol");
    this.captions = h("div", { class: "transcript captions", role: "log", "aria-live": "polite", tabindex: "0" }, this.said);
    // What may still change is for the eye alone: a voice would read it again and again.
    this.partial = h("div", { class: "partial faint", "aria-hidden": "true" });
    this.minutes = h("section", { class: "card stack minutes" });
    this.related = h("section", { class: "card" });
    this.says("live_connecting");
    this.socket = new LiveSocket(live, (event) => this.take(event), (isConnected) => this.connected(isConnected));
    this.warn = (event) => event.preventDefault();
    if (microphone) addEventListener("beforeunload", this.warn);
  }

  /** Puts what there is into the view, with its names in the language that the page has now. */
  showIn(view) {
    if (this.language !== language()) {
      this.language = language();
      const named = [[this.level, "live_level"], [this.captions, "transcript"], [this.minutes, "live_minutes"], [this.related, "live_related"]];
      for (const [element, name] of named) element?.setAttribute("aria-label", say(name));
      fill(this.stopButton, say("live_stop"));
      this.says(this.standing);
      if (this.lastLag) this.showLag(this.lastLag);
      this.showMinutes(this.lastMinutes);
      this.showRelated(this.lastRelated);
      fill(this.element,
        h("div", { class: "meeting-head" }, h("h1", {}, this.live.title)),
        h("div", { class: "player card" }, this.stopButton, this.state, this.time, this.level, this.lag),
        h("div", { class: "meeting" },
          h("section", { class: "card hearing", "aria-label": say("transcript") }, h("h2", {}, say("transcript")), this.captions, this.partial),
          h("div", { class: "stack" }, this.minutes, this.related)));
    }
    fill(view, this.element);
    document.title = `${this.live.title} · greffier`;
    this.captions.scrollTop = this.captions.scrollHeight;
  }

  /** Tells how the meeting stands. */
  says(name) {
    this.standing = name;
    this.state.classList.toggle("recording", name === "live_listening");
    fill(this.state, say(name));
  }

  /** Takes a tenth of a second of the microphone. */
  speak(samples, loudest) {
    if (this.level) this.level.value = loudest;
    this.socket.send(samples);
  }

  finish() {
    this.stopButton.disabled = true;
    this.deaf();
    this.says("live_ending");
    this.socket.finish();
  }

  deaf() {
    this.microphone?.close();
    this.microphone = null;
    if (this.level) this.level.value = 0;
    removeEventListener("beforeunload", this.warn);
  }

  close() {
    this.deaf();
    this.socket.close();
  }

  connected(isConnected) {
    this.state.classList.toggle("warn", !isConnected);
    if (!this.isOver) this.says(!isConnected ? "live_reconnecting" : this.stopButton.disabled ? "live_ending" : "live_listening");
  }

  take(event) {
    switch (event.event) {
      case "hello":
        if (this.microphone && event.state !== "listening") notice(say("live_too_late"));
        return this.stands(event.state);
      case "accepted": return fill(this.time, clock(event.samples / 16));
      case "partial": return this.showPartial(event);
      case "committed": return this.commit(event);
      case "deferred": return this.defer(event);
      case "lag": return this.showLag(event);
      case "minutes": return this.showMinutes((this.lastMinutes = event.minutes));
      case "recommendations": return this.showRelated((this.lastRelated = event.items));
      case "ended": return this.stands("ended");
      case "finished": return this.finished(event.meeting);
      case "failed": return this.stands("failed");
      case "refused": return this.stands("refused");
      case "error": return notice(trouble(new Error(event.detail)));
    }
  }

  stands(state) {
    if (state === "listening") return;
    this.stopButton.disabled = true;
    this.deaf();
    this.isOver = state === "failed" || state === "refused";
    this.says(this.isOver ? `live_${state}` : "live_ending");
  }

  finished(meeting) {
    this.stands("finished");
    this.isOver = true;
    this.says(meeting ? "live_finished" : "live_no_sound");
    if (meeting) this.stopButton.replaceWith(h("a", { class: "button", href: `#/meetings/${encodeURIComponent(meeting)}` }, say("open")));
    if (meeting && this.element.isConnected) location.hash = `#/meetings/${encodeURIComponent(meeting)}`;
  }

  showPartial({ lane, text, speaker }) {
    this.partials.set(lane, text && (speaker ? `${speaker}: ${text}` : text));
    fill(this.partial, [...this.partials.values()].filter(Boolean).map((text) => h("p", {}, text, " …")));
    this.followTalk();
  }

  commit({ lane, utterance, text, start_ms, lag_ms, speaker, language: spoken }) {
    this.showPartial({ lane, text: "" });
    if (!utterance) return;
    let line = this.lines.get(utterance);
    if (!line) {
      line = h("p", { lang: spoken });
      this.lines.set(utterance, line);
      this.said.append(h("li", { class: "utterance turn" }, h("span", {}, clock(start_ms)), h("div", {}, speaker && h("strong", {}, speaker), line)));
    }
    line.append(h("span", {}, text, " "));
    this.showLag({ level: this.lastLag?.level ?? "normal", backlog_ms: lag_ms });
    this.followTalk();
  }

  /** What could not be heard in time has its place, and is told once for all that follows at a stretch. */
  defer({ start_ms }) {
    if (this.said.lastElementChild?.classList.contains("gap")) return;
    this.said.append(h("li", { class: "utterance turn gap" }, h("span", {}, clock(start_ms)), h("div", {}, h("p", {}, say("live_deferred")))));
    this.followTalk();
  }

  showLag(lag) {
    const { level, backlog_ms } = (this.lastLag = lag);
    this.lag.hidden = false;
    this.lag.classList.toggle("warn", level !== "normal");
    fill(this.lag, level === "normal" ? say("live_lag", seconds(backlog_ms)) : say(`level_${level}`));
  }

  /** Keeps the last words in sight, unless somebody reads further up. */
  followTalk() {
    const { scrollHeight, scrollTop, clientHeight } = this.captions;
    if (scrollHeight - scrollTop - clientHeight < 160) this.captions.scrollTop = scrollHeight;
  }

  showMinutes(minutes) {
    const part = (name, statements) =>
      statements.length > 0 && h("section", { class: name }, h("h3", {}, say(name)), h("ul", { lang: minutes.language }, statements.map((one) => h("li", {}, this.statement(one)))));
    fill(this.minutes, h("h2", {}, say("live_minutes")),
      minutes ? ["abstract", "decisions", "actions", "questions"].map((name) => part(name, minutes[name])) : h("p", { class: "faint" }, say("nothing_yet")));
  }

  /** A statement leads to the words that prove it. */
  statement(statement) {
    const show = () => {
      for (const line of this.captions.querySelectorAll(".proof")) line.classList.remove("proof");
      const lines = statement.evidence.map((id) => this.lines.get(id)?.closest("li")).filter(Boolean);
      for (const line of lines) line.classList.add("proof");
      lines[0]?.scrollIntoView({ block: "nearest" });
    };
    return h("button", { class: "statement", title: say("evidence", statement.evidence.length), onclick: show }, h("span", {}, statement.text));
  }

  showRelated(items) {
    const groups = [...Map.groupBy(items ?? [], (item) => item.kind)];
    fill(this.related, h("h2", {}, say("live_related")),
      groups.length === 0 && h("p", { class: "faint" }, say(items ? "nothing_related" : "nothing_yet")),
      groups.map(([name, group]) => h("section", { class: "related" }, h("h3", {}, kind(name)), h("ul", { class: "plainlist" }, group.map((item) => h("li", {}, card(item)))))));
  }
}
