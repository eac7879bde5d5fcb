// The demo page: what the form says is asked, and what the endpoint answers is shown.

import { post, questions } from "./asking.js";
import { copyFrom, curlLine } from "./curl.js";
import { fromSlider, percent, read } from "./numbers.js";
import { Plot, dress } from "./plot.js";

const QUIET = 900; // ms without a change before a screen reader is told

const find = (id) => document.getElementById(id);
const facts = JSON.parse(find("facts").textContent);
const fields = facts.controls.map((control, index) => ({
  control,
  number: find(`number-${index}`),
  slider: find(`slider-${index}`), // none where the feature is constant
  problem: find(`problem-${index}`),
}));
const bars = [...find("bars").children];
let plot = null;
let away = false; // whether the endpoint has stopped answering

// ---- the form

/** Return the value of a field, null where it holds no number, and say beside it what is wrong. */
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

/** Return what is to be said of a value that the model has not seen the like of. */
function outside({ min, max, low, high }, value) {
  if (value >= min && value <= max) return "";
  const what = min === max ? `what was always ${low} in training` : `the training range, ${low} to ${high}`;
  return `${value < min ? "Below" : "Above"} ${what}; the model extrapolates.`;
}

function remarksOn(values) {
  const beyond = fields.filter(({ control }, index) => outside(control, values[index]) !== "").map(({ control }) => control);
  if (beyond.length === 0) return "";
  if (beyond.length > 2) return `${beyond.length} features are outside their training ranges: the model extrapolates.`;
  const each = beyond.map(({ name, min, max, low, high }) => `${name} (${min === max ? low : `${low} to ${high}`})`);
  return `Outside the training range: ${each.join(", ")}. The model extrapolates.`;
}

function changed() {
  const values = fields.map(readField);
  plot?.mark(values);
  const wrong = fields.filter((_, index) => values[index] === null);
  if (wrong.length > 0) {
    asking.forget();
    find("curl").textContent = "";
    find("copy").disabled = true;
    const others = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : "";
    showNothing("no prediction", `${wrong[0].control.name}: ${wrong[0].problem.textContent}${others}`);
    return;
  }
  const sample = Object.fromEntries(fields.map(({ control }, index) => [control.name, values[index]]));
  const body = JSON.stringify({ data: [sample], probabilities: true });
  find("curl").textContent = curlLine(body);
  find("copy").disabled = false;
  find("copied").textContent = "";
  find("verdict").setAttribute("aria-busy", "true");
  asking.ask({ body, remarks: remarksOn(values) });
}

function take(values) {
  fields.forEach(({ control, number, slider }, index) => {
    const text = values[index].toFixed(control.digits);
    number.value = Number(text) === values[index] ? text : String(values[index]);
    if (slider) slider.value = values[index];
  });
  changed();
}

// ---- the answer

const asking = questions(send, { answered, refused, lost });

async function send({ body }) {
  if (away) await meetAgain();
  return post(body);
}

/** After an interruption: is it the same model still? */
async function meetAgain() {
  const reply = await fetch("model", { cache: "no-store" });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  if ((await reply.json()).sha256 !== facts.sha256) location.reload();
  away = false;
  if (!plot) loadSamples();
}

function answered(question, { result, probabilities }, isNewest) {
  const verdict = find("verdict");
  const [code, shares] = [result[0], probabilities[0]];
  verdict.dataset.state = "answer";
  if (isNewest) verdict.setAttribute("aria-busy", "false");
  find("verdict-name").textContent = facts.classes[code];
  find("verdict-share").textContent = percent(shares[code]);
  const marker = find("verdict-marker");
  dress(marker.firstElementChild, code);
  note(question.remarks, question.remarks ? "warn" : "");
  bars.forEach((bar, index) => {
    bar.querySelector(".share").textContent = percent(shares[index]);
    bar.querySelector(".fill").style.width = `${100 * shares[index]}%`;
    bar.toggleAttribute("data-predicted", index === code);
  });
  say(`${facts.classes[code]}, ${percent(shares[code])}. ${question.remarks}`);
}

function refused(error) {
  showNothing("no prediction", error.message);
}

function lost() {
  away = true;
  showNothing("no answer", "The endpoint has stopped answering: start it again, and this page goes on. It keeps trying.");
}

function showNothing(what, why) {
  find("verdict").dataset.state = "none";
  find("verdict").setAttribute("aria-busy", "false");
  find("verdict-name").textContent = what;
  find("verdict-share").textContent = "";
  note(why, "wrong");
  for (const bar of bars) {
    bar.querySelector(".share").textContent = "–";
    bar.querySelector(".fill").style.width = "0";
    bar.removeAttribute("data-predicted");
  }
  say(`${what}. ${why}`);
}

function note(text, kind) {
  find("verdict-note").textContent = text;
  find("verdict").dataset.note = kind;
}

let quiet = 0;
function say(text) {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    if (find("spoken").textContent !== text) find("spoken").textContent = text;
  }, QUIET);
}

// ---- the training samples

async function loadSamples() {
  let samples;
  try {
    const reply = await fetch("model/samples");
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    samples = await reply.json();
  } catch {
    find("plot-says").textContent = "The training samples could not be loaded.";
    return;
  }
  const [across, up] = [find("axis-x"), find("axis-y")];
  plot = new Plot({ svg: find("plot"), says: find("plot-says"), table: find("plot-table") }, facts, samples);
  const choose = () => {
    plot.setAxes(Number(across.value), Number(up.value));
    plot.mark(fields.map(readField));
  };
  across.addEventListener("change", choose);
  up.addEventListener("change", choose);
  choose();
  offerExamples(samples);
}

function offerExamples({ rows, classes }) {
  for (const button of document.querySelectorAll("[data-example]")) {
    const own = rows.filter((_, index) => classes[index] === Number(button.dataset.example));
    let turn = 0;
    button.disabled = own.length === 0;
    button.addEventListener("click", () => take(own[turn++ % own.length]));
  }
}

// ---- begin

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
find("copy").addEventListener("click", async () => {
  find("copied").textContent = (await copyFrom(find("curl"))) ? "Copied." : "Selected: press Ctrl+C to copy.";
});
if (window.top !== window) {
  // In a notebook's frame there is no way back.
  for (const link of document.querySelectorAll("footer a")) link.target = "_blank";
}
changed();
loadSamples();
