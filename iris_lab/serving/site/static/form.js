// The form: its fields, their values, and remarks on the values.

import { fromSlider, read, written } from "./numbers.js";
import { facts, find, named } from "./page.js";

export const fields = facts.controls.map((control, index) => ({
  control,
  number: find(`number-${index}`),
  slider: find(`slider-${index}`), // null if the feature is constant
  problem: find(`problem-${index}`),
}));

/** Keep each slider and its number equal, and call `changed` when either changes. */
export function listen(changed) {
  for (const { control, number, slider } of fields) {
    number.addEventListener("input", () => {
      const { value } = read(number.value, control.start);
      if (slider && value !== undefined) slider.value = value;
      changed();
    });
    slider?.addEventListener("input", () => {
      number.value = fromSlider(slider, control);
      changed();
    });
  }
  find("form").addEventListener("submit", (event) => event.preventDefault());
}

/** Return the values of the form, null for a field without a number. */
export const readForm = () => fields.map(readField);

/** Fill the form. */
export function fill(values) {
  fields.forEach(({ control, number, slider }, index) => {
    number.value = written(values[index], control);
    if (slider) slider.value = values[index];
  });
}

/** Return the value of a field, or null if it is not a number, and show the problem beside the field. */
function readField({ control, number, slider, problem }) {
  const { value = null, problem: wrong } = read(number.value, control.start);
  const remark = wrong ?? outside(control, value);
  const feature = number.closest(".feature");
  feature.dataset.note = wrong ? "wrong" : remark ? "warn" : "";
  number.setAttribute("aria-invalid", Boolean(wrong));
  if (problem.textContent !== remark) problem.textContent = remark;
  slider?.setAttribute("aria-valuetext", wrong ? "no number" : `${number.value} ${control.unit}`.trim());
  return value;
}

/** Return a remark on a value outside the training range, or an empty string. */
function outside({ min, max, low, high }, value) {
  if (value >= min && value <= max) return "";
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
