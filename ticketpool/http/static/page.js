// Puts the page together: what changes goes to who shows it; the address picks the view.

import { Board } from "./board.js";
import { showEvents, showWorkers } from "./crew.js";
import { Letters } from "./letters.js";
import { follow, state } from "./live.js";
import { Overview } from "./overview.js";
import { showSettings } from "./settings.js";
import { byId } from "./text.js";

const VIEWS = ["board", "letters", "settings"];
const overview = new Overview();
const board = new Board();
const letters = new Letters();
let version = null;

function update(parts) {
  byId("app").hidden = false;
  overview.show(state, parts);
  if (!state.head) return;
  if (version !== null && state.head.version !== version) location.reload(); // a newer page
  version = state.head.version;
  if (parts.has("rows")) {
    board.show(state.rows);
    letters.count(state.rows);
  }
  if (parts.has("workers")) showWorkers(state.workers, state.head.uptime_seconds);
  if (parts.has("events")) showEvents(state.events);
}

function navigate() {
  const wanted = location.hash.slice(1);
  const view = VIEWS.includes(wanted) ? wanted : VIEWS[0];
  for (const one of VIEWS) {
    byId(one).hidden = one !== view;
    const link = document.querySelector(`nav a[href="#${one}"]`);
    if (one === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view === "letters") letters.open();
  if (view === "settings") showSettings();
}

addEventListener("hashchange", navigate);
navigate();
follow(update);
