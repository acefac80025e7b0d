// The head of the page: what service this is, whether it can be believed, and its sums.

import { Chart } from "./charts.js";
import { byId, count, el, mark, millis, moment, rate, seconds, write } from "./text.js";

export class Overview {
  constructor() {
    this.throughput = new Chart("Throughput", [{ key: "rate_per_s", name: "", format: (v) => `${rate(v)}/s` }], { fill: true });
    this.latency = new Chart("Handler", [
      { key: "p99_ms", name: "p99", format: millis },
      { key: "p50_ms", name: "p50", format: millis },
    ]);
    this.lag = new Chart("Lag", [{ key: "lag", name: "", format: count }], { fill: true });
    this.sums = new Map();
    this.list = el("dl", {});
    const sums = el("section", { class: "panel sums", "aria-label": "Sums" }, this.list);
    byId("figures").append(this.throughput.card, this.latency.card, this.lag.card, sums);
  }

  show(state, parts) {
    this.connection(state, this.alarms(state));
    if (!state.head) return;
    this.head(state.head);
    if (parts.has("rows") || parts.has("history") || parts.has("workers")) this.figures(state);
  }

  /** Read out by screen readers when it changes; the alarms, which tell seconds, are not. */
  connection({ head, lostSince }, problems) {
    document.body.classList.toggle("lost", Boolean(lostSince));
    const told = problems ? `live, ${problems === 1 ? "1 problem" : `${problems} problems`}` : "live";
    write(byId("live"), lostSince ? "not connected" : head ? told : "connecting");
    mark(byId("live"), "class", problems ? "bad" : null);
  }

  alarms({ head, lostSince }) {
    const told = [];
    if (lostSince) {
      const since = `Connection lost since ${lostSince.toLocaleTimeString("en-GB")}.`;
      told.push(`${since} ${head ? "The figures below are of then. " : ""}Trying again…`);
    } else if (head) {
      const problems = head.problems ?? [];
      if (head.reason && head.reason !== problems.join("; ")) told.push(head.reason);
      told.push(...problems);
      const { reachable, since_seconds } = head.cluster ?? { reachable: true };
      if (!reachable) told.push(`No broker has answered for ${seconds(since_seconds)}.`);
    }
    const list = byId("alarms");
    while (list.childElementCount > told.length) list.lastChild.remove();
    told.forEach((one, at) => write(list.children[at] ?? list.appendChild(el("p", {})), one));
    return told.length;
  }

  head(head) {
    const word = head.state ?? "starting";
    write(byId("state"), word);
    mark(byId("state"), "class", `chip ${head.ok && head.ready ? "ok" : word === "stopped" ? "stop" : "warn"}`);
    if (!head.group) return;
    write(byId("about"), `${head.group} · ${head.handler} · up ${seconds(head.uptime_seconds)}`);
    document.title = `${head.ok ? "" : "⚠ "}${head.group}: ${word} · ticketpool`;
    const place = head.host ? `${head.host}, pid ${head.pid}` : "";
    const kafka = head.cluster?.rtt_ms ? `brokers' round trips ${millis(head.cluster.rtt_ms)}` : "";
    const told = [`ticketpool ${head.version}`, place, kafka, `as of ${moment(head.at)}`];
    write(byId("process"), told.filter(Boolean).join(" · "));
  }

  figures({ head, rows, workers, history }) {
    const all = [...rows.values()];
    const last = history[history.length - 1];
    const sum = (name) => all.reduce((total, one) => total + (one[name] ?? 0), 0);
    const most = (name) => all.reduce((worst, one) => Math.max(worst, one[name] ?? 0), 0);
    const perSecond = last ? last.rate_per_s : sum("rate_per_s");
    this.throughput.show(history, `${rate(perSecond)}/s`, `${count(sum("processed"))} processed`);
    this.latency.show(history, `p99 ${millis(last?.p99_ms)}`, `p50 ${millis(last?.p50_ms)}`);
    const known = all.some((one) => one.lag !== null);
    const late = most("time_lag_seconds");
    this.lag.show(history, known ? count(sum("lag")) : "–", late ? `the oldest ${seconds(late)} behind` : known ? "nothing is behind" : "");
    this.tell(head, all, workers, sum);
  }

  tell(head, all, workers, sum) {
    const ready = workers.filter((one) => one.state === "ready").length;
    const restarts = workers.reduce((total, one) => total + one.restarts, 0);
    const { assigned = 0, revoked = 0, lost = 0 } = head.rebalances ?? {};
    this.sum("partitions", count(all.length));
    this.sum("workers ready", `${ready} of ${workers.length}`, ready < workers.length ? "warn" : "");
    this.sum("dead letters", count(sum("dead_lettered")), sum("dead_lettered") ? "bad" : "");
    this.sum("retried", count(sum("retried")));
    this.sum("restarts", count(restarts), restarts ? "warn" : "");
    this.sum("redelivered", count(sum("redelivered")));
    this.sum("assigned, revoked, lost", `${assigned}, ${revoked}, ${lost}`, lost ? "warn" : "");
    this.sum("commits, refused", `${count(head.commits)}, ${count(head.commit_failures)}`, head.commit_failures ? "warn" : "");
  }

  sum(name, text, kind = "") {
    let value = this.sums.get(name);
    if (!value) {
      value = el("dd", {});
      this.sums.set(name, value);
      this.list.append(el("div", {}, el("dt", {}, name), value));
    }
    write(value, text);
    mark(value, "class", kind || null);
  }
}
