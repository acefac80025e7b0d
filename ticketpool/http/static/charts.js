// A small graph of the last minutes: the newest value large, the rest as a line.

import { clock, el, seconds, write } from "./text.js";

const LEAST_SECONDS = 30; // a young service's first samples need not look like a wall
const WIDTH = 300;
const HEIGHT = 56;
const SVG = "http://www.w3.org/2000/svg";

/** One card: `lines` are {key, name, format}, the first is the one that counts. */
export class Chart {
  constructor(title, lines, { fill = false } = {}) {
    this.title = title;
    this.lines = lines;
    this.samples = [];
    this.big = el("p", { class: "big" }, "–");
    this.note = el("p", { class: "note" });
    this.most = el("span", { class: "most" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.area = fill ? this.path("area") : null;
    this.paths = lines.map((_, at) => this.path(at ? "line second" : "line"));
    this.paths.reverse().forEach((path) => this.svg.append(path)); // the one that counts on top
    this.paths.reverse();
    this.plot = el("div", { class: "plot" }, this.svg, this.most);
    this.card = el("section", { class: "panel chart" }, el("h2", {}, title), this.big, this.note, this.plot);
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.point(null));
  }

  path(kind) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    if (kind === "area") this.svg.append(path);
    return path;
  }

  show(samples, big, note) {
    this.samples = samples;
    write(this.big, big);
    this.told = note;
    if (!this.pointed) write(this.note, note);
    const [first] = this.lines;
    const values = samples.flatMap((one) => this.lines.map(({ key }) => one[key] ?? 0));
    const most = Math.max(0, ...values);
    write(this.most, samples.length ? first.format(most) : "");
    this.end = samples.length ? samples[samples.length - 1].at : 0;
    this.span = Math.max(LEAST_SECONDS, samples.length ? this.end - samples[0].at : 0);
    const place = (when) => WIDTH * (1 - (this.end - when) / this.span);
    this.lines.forEach(({ key }, at) => {
      const line = drawn(samples, key, place, most);
      this.paths[at].setAttribute("d", line);
      if (at === 0 && this.area) this.area.setAttribute("d", closed(line));
    });
    this.svg.setAttribute("aria-label", `${this.title}, the last ${seconds(this.span)}: now ${big}, at most ${first.format(most)}`);
  }

  point(event) {
    this.pointed = event !== null && this.samples.length > 0;
    if (!this.pointed) return write(this.note, this.told ?? "");
    const box = this.plot.getBoundingClientRect();
    const at = this.end - this.span * (1 - (event.clientX - box.left) / box.width);
    const nearest = this.samples.reduce((a, b) => (Math.abs(b.at - at) < Math.abs(a.at - at) ? b : a));
    const values = this.lines.map(({ key, name, format }) => `${name} ${format(nearest[key])}`);
    write(this.note, `${clock(nearest.at)}: ${values.join(", ")}`);
  }
}

/** A path over the samples; where a value is missing the line has a gap. */
function drawn(samples, key, place, most) {
  let path = "";
  let pen = "M";
  for (const one of samples) {
    const value = one[key];
    if (value === null || value === undefined) {
      pen = "M";
      continue;
    }
    const x = place(one.at);
    const y = HEIGHT - 1 - (most ? (value / most) * (HEIGHT - 4) : 0);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

function closed(line) {
  const points = line.slice(1).split(/[ML]/).filter(Boolean);
  if (points.length < 2) return "";
  const [first] = points[0].split(" ");
  const [last] = points[points.length - 1].split(" ");
  return `M${first} ${HEIGHT}L${points.join("L")}L${last} ${HEIGHT}Z`;
}
