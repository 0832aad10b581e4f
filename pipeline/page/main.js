// Shows the view that the address names, and what stands around it.

import { ApiError, get, post, remove } from "./api.js";
import { actionsView } from "./actions.js";
import { addView } from "./add.js";
import { fill, h, notice, trouble } from "./dom.js";
import { libraryView } from "./library.js";
import { isRecording, liveView } from "./live.js";
import { meetingView } from "./meeting.js";
import { prepareView } from "./prepare.js";
import { language, say, switchLanguage } from "./words.js";

const view = document.getElementById("view");
let session = null;
let leave = null;
let shows = 0;

const VIEWS = [
  { name: "library", address: "#/", pattern: /^#?\/?$/, show: libraryView },
  { name: "library", pattern: /^#\/meetings\/([^?]+)/, show: meetingView },
  { name: "live", address: "#/live", pattern: /^#\/live(?:\/([^?]+))?/, show: liveView },
  { name: "actions", address: "#/actions", pattern: /^#\/actions/, show: actionsView },
  { name: "prepare", address: "#/prepare", pattern: /^#\/prepare/, show: prepareView },
  { name: "add", address: "#/add", pattern: /^#\/add/, show: addView },
];

function showTop(current) {
  document.documentElement.lang = language();
  document.querySelector(".skip").textContent = say("skip");
  const links = VIEWS.filter((one) => one.address).map((one) =>
    h("a", { href: one.address, "aria-current": one.name === current ? "page" : null }, say(one.name)),
  );
  fill(
    document.getElementById("top"),
    h("a", { class: "brand", href: "#/" }, h("img", { src: "/page/icon.svg", alt: "" }), "greffier"),
    h("nav", { "aria-label": "greffier" }, session ? links : []),
    session?.person && h("span", { class: "faint small who" }, session.person),
    h("button", { class: "plain", lang: language() === "fr" ? "en" : "fr", onclick: () => (switchLanguage(), show()) }, say("other_language")),
    session?.person && h("button", { class: "plain", onclick: signOut }, say("sign_out")),
  );
}

async function show() {
  const turn = ++shows;
  leave?.();
  leave = null;
  const address = location.hash;
  const found = VIEWS.find((one) => one.pattern.test(address)) ?? VIEWS[0];
  showTop(found.name);
  if (!session) return showSignIn();
  const [, part] = address.match(found.pattern) ?? [];
  const query = new URLSearchParams(address.split("?")[1] ?? "");
  // A box of its own: what a view that was left fills in late is not seen.
  const box = h("div", {}, h("p", { class: "faint" }, say("load")));
  fill(view, box);
  try {
    const left = await found.show(box, { part: part && decodeURIComponent(part), query, session });
    if (turn !== shows) return left?.();
    leave = left;
  } catch (error) {
    fill(box, h("p", {}, trouble(error)));
    if (!(error instanceof ApiError)) throw error;
    if (turn !== shows) return;
  }
  const title = view.querySelector("h1")?.textContent;
  document.title = title ? `${title} · greffier` : "greffier";
  if (document.activeElement === document.body) view.focus({ preventScroll: true });
}

function showSignIn() {
  const token = h("input", { type: "password", autocomplete: "current-password", required: true });
  const enter = async (event) => {
    event.preventDefault();
    try {
      session = await post("/v1/session", { token: token.value });
      document.dispatchEvent(new CustomEvent("signed-in"));
      show();
    } catch (error) {
      notice(trouble(error));
    }
  };
  fill(
    view,
    h("form", { class: "narrow card stack", onsubmit: enter },
      h("h1", {}, "greffier"),
      isRecording() && h("p", { role: "alert" }, say("live_signed_out")),
      h("p", { class: "faint" }, say("sign_in_hint")),
      h("label", {}, h("span", {}, say("token")), token),
      h("button", { class: "main" }, say("sign_in"))),
  );
  token.focus();
}

async function signOut() {
  await remove("/v1/session");
  session = null;
  show();
}

document.addEventListener("signed-out", () => {
  if (session) ((session = null), show());
});
// A file that misses its place must not take the place of the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
// The skip link must not change the address: that would lead to another view.
document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), view.focus()));
addEventListener("hashchange", () => (show(), scrollTo(0, 0)));
session = await get("/v1/session").catch(() => null);
show();
