// How values are written, and the only ways in which text gets into the document.

const NONE = "–";
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** A number with its thousands apart; a dash where there is none. */
export function count(value) {
  return value === null || value === undefined ? NONE : whole.format(value);
}

/** Records per second: exact while they are few. */
export function rate(value) {
  if (!value) return "0";
  return value < 10 ? value.toFixed(1) : whole.format(value);
}

/** "4.2 s", "2 min 5 s", "3 h 10 min", "6 d 2 h". */
export function seconds(value) {
  if (value === null || value === undefined) return NONE;
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  const s = Math.round(value);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

function two(large, unit, small, smaller) {
  return small ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`;
}

/** A latency in milliseconds: "250 µs", "13.4 ms", "2.1 s". */
export function millis(value) {
  if (value === null || value === undefined) return NONE;
  if (value < 1) return `${Math.round(value * 1000)} µs`;
  if (value < 1000) return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
  return seconds(value / 1000);
}

export function bytes(value) {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${at && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** Seconds since 1970 as the wall clock of who reads. */
export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}

/** The same with its day. */
export function moment(at) {
  return new Date(at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

export function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes and children; strings become text, whatever is in them. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Write a text, but only where it differs: an untouched node costs no layout. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The same for an attribute; null takes it away. */
export function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A command or setting, with a button that copies it. */
export function copyable(text) {
  const code = el("code", {}, text);
  const button = el("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}` }, "copy");
  button.addEventListener("click", () => copy(code, button));
  return el("span", { class: "copyable" }, code, button);
}

async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "copied";
  } catch {
    // Without TLS only loopback pages may write to the clipboard: select it, for Ctrl-C.
    getSelection().selectAllChildren(code);
    button.textContent = "selected";
  }
  setTimeout(() => { button.textContent = "copy"; }, 2000);
}
