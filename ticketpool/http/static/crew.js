// The workers, and what has happened lately.

import { byId, bytes, clock, count, el, mark, moment, seconds, write } from "./text.js";

const before = new Map(); // CPU seconds by pid, with when that was

/** A row per slot; `now`: the supervisor's uptime, by which CPU is a share of a core. */
export function showWorkers(workers, now) {
  const body = byId("workers");
  while (body.rows.length > workers.length) body.lastChild.remove();
  workers.forEach((one, at) => showWorker(body.rows[at] ?? emptyRow(body), one, now));
  const ready = workers.filter((one) => one.state === "ready").length;
  write(byId("workers-told"), ready === workers.length ? `${ready}, all ready` : `${ready} of ${workers.length} ready`);
}

function emptyRow(body) {
  const numbers = [false, false, false, true, true, true, true, true, false];
  const cells = numbers.map((n) => el("td", n ? { class: "n" } : {}));
  cells[1].append(el("span", { class: "chip" }));
  return body.appendChild(el("tr", {}, ...cells));
}

function showWorker(row, one, now) {
  const kinds = { ready: "ok", dead: "stop" };
  const texts = [
    String(one.slot), null, one.pid === null ? "none" : String(one.pid), count(one.partitions),
    share(one, now), bytes(one.rss_bytes), seconds(one.uptime_seconds),
    restarts(one), one.last_end ?? "",
  ];
  texts.forEach((text, at) => text !== null && write(row.cells[at], text));
  const chip = row.cells[1].firstChild;
  write(chip, one.state);
  mark(chip, "class", `chip ${kinds[one.state] ?? "warn"}`);
}

function restarts(one) {
  const reasons = Object.entries(one.restarts_by_reason ?? {}).map(([why, n]) => `${count(n)} ${why}`);
  return reasons.join(", ") || count(one.restarts);
}

function share(one, now) {
  if (one.cpu_seconds === null || one.pid === null) return "–";
  const last = before.get(one.pid);
  if (!last || now - last.now >= 0.9) before.set(one.pid, { now, cpu: one.cpu_seconds, share: last && portion(last, one, now) });
  const known = before.get(one.pid).share;
  return known === undefined ? "–" : `${Math.round(known * 100)} %`;
}

function portion(last, one, now) {
  return Math.max(0, (one.cpu_seconds - last.cpu) / (now - last.now));
}

/** The newest on top; entries that are there already stay untouched. */
export function showEvents(events) {
  const list = byId("events");
  const there = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const repeats = new Map();
  const nodes = events.map((one) => {
    const same = JSON.stringify(one);
    repeats.set(same, (repeats.get(same) ?? 0) + 1);
    const key = `${same} ${repeats.get(same)}`;
    return there.get(key) ?? entry(one, key);
  });
  if (!nodes.length) nodes.push(el("li", { class: "none" }, "Nothing yet."));
  list.replaceChildren(...nodes.reverse());
}

function entry({ at, level, name, fields }, key) {
  const { topic, partition, offset, epoch, ...others } = fields; // epoch: for machines
  const place = topic === undefined ? [] : [el("b", {}, partition === undefined ? topic : `${topic}[${partition}]`)];
  if (offset !== undefined && offset !== null) place.push(` offset ${count(offset)}`);
  const told = Object.entries(others).map(([field, value]) => el("span", { class: "field" }, `${words(field)}\u00a0`, el("i", {}, String(value))));
  const time = el("time", { datetime: new Date(at * 1000).toISOString(), title: moment(at) }, clock(at));
  const body = el("p", {}, el("strong", {}, name), " ", ...place, " ", ...told);
  const node = el("li", { class: level }, time, body);
  node.dataset.key = key;
  return node;
}

function words(field) {
  return field.replaceAll("_", " ");
}
