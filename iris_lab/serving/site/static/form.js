// The form: its fields, their values, and remarks on the values.

import { asText } from "./kinds.js";
import { fromSlider, read, written } from "./numbers.js";
import { facts, find, named } from "./page.js";

const DAY = 86_400_000; // ms

export const fields = facts.controls.map((control, index) => ({
  control,
  number: find(`number-${index}`), // a text, a choice or a date
  slider: find(`slider-${index}`), // null if the feature is constant, or not a number
  unknown: find(`unknown-${index}`), // null if no value was missing in training
  problem: find(`problem-${index}`),
}));

/** Keep each slider and its number equal, and call `changed` when either changes. */
export function listen(changed) {
  for (const { control, number, slider, unknown } of fields) {
    number.addEventListener("input", () => {
      const { value } = slider ? read(number.value, control.start) : {};
      if (slider && value !== undefined) slider.value = value;
      if (unknown) unknown.checked = false;
      changed();
    });
    slider?.addEventListener("input", () => {
      number.value = fromSlider(slider, control);
      if (unknown) unknown.checked = false;
      changed();
    });
    unknown?.addEventListener("input", changed);
  }
  find("form").addEventListener("submit", (event) => event.preventDefault());
}

/** Return the values of the form as numbers: NaN for one that is not known, null for one that is wrong. */
export const readForm = () => fields.map(readField);

/** Fill the form. */
export function fill(values) {
  fields.forEach(({ control, number, slider, unknown }, index) => {
    const value = values[index];
    if (unknown) unknown.checked = value === null;
    if (value === null) return;
    number.value = control.kind === "number" ? written(value, control) : control.kind === "date" ? asText(control, value).slice(0, 10) : value;
    if (slider) slider.value = value;
  });
}

/** Return {value}, or {problem}. */
function valueOf({ control, number, unknown }) {
  if (unknown?.checked) return { value: NaN };
  if (control.kind === "number") return read(number.value, control.start);
  if (control.kind !== "date") return { value: Number(number.value) };
  const value = number.valueAsNumber / DAY;
  return Number.isNaN(value) ? { problem: `Nothing entered; expected a date, such as ${control.start}.` } : { value };
}

/** Return the value of a field, or null if it is wrong, and show the problem beside the field. */
function readField(field) {
  const { control, number, slider, problem } = field;
  const { value = null, problem: wrong } = valueOf(field);
  const remark = wrong ?? outside(control, value);
  const feature = number.closest(".feature");
  feature.dataset.note = wrong ? "wrong" : remark ? "warn" : "";
  number.setAttribute("aria-invalid", Boolean(wrong));
  if (problem.textContent !== remark) problem.textContent = remark;
  feature.dataset.gap = Number.isNaN(value);
  slider?.setAttribute("aria-valuetext", wrong ? "no number" : `${number.value} ${control.unit}`.trim());
  return value;
}

/** Return a remark on a value outside the training range, or an empty string. */
function outside({ kind, min, max, low, high }, value) {
  const inside = kind === "date" ? value >= Math.floor(min) && value <= max : value >= min && value <= max;
  if (inside || Number.isNaN(value) || (kind !== "number" && kind !== "date")) return "";
  const what = min === max ? `${low}, the only value in training` : `the training range, ${low} to ${high}`;
  return `${value < min ? "Below" : "Above"} ${what}; the model extrapolates.`;
}

/** Return one line about the features that are outside their training ranges, or an empty string. */
export function remarksOn(values) {
  const beyond = fields.filter(({ control }, index) => outside(control, values[index]) !== "").map(({ control }) => control);
  if (beyond.length === 0) return "";
  if (beyond.length > 2) return `${beyond.length} features are outside their training ranges: the model extrapolates.`;
  const each = beyond.map(({ name, min, max, low, high }) => `${named(name)} (${min === max ? low : `${low} to ${high}`})`);
  return `Outside the training range: ${each.join(", ")}. The model extrapolates.`;
}
