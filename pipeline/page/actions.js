// The board of actions: what is overdue, what comes next, what is done.

import { at, get, patch, query } from "./api.js";
import { fill, h, notice, trouble } from "./dom.js";
import { day, dayFromNow, say } from "./words.js";

export async function actionsView(view) {
  let owner = "";
  const board = h("div", { class: "board" });
  const all = (await get("/v1/actions" + query({ status: "all" }))).items;
  const owners = [...new Set(all.map((action) => action.owner?.name).filter(Boolean))].sort();
  const show = () => fill(board, columns(all.filter((action) => !owner || action.owner?.name === owner), show));
  const choice = h("select", { onchange: (event) => ((owner = event.target.value), show()) },
    h("option", { value: "" }, say("all")), owners.map((name) => h("option", {}, name)));
  fill(view,
    h("div", { class: "meeting-head" }, h("h1", {}, say("actions")),
      h("div", { class: "row" }, h("label", {}, h("span", {}, say("owner")), choice), h("a", { class: "button", href: "/v1/actions.ics" }, say("subscribe")))),
    board);
  show();
}

function columns(actions, show) {
  const [today, soon] = [dayFromNow(0), dayFromNow(7)];
  const open = actions.filter((action) => action.status === "open");
  const byDue = (left, right) => (left.due ?? "9").localeCompare(right.due ?? "9");
  const column = (name, items) =>
    h("section", { class: "card" }, h("h2", { class: name === "overdue" ? "late" : null }, say(name), " ", h("span", { class: "faint" }, String(items.length))),
      items.length === 0 && h("p", { class: "faint" }, say("no_actions")),
      h("ul", { class: "plainlist" }, items.map((action) => h("li", {}, line(action, show)))));
  const overdue = open.filter((action) => action.due && action.due < today).sort(byDue);
  return [
    overdue.length > 0 && column("overdue", overdue),
    column("due_soon", open.filter((action) => action.due && action.due >= today && action.due <= soon).sort(byDue)),
    column("later", open.filter((action) => !action.due || action.due > soon).sort(byDue)),
    column("done", actions.filter((action) => action.status === "done")),
  ];
}

function line(action, show) {
  const mark = h("input", { type: "checkbox", "aria-label": `${say("mark_done")}: ${action.text}`, checked: action.status === "done", disabled: !action.can_mark });
  mark.onchange = async () => {
    try {
      await patch(at("meetings", action.meeting, "actions", action.id), { status: mark.checked ? "done" : "open" });
      action.status = mark.checked ? "done" : "open";
      show();
    } catch (error) {
      mark.checked = !mark.checked;
      notice(trouble(error));
    }
  };
  const facts = [action.owner?.name ?? say("nobody"), action.due ? `${say("due")} ${day(action.due)}` : action.due_text];
  return h("div", { class: `action ${action.status}` }, mark,
    h("div", {}, h("div", {}, action.text),
      h("div", { class: "faint small" }, facts.filter(Boolean).join(" · ")),
      h("a", { class: "small", href: `#/meetings/${encodeURIComponent(action.meeting)}?at=${encodeURIComponent(action.evidence[0] ?? "")}` }, action.meeting_title)));
}
