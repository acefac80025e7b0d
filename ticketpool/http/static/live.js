// The connection to the supervisor: snapshots as they come, and since when there are none.

const SILENCE_MS = 5000; // it says something every second
const AGAIN_MS = 2000;

/** What is known: the newest head, and each part as it was told last. */
export const state = {
  head: null,
  rows: new Map(), // by "topic/partition"
  workers: [],
  events: [],
  history: [],
  lostSince: null, // a Date while there is no connection
};

let source = null;
let heard = Date.now();
let changed = () => {};

/** Keep `state` up to date and call `onChange(parts)` with the names of what has changed. */
export function follow(onChange) {
  changed = onChange;
  open();
  setInterval(watch, 1000);
  // A hidden page gives its place to another one.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
}

function open() {
  close();
  heard = Date.now();
  source = new EventSource("api/stream");
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.onerror = lost;
}

function close() {
  if (source) source.close();
  source = null;
}

function watch() {
  if (document.hidden) return;
  if (Date.now() - heard > SILENCE_MS) lost();
  // EventSource tries again by itself, but not after an answer that is no stream.
  if (state.lostSince && Date.now() - heard > AGAIN_MS) open();
}

function lost() {
  if (!state.lostSince) state.lostSince = new Date(heard);
  changed(new Set(["connection"]));
}

function take(message) {
  heard = Date.now();
  const parts = new Set(["head"]);
  if (state.lostSince) parts.add("connection");
  state.lostSince = null;
  if (message.whole) state.rows.clear();
  if (message.whole || message.rows || message.gone) parts.add("rows");
  state.head = message.head;
  for (const row of message.rows ?? []) state.rows.set(`${row.topic}/${row.partition}`, row);
  for (const key of message.gone ?? []) state.rows.delete(key);
  for (const name of ["workers", "events", "history"]) {
    if (message[name]) {
      state[name] = message[name];
      parts.add(name);
    }
  }
  changed(parts);
}
