// Adds transcripts and recordings: dropped or chosen, sent in pieces that survive a broken connection, followed until
// the minutes are there.

import { ask, at, get, post, query } from "./api.js";
import { fill, h, notice, trouble } from "./dom.js";
import { day, say } from "./words.js";

const PIECE_BYTES = 8 << 20;
const RETRIES = 5;
/** What may be over when a piece is sent again; anything else that the server says is its last word. */
const PASSING = ["no-connection", "busy", "conflict", "internal"];
/** Jobs of before that are shown, and how often those under way are asked after. */
const JOBS = 20;
const ASK_MS = 1000;
/** At what a running job can be stopped. */
const STOPPABLE = ["transcribing", "writing"];

/** Files go one after the other: a browser has six connections for all that the page does. */
let sending = Promise.resolve();

export async function addView(view, { session }) {
  const [{ speech_model: hears }, { items: earlier }] = await Promise.all([get("/v1/session"), get("/v1/jobs" + query({ limit: JOBS }))]);
  const jobs = h("ul", { class: "plainlist" });
  const title = h("input", {});
  const visibility = h("select", {}, h("option", { value: "participants" }, say("participants")), h("option", { value: "private" }, say("private")));
  const board = new Board();
  const refuse = (file, line, ...why) => fill(line, h("strong", {}, file.name), h("p", {}, why));
  const sendAll = (files) => {
    const fields = { title: files.length === 1 ? title.value : "", visibility: session.person ? visibility.value : "" };
    for (const file of files) {
      const line = h("li", {}, h("strong", {}, file.name), " ", h("span", { class: "badge" }, say("queued")));
      jobs.prepend(line);
      if (!hears && isSound(file)) refuse(file, line, say("upload_needs_model"));
      else sending = sending.then(() => send(file, fields, line)).then((job) => board.follow(job, line))
        .catch((error) => refuse(file, line, error.kind === "unavailable" && !hears ? say("upload_needs_model") : trouble(error)));
    }
  };
  const input = h("input", { type: "file", multiple: true, class: "visually-hidden", id: "files", onchange: () => sendAll([...input.files]) });
  const drop = h("div", { class: "drop" },
    h("h2", {}, say("drop_here")), input, h("label", { for: "files", class: "button" }, say("or_choose")),
    h("p", { class: "faint small", style: { "margin-top": ".8rem" } }, say("upload_hint")),
    !hears && h("p", {}, say("upload_needs_model")));
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") sendAll([...event.dataTransfer.files]);
    });
  }
  fill(view, h("h1", {}, say("add")),
    h("div", { class: "stack" },
      h("div", { class: "row" }, h("label", { class: "grow" }, h("span", {}, say("title_field")), title), session.person && h("label", {}, h("span", {}, say("visibility")), visibility)),
      drop,
      h("section", { class: "card jobs" }, h("h2", {}, say("jobs")), jobs, h("p", { class: "faint none" }, say("nothing_yet")))));
  for (const job of earlier) {
    const line = h("li");
    jobs.append(line);
    board.show(job, line);
  }
  board.askLater();
  return () => board.leave();
}

const isSound = (file) => /^(audio|video)\//.test(file.type);

/** Sends a file by the tus protocol; gives the id of the job. */
async function send(file, fields, line) {
  const bar = h("progress", { max: Math.max(file.size, 1), value: 0, "aria-label": `${say("uploading")} ${file.name}` });
  fill(line, h("strong", {}, file.name), " ", h("span", { class: "faint small" }, say("uploading")), bar);
  const metadata = { filename: file.name, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) };
  const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const begun = await ask("/v1/uploads", {
    method: "POST",
    headers: { "tus-resumable": "1.0.0", "upload-length": file.size, "upload-metadata": Object.entries(metadata).map(([name, value]) => `${name} ${encode(value)}`).join(",") },
  });
  const address = begun.headers.get("location");
  let offset = 0;
  let failures = 0;
  for (;;) {
    try {
      const answer = await ask(address, {
        method: "PATCH",
        headers: { "tus-resumable": "1.0.0", "upload-offset": offset, "content-type": "application/offset+octet-stream" },
        body: file.slice(offset, offset + PIECE_BYTES),
      });
      offset = Number(answer.headers.get("upload-offset"));
      bar.value = offset;
      failures = 0;
      const job = answer.headers.get("greffier-job");
      if (job) return job;
    } catch (error) {
      const isPassing = error.kind ? PASSING.includes(error.kind) : error.status >= 500;
      if (!isPassing || ++failures > RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** failures));
      const stands = await ask(address, { method: "HEAD", headers: { "tus-resumable": "1.0.0" } }).catch((gone) => {
        // An upload that is gone has nothing to say: why the piece was refused has.
        if (gone.status === 404) throw error;
      });
      if (stands) {
        offset = Number(stands.headers.get("upload-offset"));
        const job = stands.headers.get("greffier-job");
        if (job) return job;
      }
    }
  }
}

const isUnderWay = (job) => !job || job.state === "queued" || job.state === "running";

/** The jobs in their lines. While one is under way all are asked after at once: a stream for each would leave no connection. */
class Board {
  constructor() {
    this.shown = new Map();
  }

  /** Shows in `line` what becomes of a job. */
  follow(id, line) {
    this.shown.set(id, { line });
    this.askLater();
  }

  leave() {
    this.isLeft = true;
    clearTimeout(this.timer);
  }

  askLater() {
    const isNeeded = !this.isLeft && [...this.shown.values()].some(({ job }) => isUnderWay(job));
    if (isNeeded) this.timer ??= setTimeout(() => this.ask(), ASK_MS);
  }

  async ask() {
    try {
      const { items } = await get("/v1/jobs" + query({ limit: Math.max(JOBS, this.shown.size) }));
      const listed = new Map(items.map((job) => [job.id, job]));
      for (const [id, { line, job }] of [...this.shown]) {
        if (!isUnderWay(job)) continue;
        // One that others have pushed off the list is asked for by itself; one that was taken back is nowhere.
        const now = listed.get(id) ?? (await get(at("jobs", id)).catch((error) => (error.status === 404 ? null : Promise.reject(error))));
        if (now) this.show(now, line);
        else (line.remove(), this.shown.delete(id));
      }
    } catch {
      // Whatever it is, it may be over the next time.
    }
    this.timer = null;
    this.askLater();
  }

  show(job, line) {
    const before = this.shown.get(job.id)?.job;
    this.shown.set(job.id, { job, line });
    // What is as it was stays: somebody may be on its button.
    if (JSON.stringify(before) === JSON.stringify(job)) return;
    const { progress } = job;
    const again = async () => {
      try {
        this.show(await post(at("jobs", job.id, "retry")), line);
        this.askLater();
      } catch (error) {
        notice(trouble(error));
      }
    };
    const takeBack = async () => {
      try {
        const answer = await ask(at("jobs", job.id), { method: "DELETE" });
        if (answer.status === 204) (line.remove(), this.shown.delete(job.id));
      } catch (error) {
        notice(trouble(error));
      }
    };
    // What becomes of a live meeting is decided where it is shown.
    const canGo = job.lane !== "live" && (job.state === "queued" || job.state === "dead" || STOPPABLE.includes(progress?.step));
    fill(line,
      h("strong", {}, job.title ?? job.file_name), " ",
      h("span", { class: `badge ${job.state === "dead" ? "warn" : ""}` }, say(job.state === "done" ? "finished" : job.state)), " ",
      h("span", { class: "faint small" }, progress ? say(`step_${progress.step}`) : day(job.created_at, { dateStyle: "short", timeStyle: "short" })), " ",
      job.meetings.map((meeting) => h("a", { href: `#/meetings/${encodeURIComponent(meeting)}` }, say("open"))),
      job.state === "dead" && h("button", { onclick: again }, say("retry")),
      canGo && h("button", { onclick: takeBack }, say(job.state === "dead" ? "remove" : "cancel")),
      job.error && h("p", { class: "small", lang: "en" }, job.error),
      progress && h("progress", { max: Math.max(progress.total, 1), value: progress.done, "aria-label": say(`step_${progress.step}`) }));
  }
}
