// The configuration, as the supervisor tells it: once is enough, it does not change.

import { byId, el } from "./text.js";

let shown = false;

export async function showSettings() {
  if (shown) return;
  shown = true;
  const list = byId("settings-list");
  try {
    const settings = await (await fetch("api/config")).json();
    list.replaceChildren(...settings.map(entry));
  } catch {
    shown = false; // asked again when the view is opened again
    list.replaceChildren(el("p", { class: "none" }, "Not to be had: the supervisor does not answer."));
  }
}

function entry({ option, value, given }) {
  return el("div", given ? { class: "given" } : {}, el("dt", {}, option), el("dd", {}, value));
}
