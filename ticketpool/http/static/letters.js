// Dead letters: the newest first, each with its reason, its origin and what is in it.

import { byId, bytes, count, el, moment, write } from "./text.js";

const LIMIT = 20;

export class Letters {
  constructor() {
    this.lowest = new Map(); // what to ask next: the lowest offset shown of each partition
    this.opened = false;
    this.total = null; // written by this supervisor, as far as it has told
    this.seen = null; // the same when the newest ones were read
    byId("letters-newest").addEventListener("click", () => this.load());
    byId("letters-older").addEventListener("click", () => this.load({ older: true }));
    for (const id of ["letters-topic", "letters-partition"]) byId(id).addEventListener("change", () => this.load());
  }

  open() {
    if (!this.opened) this.load();
    this.opened = true;
  }

  /** Say how many this supervisor has written; they are read when somebody asks. */
  count(rows) {
    this.total = [...rows.values()].reduce((sum, one) => sum + one.dead_lettered, 0);
    write(byId("letter-count"), this.total ? count(this.total) : "");
    this.seen ??= this.total;
    this.announce();
  }

  announce() {
    const more = this.opened ? this.total - this.seen : 0;
    write(byId("letters-newest"), more > 0 ? `Newest (${count(more)} more)` : "Newest");
  }

  async load({ older = false } = {}) {
    if (!older) this.lowest.clear();
    this.say("reading…");
    const total = this.total;
    const answer = await this.ask();
    if (!answer.ok) return this.say(answer.reason);
    if (!older && total !== null) this.seen = total;
    this.announce();
    this.offer(answer.topics);
    this.remember(answer.letters);
    const list = byId("letters-list");
    if (!older) list.replaceChildren();
    list.append(...answer.letters.map(entry));
    byId("letters-older").hidden = answer.letters.length < LIMIT;
    this.sum(list.childElementCount, answer);
  }

  async ask() {
    const query = new URLSearchParams({ limit: LIMIT });
    if (byId("letters-topic").value) query.set("topic", byId("letters-topic").value);
    if (byId("letters-partition").value) query.set("partition", byId("letters-partition").value.trim());
    if (this.lowest.size) query.set("before", [...this.lowest].map(([place, offset]) => `${place}:${offset}`).join());
    try {
      return await (await fetch(`api/letters?${query}`)).json();
    } catch {
      return { ok: false, reason: "The supervisor does not answer." };
    }
  }

  remember(letters) {
    for (const one of letters) {
      const place = `${one.topic}/${one.partition}`;
      this.lowest.set(place, Math.min(one.offset, this.lowest.get(place) ?? Infinity));
    }
  }

  offer(topics) {
    const select = byId("letters-topic");
    byId("letters-topics").hidden = topics.length < 2;
    if (select.options.length > 1) return;
    select.append(...topics.map((topic) => el("option", { value: topic }, topic)));
  }

  sum(shown, { payloads }) {
    const withheld = payloads ? "" : "; payloads are withheld beyond loopback: see --http-payloads";
    this.say((shown ? `the newest ${count(shown)}` : "none is there") + withheld);
  }

  say(text) {
    write(byId("letters-told"), text);
  }
}

function entry(letter) {
  const origin = letter.origin_topic === null
    ? "of unknown origin"
    : `${letter.origin_topic}[${letter.origin_partition ?? "?"}] ${count(letter.origin_offset)}`;
  const summary = el("summary", {},
    el("time", { datetime: new Date(letter.written_ms).toISOString() }, moment(letter.written_ms / 1000)),
    el("b", {}, origin),
    el("span", { class: "error" }, letter.error || "no reason told"),
    el("span", { class: "message" }, letter.message));
  return el("details", { class: "letter" }, summary, el("div", { class: "inside" }, facts(letter), headers(letter), payload(letter)));
}

function facts(letter) {
  const told = [
    ["letter", `${letter.topic}[${letter.partition}] ${letter.offset}`],
    ["key", inline(letter.key)],
    ["attempts", count(letter.attempts)],
    ["replays", count(letter.replays)],
    ["group", letter.group ?? "–"],
    ["record's time", letter.origin_ms === null ? "–" : moment(letter.origin_ms / 1000)],
  ];
  return el("dl", {}, ...told.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
}

function inline(preview) {
  if (preview.kind === "none") return "none";
  if (preview.kind === "withheld") return "withheld";
  return preview.text + (preview.cut ? "…" : "");
}

function headers(letter) {
  if (!letter.headers.length) return "";
  const rows = letter.headers.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, inline(value))));
  return el("table", { class: "plain" }, el("caption", {}, "Headers"), el("tbody", {}, ...rows));
}

function payload({ value }) {
  if (value.kind === "none") return el("p", { class: "none" }, "No value: a tombstone.");
  if (value.kind === "withheld") return el("p", { class: "none" }, "The payload is withheld.");
  const kind = { json: "JSON", text: "Text", hex: "Bytes" }[value.kind];
  const told = `${kind}, ${bytes(value.size)}${value.cut ? "; this is its beginning" : ""}`;
  return el("figure", {}, el("figcaption", {}, told), el("pre", { tabindex: "0", class: value.kind }, value.text));
}
