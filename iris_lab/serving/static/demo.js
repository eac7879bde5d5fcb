// The demo page: what the form says is asked, and what the endpoint answers is shown.

import { Refused, post, questions } from "./asking.js";
import { copyFrom, curlLine } from "./curl.js";
import { fields, fill, listen, readForm, remarksOn } from "./form.js";
import { facts, find } from "./page.js";
import { Plot } from "./plot.js";
import { showAnswer, showAsking, showNothing } from "./verdict.js";

let plot = null;
let away = false; // whether the endpoint has stopped answering

const asking = questions(send, {
  answered(question, answer, isNewest) {
    if (String(answer.classes) === String(facts.classes)) showAnswer(answer, question.remarks, isNewest);
    else location.reload(); // another model has taken the place
  },
  refused: (error) => showNothing("no prediction", error.message),
  lost() {
    away = true;
    showNothing("no answer", "The endpoint has stopped answering: start it again, and this page goes on. It keeps trying.");
  },
});

function changed() {
  const values = readForm();
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
  showAsking();
  asking.ask({ body, remarks: remarksOn(values) });
}

async function send({ body }) {
  if (away) await meetAgain();
  try {
    return await post(body);
  } catch (error) {
    if (error instanceof Refused) await meetAgain();
    throw error;
  }
}

/** After an interruption or a refusal: is it the same model still? */
async function meetAgain() {
  const reply = await fetch("model", { cache: "no-store" });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  if ((await reply.json()).sha256 !== facts.sha256) location.reload();
  away = false;
  if (!plot) loadSamples();
}

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
    plot.mark(readForm());
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
    button.addEventListener("click", () => {
      fill(own[turn++ % own.length]);
      changed();
    });
  }
}

listen(changed);
find("copy").addEventListener("click", async () => {
  find("copied").textContent = (await copyFrom(find("curl"))) ? "Copied." : "Selected: press Ctrl+C to copy.";
});
if (window.top !== window) {
  // In a notebook's frame there is no way back.
  for (const link of document.querySelectorAll("footer a")) link.target = "_blank";
}
changed();
loadSamples();
