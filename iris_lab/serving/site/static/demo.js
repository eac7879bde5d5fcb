// The demo page: asks the endpoint about the values in the form and shows its answer.

import { Faulty, Refused, post, questions } from "./asking.js";
import { copyFrom, curlLine } from "./curl.js";
import { fields, fill, listen, readForm, remarksOn } from "./form.js";
import { asSent } from "./kinds.js";
import { stranger } from "./likeness.js";
import { facts, find, named } from "./page.js";
import { Plot } from "./plot.js";
import { takeTables } from "./table.js";
import { showAnswer, showAsking, showNothing, showRemarks } from "./verdict.js";

const GONE = "The endpoint has stopped answering. Start it again, and this page will continue.";

let plot = null;
let isStrange = () => false; // until the training samples are loaded
let latest = null; // the question whose answer is shown
let away = false; // whether the endpoint has stopped answering

const asking = questions(send, {
  answered(question, answer, isNewest) {
    if (String(answer.classes) !== String(facts.classes)) return location.reload(); // another model is served now
    latest = question;
    showAnswer(answer, remarks(question), isNewest);
  },
  refused: (error) => showNothing("no prediction", error.message),
  lost(error) {
    away = true;
    const what = error instanceof Faulty ? `The endpoint answers with ${error.message}.` : GONE;
    showNothing("no answer", `${what} This page keeps trying.`);
  },
});

const remarks = ({ values }) => remarksOn(values) || (isStrange(values) ? "Far from all training samples." : "");

function changed() {
  latest = null;
  const values = readForm();
  plot?.mark(values);
  const wrong = fields.filter((_, index) => values[index] === null);
  if (wrong.length > 0) {
    asking.forget();
    find("curl").textContent = "";
    find("copy").disabled = true;
    const others = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : "";
    showNothing("no prediction", `${named(wrong[0].control.name)}: ${wrong[0].problem.textContent}${others}`);
    return;
  }
  const sample = Object.fromEntries(fields.map(({ control }, index) => [control.name, asSent(control, values[index])]));
  const body = JSON.stringify({ data: [sample], probabilities: true });
  find("curl").textContent = curlLine(body);
  find("copy").disabled = false;
  find("copied").textContent = "";
  showAsking();
  asking.ask({ body, values });
}

async function send({ body }) {
  if (away) await checkModel();
  try {
    return await post(body);
  } catch (error) {
    if (error instanceof Refused) await checkModel();
    throw error;
  }
}

/** After an interruption or a refused request, reload the page if another model is served now. */
async function checkModel() {
  const reply = await fetch("model", { cache: "no-store" });
  if (!reply.ok) throw new Faulty(`status ${reply.status}`);
  if ((await reply.json()).sha256 !== facts.sha256) location.reload();
  away = false;
  if (!plot) loadSamples();
}

async function loadSamples() {
  let samples = { rows: [], classes: [] };
  try {
    if (facts.shared) {
      const reply = await fetch("model/samples");
      if (!reply.ok) throw new Error(`status ${reply.status}`);
      samples = await reply.json();
    }
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
  isStrange = stranger(facts, samples);
  if (latest) showRemarks(remarks(latest));
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
takeTables();
find("copy").addEventListener("click", async () => {
  find("copied").textContent = (await copyFrom(find("curl"))) ? "Copied." : "Selected: press Ctrl+C to copy.";
});
if (window.top !== window) {
  // A notebook's frame has no back button.
  for (const link of document.querySelectorAll("footer a")) link.target = "_blank";
}
changed();
loadSamples();
