// The connection to a live meeting. It comes back when it breaks: events go on after the last that was heard, and sound is
// sent again from where the server has it on disk. Until then what the microphone gives waits here. Where the token is no
// longer good it waits until somebody has signed in; where the server wants no more of it, it ends.

import { at, get } from "./api.js";
import { language } from "./words.js";

const HEADER_BYTES = 10;
/** Samples that wait for a connection, at most: half an hour. */
const WAITING_MAX = 1800 * 16000;
/** The code of a connection that is closed because of who asks, or of what was sent. */
const REFUSED = 1008;
const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 15000;

export class LiveSocket {
  /** `hear` gets each event, and `refused` when the server wants no more; `changed` is told whether there is a connection. */
  constructor(live, hear, changed) {
    Object.assign(this, { live, hear, changed, last: 0, sent: 0, end: 0, pieces: [], isOver: false, isFinishing: false, pause: PAUSE_MS });
    this.connect();
  }

  /** Takes a tenth of a second of the microphone. */
  send(samples) {
    this.pieces.push({ position: this.end, samples });
    this.end += samples.length;
    while (this.end - this.pieces[0].position > WAITING_MAX) this.pieces.shift();
    this.flush();
  }

  /** No more sound comes. */
  finish() {
    this.isFinishing = true;
    this.flush();
  }

  close() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.socket.close();
  }

  connect() {
    const address = new URL(`${this.live.socket}?after=${this.last}&language=${language()}`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.isReady = this.hasFinished = false;
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => this.take(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.broken(code);
  }

  take(event) {
    if (event.seq !== undefined) this.last = event.seq;
    if (event.event === "hello") {
      this.isReady = true;
      this.pause = PAUSE_MS;
      // A page that came back to a meeting goes on where the meeting is.
      this.end = Math.max(this.end, this.pieces.length > 0 ? this.end : event.accepted);
      this.sent = event.accepted;
      this.changed(true);
      this.flush();
    }
    if (event.event === "error") this.fault = event.detail;
    if (event.event === "accepted") {
      while (this.pieces.length > 0 && this.pieces[0].position + this.pieces[0].samples.length <= event.samples) this.pieces.shift();
    }
    if (event.event === "finished" || event.event === "failed") this.isOver = true;
    this.hear(event);
  }

  flush() {
    if (!this.isReady || this.socket.readyState !== WebSocket.OPEN) return;
    for (const { position, samples } of this.pieces) {
      if (position + samples.length <= this.sent) continue;
      const frame = new ArrayBuffer(HEADER_BYTES + samples.byteLength);
      const view = new DataView(frame);
      view.setUint16(0, 0, true);
      view.setBigUint64(2, BigInt(position), true);
      samples.forEach((sample, at) => view.setInt16(HEADER_BYTES + 2 * at, sample, true));
      this.socket.send(frame);
      this.sent = position + samples.length;
    }
    if (this.isFinishing && !this.hasFinished) {
      this.hasFinished = true;
      this.socket.send(JSON.stringify({ type: "finish" }));
    }
  }

  broken(code) {
    const wasRefused = code === REFUSED || !this.isReady;
    this.isReady = false;
    if (this.isOver) return;
    this.changed(false);
    if (wasRefused) this.askWhy();
    else this.connectLater();
  }

  connectLater() {
    this.timer = setTimeout(() => this.connect(), this.pause);
    this.pause = Math.min(this.pause * 2, PAUSE_MS_MAX);
  }

  /** A connection that does not come about does not say why: the meeting does. */
  async askWhy() {
    const error = await get(at("live", this.live.id)).then(() => null, (error) => error);
    if (this.isOver) return;
    if (error?.status === 401) {
      // The call has the page ask for a token.
      document.addEventListener("signed-in", () => this.isOver || this.connect(), { once: true });
    } else if (this.fault || error?.status === 403 || error?.status === 404) {
      this.isOver = true;
      this.hear({ event: "refused" });
    } else {
      this.connectLater();
    }
  }
}
