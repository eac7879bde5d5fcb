// Reads numbers as people type them, and formats numbers for reading.

const FIELD_CHARACTERS = 12; // visible in a field of the form
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Return {value}, or {problem}: what was typed and what is expected. */
export function read(text, example) {
  const given = text.trim().replace(/^−/, "-"); // a typographic minus
  if (given === "") return { problem: `Nothing entered; expected a number, such as ${example}.` };
  const quoted = `“${given.length > 40 ? `${given.slice(0, 39)}…` : given}”`;
  if (NUMBER.test(given)) {
    const value = Number(given);
    return Number.isFinite(value) ? { value } : { problem: `${quoted} is too large; expected a finite number.` };
  }
  const pointed = given.replace(",", ".");
  const hint = NUMBER.test(pointed) ? `${pointed}, with a decimal point` : `such as ${example}`;
  return { problem: `${quoted} is not a number; expected ${NUMBER.test(pointed) ? "" : "a number, "}${hint}.` };
}

/** Return a probability as a percentage; only 0 and 1 are shown as 0 % and 100 %. */
export function percent(probability) {
  if (probability > 0 && probability < 0.0005) return "< 0.1\u00a0%";
  if (probability < 1 && probability >= 0.9995) return "> 99.9\u00a0%";
  return `${(100 * probability).toFixed(1)}\u00a0%`;
}

/** Return a value short enough for a label. */
export function brief(value) {
  return String(Number(value.toPrecision(6)));
}

/** Return a value of the training range as text: exact if that is short, else rounded within the range. */
export function written(value, control) {
  for (const text of [value.toFixed(control.digits), String(value)]) {
    if (Number(text) === value && text.length <= FIELD_CHARACTERS) return text;
  }
  const rounded = Number(value.toPrecision(control.significant));
  if (rounded <= control.min) return control.low;
  if (rounded >= control.max) return control.high;
  const [plain, power] = [String(rounded), rounded.toExponential().replace("e+", "e")];
  return power.length < plain.length ? power : plain;
}

/** Return the text of a slider's value; the slider's ends mean the exact ends of the training range. */
export function fromSlider(slider, control) {
  const place = Number(slider.value); // which the browser has rounded to 15 digits
  const text = place.toFixed(control.digits);
  const value = Number(text);
  if (value <= control.min || place - control.step * 0.001 <= control.min) return control.low;
  if (value + control.step * 0.999 > control.max) return control.high;
  return text.length <= FIELD_CHARACTERS ? text : written(value, control);
}
