// Plots the training samples by two features, and the sample in the form among them.

import { asText, difference, isChoice } from "./kinds.js";
import { brief } from "./numbers.js";
import { named } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 46, right: 14, top: 28, bottom: 42 };
const NEIGHBOURS = 5;
const SHAPES = 10;
const COLOURS = 8;

function element(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

/** Give a marker the shape and colour of a class. */
export function dress(use, code) {
  use.setAttribute("href", `#shape-${code % SHAPES}`);
  use.setAttribute("class", `c${code % COLOURS}${code >= SHAPES ? " hollow" : ""}`);
}

/** Return about `wanted` round numbers between two ends. */
function ticks({ low, high }, wanted) {
  const rough = (high - low) / Math.max(2, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough * 0.999);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

/** Return the ticks of an axis: [value, text]. */
function marks(control, axis, wanted, letters) {
  if (isChoice(control)) {
    const step = Math.ceil(control.levels.length / Math.max(2, wanted));
    const shown = control.levels.map((level, place) => [place, cut(level, letters)]);
    return shown.filter(([place]) => place % step === 0 && place >= axis.low && place <= axis.high);
  }
  const text = (value) => (control.kind === "date" ? asText(control, Math.round(value)) : tickLabel(value));
  return ticks(axis, control.kind === "date" ? wanted / 2 : wanted).map((value) => [value, text(value)]);
}

/** Return a share of a place, -0.3 to 0.3, so that samples of one level do not hide each other. */
const aside = (control, index) => (isChoice(control) ? ((index * 0.618) % 1) * 0.6 - 0.3 : 0);

const isGap = (value) => value === null || Number.isNaN(value);

const tickLabel = (value) => (brief(value).length > 6 ? value.toExponential(1) : brief(value));

const cut = (text, length) => (text.length > length ? `${text.slice(0, Math.max(1, length - 1))}…` : text);

/** Return an axis that maps the training range, with a margin, to the pixels `from` and `to`. */
function scale(control, from, to) {
  if (isChoice(control)) control = { min: -0.3, max: control.levels.length - 0.7 };
  const span = control.max - control.min;
  const room = span > 0 ? span * 0.06 : Math.abs(control.max) * 0.1 || 1;
  const [low, high] = [control.min - room, control.max + room];
  return { low, high, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** The plot; `samples` is the answer of `model/samples`. */
export class Plot {
  constructor({ svg, says, table }, { controls, classes }, samples) {
    Object.assign(this, { svg, says, table, controls, classes, samples });
    this.columns = [0, 0];
    this.sample = null;
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  /** Choose the features of the x and y axes. */
  setAxes(across, up) {
    this.columns = [across, up];
    this.draw();
    this.tabulate();
  }

  /** Move the sample; missing values are null. */
  mark(values) {
    this.sample = values.map((value) => (isGap(value) ? null : value));
    this.drawSample();
    this.describe();
  }

  // With a single feature, each class has a row.
  get single() {
    return this.controls.length === 1;
  }

  place(row, code, index) {
    const [across, up] = this.columns;
    const [one, other] = [across, up].map((column) => row[column] + aside(this.controls[column], index));
    return [this.x.at(one), this.y.at(this.single ? code : other)];
  }

  draw() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!width) return;
    const [across, up] = this.columns.map((column) => this.controls[column]);
    const rows = { min: 0, max: this.classes.length - 1 };
    this.box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    this.x = scale(across, this.box.left, this.box.right);
    this.y = scale(this.single ? rows : up, this.box.bottom, this.box.top);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    this.drawFrame(across, this.single ? { name: "one row per class" } : up);
    const points = element("g", {}, this.svg);
    this.samples.rows.forEach((row, index) => {
      const code = this.samples.classes[index];
      if (this.columns.some((column) => isGap(row[column]))) return;
      const [x, y] = this.place(row, code, index);
      dress(element("use", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(.72)` }, points), code);
    });
    this.here = element("g", {}, this.svg);
    this.drawSample();
  }

  drawFrame(across, up) {
    const { left, right, top, bottom } = this.box;
    for (const [value, text] of marks(across, this.x, (right - left) / 60, 9)) {
      const x = this.x.at(value);
      element("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }, this.svg);
      element("text", { x, y: bottom + 16, "text-anchor": "middle" }, this.svg, text);
    }
    for (const [value, text] of this.single ? [] : marks(up, this.y, (bottom - top) / 40, 6)) {
      const y = this.y.at(value);
      element("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }, this.svg);
      element("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, this.svg, text);
    }
    const letters = Math.floor((right - 20) / 7.5);
    element("text", { class: "title", x: right, y: bottom + 35, "text-anchor": "end" }, this.svg, `${cut(across.name, letters)} →`);
    element("text", { class: "title", x: 4, y: 14 }, this.svg, `↑ ${cut(up.name, letters)}`);
  }

  drawSample() {
    if (!this.here) return;
    this.here.replaceChildren();
    const [across, up] = this.columns.map((column) => this.sample?.[column] ?? null);
    if (across === null || (up === null && !this.single)) return;
    const { left, right, top, bottom } = this.box;
    const [wantedX, wantedY] = [this.x.at(across), this.single ? bottom : this.y.at(up)];
    const [x, y] = [Math.min(Math.max(wantedX, left), right), Math.min(Math.max(wantedY, top), bottom)];
    element("line", { class: "cross", x1: x, x2: x, y1: top, y2: bottom }, this.here);
    if (!this.single) element("line", { class: "cross", x1: left, x2: right, y1: y, y2: y }, this.here);
    if (x === wantedX && y === wantedY) {
      for (const name of ["halo", "here"]) element("circle", { class: name, cx: x, cy: y, r: 8 }, this.here);
      return;
    }
    const turn = (Math.atan2(Math.sign(wantedY - y), Math.sign(wantedX - x)) * 180) / Math.PI;
    element("path", { class: "arrow", d: "M11 0L-8 -9L-3 0L-8 9Z", transform: `translate(${x} ${y}) rotate(${turn})` }, this.here);
  }

  /** Describe the plot in words. */
  describe() {
    const { rows, classes } = this.samples;
    const columns = this.single ? [0] : this.columns;
    const drawn = rows.length ? `${rows.length} training samples are drawn.` : "Training samples are not shared here.";
    if (columns.some((column) => (this.sample?.[column] ?? null) === null)) {
      this.says.textContent = `${drawn} Yours is drawn once its values on the axes are known.`;
      return;
    }
    const distance = (row) => Math.hypot(...columns.map((column) => this.apart(row, column)));
    const order = rows.map((row, index) => [distance(row), classes[index]]).sort(([one], [other]) => one - other);
    const counts = new Map();
    for (const [, code] of order.slice(0, NEIGHBOURS)) counts.set(code, (counts.get(code) ?? 0) + 1);
    const found = [...counts].sort(([, one], [, other]) => other - one);
    const beyond = columns.filter((column) => !this.shows(column)).map((column) => named(this.controls[column].name));
    const where = beyond.length ? ` Yours lies beyond the plot (${beyond.join(", ")}); an arrow points to it.` : "";
    const list = found.map(([code, count]) => `${count} ${named(this.classes[code])}`).join(", ");
    this.says.textContent = `${drawn}${where}${list && ` Nearest to yours here: ${list}.`}`;
  }

  apart(row, column) {
    return difference(this.controls[column], row[column], this.sample[column]);
  }

  shows(column) {
    const axis = scale(this.controls[column], 0, 1);
    return this.sample[column] >= axis.low && this.sample[column] <= axis.high;
  }

  /** Fill the table version of the plot: the range of each class on the axes. */
  tabulate() {
    const columns = this.single ? [0] : [...new Set(this.columns)];
    const head = ["class", "samples", ...columns.map((column) => this.controls[column].name)];
    this.table.replaceChildren();
    const top = this.table.createTHead().insertRow();
    for (const text of head) top.append(cell("th", text, { scope: "col" }));
    const body = this.table.createTBody();
    this.classes.forEach((name, code) => {
      const rows = this.samples.rows.filter((_, index) => this.samples.classes[index] === code);
      const line = body.insertRow();
      line.append(cell("th", name, { scope: "row" }), cell("td", rows.length));
      for (const column of columns) {
        const values = rows.map((row) => row[column]).filter((value) => !isGap(value));
        line.append(cell("td", extent(this.controls[column], values)));
      }
    });
  }
}

function cell(name, text, attributes = {}) {
  const made = Object.assign(document.createElement(name), { textContent: text });
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function extent(control, values) {
  if (values.length === 0) return "–";
  if (isChoice(control)) return [...new Set(values)].sort((one, other) => one - other).map((value) => asText(control, value)).join(", ");
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? asText(control, low) : `${asText(control, low)} to ${asText(control, high)}`;
}
