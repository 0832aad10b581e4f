// Adds transcripts and recordings: dropped or chosen, sent in pieces that survive a broken connection, followed until
// the minutes are there.

import { at, get, post } from "./api.js";
import { fill, h, notice, trouble } from "./dom.js";
import { day, say } from "./words.js";

const PIECE_BYTES = 8 << 20;
const RETRIES = 5;

export async function addView(view, { session }) {
  const jobs = h("ul", { class: "plainlist" });
  const title = h("input", {});
  const visibility = h("select", {}, h("option", { value: "participants" }, say("participants")), h("option", { value: "private" }, say("private")));
  const following = new Set();
  const sendAll = (files) => {
    for (const file of files) {
      const line = h("li");
      jobs.prepend(line);
      send(file, { title: files.length === 1 ? title.value : "", visibility: session.person ? visibility.value : "" }, line)
        .then((job) => follow(job, line, following))
        .catch((error) => fill(line, h("strong", {}, file.name), h("p", {}, trouble(error))));
    }
  };
  const input = h("input", { type: "file", multiple: true, class: "visually-hidden", id: "files", onchange: () => sendAll([...input.files]) });
  const drop = h("div", { class: "drop" },
    h("h2", {}, say("drop_here")), input, h("label", { for: "files", class: "button" }, say("or_choose")),
    h("p", { class: "faint small", style: { "margin-top": ".8rem" } }, say("upload_hint")));
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
  for (const job of (await get("/v1/jobs?limit=20")).items) {
    const line = h("li");
    jobs.append(line);
    showJob(job, line, following);
    if (job.state === "queued" || job.state === "running") follow(job.id, line, following);
  }
  return () => following.forEach((events) => events.close());
}

/** Sends a file by the tus protocol; gives the id of the job. */
async function send(file, fields, line) {
  const bar = h("progress", { max: Math.max(file.size, 1), value: 0, "aria-label": `${say("uploading")} ${file.name}` });
  fill(line, h("strong", {}, file.name), " ", h("span", { class: "faint small" }, say("uploading")), bar);
  const metadata = { filename: file.name, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) };
  const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const begun = await fetch("/v1/uploads", {
    method: "POST",
    headers: { "tus-resumable": "1.0.0", "upload-length": file.size, "upload-metadata": Object.entries(metadata).map(([name, value]) => `${name} ${encode(value)}`).join(",") },
  });
  if (!begun.ok) throw new Error((await begun.json()).detail ?? begun.statusText);
  const address = begun.headers.get("location");
  let offset = 0;
  let failures = 0;
  for (;;) {
    try {
      const answer = await fetch(address, {
        method: "PATCH",
        headers: { "tus-resumable": "1.0.0", "upload-offset": offset, "content-type": "application/offset+octet-stream" },
        body: file.slice(offset, offset + PIECE_BYTES),
      });
      if (!answer.ok && answer.status < 500 && answer.status !== 409) throw Object.assign(new Error((await answer.json()).detail ?? answer.statusText), { final: true });
      if (!answer.ok) throw new Error(answer.statusText);
      offset = Number(answer.headers.get("upload-offset"));
      bar.value = offset;
      failures = 0;
      const job = answer.headers.get("greffier-job");
      if (job) return job;
    } catch (error) {
      if (error.final || ++failures > RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** failures));
      const stands = await fetch(address, { method: "HEAD", headers: { "tus-resumable": "1.0.0" } }).catch(() => null);
      if (stands?.ok) {
        offset = Number(stands.headers.get("upload-offset"));
        const job = stands.headers.get("greffier-job");
        if (job) return job;
      }
    }
  }
}

function follow(id, line, following) {
  const events = new EventSource(at("jobs", id, "events"));
  following.add(events);
  events.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    showJob(job, line, following);
    if (job.state === "done" || job.state === "dead") (events.close(), following.delete(events));
  });
}

function showJob(job, line, following) {
  const { progress } = job;
  const again = async () => {
    try {
      follow((await post(at("jobs", job.id, "retry"))).id, line, following);
    } catch (error) {
      notice(trouble(error));
    }
  };
  fill(line,
    h("strong", {}, job.title ?? job.file_name), " ",
    h("span", { class: `badge ${job.state === "dead" ? "warn" : ""}` }, say(job.state === "done" ? "finished" : job.state)), " ",
    h("span", { class: "faint small" }, progress ? say(`step_${progress.step}`) : day(job.created_at, { dateStyle: "short", timeStyle: "short" })), " ",
    job.meetings.map((meeting) => h("a", { href: `#/meetings/${encodeURIComponent(meeting)}` }, say("open"))),
    job.state === "dead" && h("button", { onclick: again }, say("retry")),
    job.error && h("p", { class: "small", lang: "en" }, job.error),
    progress && h("progress", { max: Math.max(progress.total, 1), value: progress.done, "aria-label": say(`step_${progress.step}`) }));
}
