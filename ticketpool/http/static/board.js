// The board: a row for each partition, those in trouble first, and under them why and what to do.

import { byId, copyable, count, el, mark, millis, rate, seconds, write } from "./text.js";

const MOST_ROWS = 64; // more only when asked for: 512 partitions fit no screen
const TROUBLE = ["blocked", "stop", "stall", "rewind", "warn"]; // the worst first

const COLUMNS = [
  { name: "partition", kind: "where" },
  { name: "state", kind: "state" },
  { name: "lag", kind: "n", text: (one) => count(one.lag) },
  { name: "behind", kind: "n", text: (one) => (one.time_lag_seconds === 0 ? "0" : seconds(one.time_lag_seconds)) },
  { name: "per s", kind: "n", text: (one) => rate(one.rate_per_s) },
  { name: "p50", kind: "n spare", text: (one) => millis(one.latency_ms.p50) },
  { name: "p99", kind: "n", text: (one) => millis(one.latency_ms.p99) },
  { name: "running", kind: "n wide", text: running },
  { name: "retried", kind: "n spare", text: (one) => count(one.retried) },
  { name: "dead", kind: "n dead", text: (one) => count(one.dead_lettered) },
  { name: "worker", kind: "n", text: (one) => (one.worker === null ? "none" : count(one.worker)) },
];

const DETAILS = [
  ["handler, p50, p99", (one) => `${millis(one.latency_ms.p50)}, ${millis(one.latency_ms.p99)}`],
  ["retried", (one) => count(one.retried)],
  ["worker's pid", (one) => one.pid ?? "–"],
  ["committed", (one) => count(one.committed)],
  ["position", (one) => count(one.position)],
  ["watermark", (one) => count(one.high_watermark)],
  ["settled, not committed", (one) => count(one.commit_lag)],
  ["buffered", (one) => count(one.buffered)],
  ["in flight", (one) => count(one.in_flight)],
  ["fetching", (one) => (one.paused ? "paused: the buffer is full" : "on")],
  ["waits in the queue, p50, p99", (one) => `${millis(one.queue_wait.p50_ms)}, ${millis(one.queue_wait.p99_ms)}`],
  ["end to end, p50, p99", (one) => `${millis(one.end_to_end.p50_ms)}, ${millis(one.end_to_end.p99_ms)}`],
  ["processed", (one) => count(one.processed)],
  ["skipped", (one) => count(one.skipped)],
  ["redelivered", (one) => count(one.redelivered)],
  ["unacknowledged letters, outputs", (one) => count(one.waiting_letters)],
  ["parked keys", (one) => count(one.parked_keys)],
];

const ORDERS = {
  trouble: rank,
  lag: (one) => -(one.lag ?? -1),
  late: (one) => -(one.time_lag_seconds ?? -1),
  slow: (one) => -(one.latency_ms.p99 ?? -1),
  letters: (one) => -one.dead_lettered,
  number: () => 0,
};

function running(one) {
  if (one.in_flight_offset === null) return "idle";
  const age = one.in_flight_age_seconds ?? 0;
  return count(one.in_flight_offset) + (age < 0.1 ? "" : ` for ${seconds(age)}`); // quick ones: no news
}

function rank(one) {
  const at = TROUBLE.indexOf(one.state);
  if (at >= 0) return at;
  return one.held || one.worker === null ? TROUBLE.length : TROUBLE.length + 1;
}

function inTrouble(one) {
  return rank(one) <= TROUBLE.length;
}

export class Board {
  constructor() {
    this.rows = new Map();
    this.shown = new Map(); // the rows that are in the document, by key
    this.all = false;
    this.table = byId("partitions");
    const head = COLUMNS.map(({ name, kind }) => el("th", { scope: "col", role: "columnheader", class: kind }, name));
    this.table.tHead.rows[0].append(...head);
    byId("filter").addEventListener("input", () => this.arrange());
    byId("order").addEventListener("change", () => this.arrange());
    byId("partitions-more").addEventListener("click", () => {
      this.all = true;
      this.arrange();
    });
  }

  show(rows) {
    this.rows = rows;
    this.arrange();
  }

  arrange() {
    const found = this.found();
    const wanted = this.all ? found : found.slice(0, MOST_ROWS);
    this.place(wanted);
    this.tell(found, wanted);
  }

  found() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = ORDERS[byId("order").value];
    return [...this.rows.values()]
      .filter((one) => words.every((word) => sought(one).includes(word)))
      .map((one) => [order(one), one])
      .sort(([a, one], [b, other]) => a - b || one.topic.localeCompare(other.topic) || one.partition - other.partition)
      .map(([, one]) => one);
  }

  /** Bring exactly these rows into the document, in this order; touch only what differs. */
  place(wanted) {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, row] of this.shown) {
      if (keys.has(key)) continue;
      row.body.remove();
      this.shown.delete(key);
    }
    let before = this.table.tHead;
    for (const one of wanted) {
      const row = this.row(keyOf(one));
      row.show(one);
      if (before.nextElementSibling !== row.body) before.after(row.body);
      before = row.body;
    }
  }

  row(key) {
    if (!this.shown.has(key)) this.shown.set(key, new Row());
    return this.shown.get(key);
  }

  tell(found, wanted) {
    const troubled = [...this.rows.values()].filter(inTrouble).length;
    const words = troubled ? `${troubled} of ${this.rows.size} in trouble` : `${this.rows.size}, all well`;
    write(byId("partitions-told"), this.rows.size ? words : "");
    const none = byId("partitions-none");
    none.hidden = wanted.length > 0;
    write(none, this.rows.size ? "No partition is so called." : "No partition is assigned to this supervisor.");
    const more = byId("partitions-more");
    more.hidden = wanted.length === found.length;
    write(more, `Show the other ${count(found.length - wanted.length)}`);
  }
}

function keyOf(one) {
  return `${one.topic}/${one.partition}`;
}

function sought(one) {
  return `${one.topic}[${one.partition}] ${word(one)} ${one.blame?.kind ?? ""} worker ${one.worker}`.toLowerCase();
}

function word(one) {
  return one.held ? "paused" : one.state;
}

class Row {
  constructor() {
    this.told = null;
    this.open = false;
    this.name = el("button", { type: "button", class: "name", "aria-expanded": "false" });
    this.name.addEventListener("click", () => this.toggle());
    this.chip = el("span", { class: "chip" });
    this.cells = COLUMNS.map(({ name, kind }) => el("td", { role: "cell", class: kind, "data-label": name }));
    this.cells[0] = el("th", { scope: "row", role: "rowheader", class: "where" }, this.name);
    this.cells[1].append(this.chip);
    this.main = el("tr", { role: "row" }, ...this.cells);
    this.why = full("why");
    this.details = full("details");
    this.body = el("tbody", { role: "rowgroup" }, this.main);
  }

  show(one) {
    if (one === this.told) return; // it was told once and has not changed
    this.told = one;
    write(this.name, `${one.topic}[${one.partition}]`);
    mark(this.body, "class", one.held ? "held" : one.worker === null && one.state === "ok" ? "warn" : one.state);
    mark(this.chip, "class", `chip ${one.held ? "held" : one.state}`);
    const since = one.blame || one.state !== "ok" ? ` ${seconds(one.state_seconds)}` : "";
    write(this.chip, word(one) + since);
    COLUMNS.forEach(({ text }, at) => text && write(this.cells[at], text(one)));
    mark(this.cells[9], "class", one.dead_lettered ? "n dead bad" : "n dead");
    this.explain(one);
    if (this.open) this.detail();
  }

  explain({ blame, state_seconds }) {
    if (!blame) return this.why.remove();
    const apart = Math.abs(blame.since_seconds - state_seconds) > 30; // else the chip tells it
    const told = JSON.stringify([blame.reason, blame.remedy, blame.offset]);
    if (told !== this.blamed) {
      this.blamed = told;
      this.since = el("span", { class: "since" });
      const record = blame.offset === null ? [] : [el("span", { class: "record" }, `offset ${count(blame.offset)}`)];
      const remedy = blame.remedy ? [copyable(blame.remedy)] : [];
      this.why.cells[0].replaceChildren(el("span", { class: "reason" }, blame.reason), ...record, this.since, ...remedy);
    }
    write(this.since, apart ? `for ${seconds(blame.since_seconds)}` : "");
    if (!this.why.isConnected) this.main.after(this.why);
  }

  toggle() {
    this.open = !this.open;
    mark(this.name, "aria-expanded", String(this.open));
    if (!this.open) return this.details.remove();
    this.detail();
    this.body.append(this.details);
  }

  detail() {
    const list = this.details.cells[0].firstChild ?? el("dl", {});
    if (!list.isConnected) this.details.cells[0].append(list);
    DETAILS.forEach(([name, text], at) => {
      const entry = list.children[at] ?? list.appendChild(el("div", {}, el("dt", {}, name), el("dd", {})));
      write(entry.lastChild, String(text(this.told)));
    });
  }
}

function full(kind) {
  return el("tr", { role: "row", class: kind }, el("td", { role: "cell", colspan: COLUMNS.length }));
}
