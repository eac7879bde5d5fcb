// What the numbers of a feature stand for: a category is the place of its level, a date is in days since 1970.

import { brief } from "./numbers.js";

const DAY = 86_400_000; // ms

/** Whether the values are places in a list of levels. */
export const isChoice = ({ kind }) => kind === "category" || kind === "boolean";

/** Return a value as people read it. */
export function asText(control, value) {
  if (isChoice(control)) return control.levels[value] ?? "(unknown)";
  if (control.kind !== "date") return brief(value);
  return new Date(value * DAY).toISOString().replace("T00:00:00.000Z", "");
}

/** Return a value as the endpoint takes it; NaN is a value that is not known. */
export function asSent(control, value) {
  if (Number.isNaN(value)) return null;
  if (control.kind === "boolean") return value === 1;
  return control.kind === "number" ? value : asText(control, value);
}

/** Return how far two values are apart: of numbers and dates in training ranges, otherwise 0 or 1. */
export function difference(control, one, other) {
  const gaps = [one, other].filter((value) => value === null || Number.isNaN(value)).length;
  if (gaps > 0) return gaps === 2 ? 0 : 1;
  if (isChoice(control)) return one === other ? 0 : 1;
  return (one - other) / (control.max - control.min || 1);
}
