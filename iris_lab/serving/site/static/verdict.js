// Shows the answer, or why there is none, and announces it to screen readers after a delay.

import { percent } from "./numbers.js";
import { facts, find } from "./page.js";
import { dress } from "./plot.js";

const ANNOUNCE_AFTER_MS = 900; // without a change
const bars = [...find("bars").children];
let quiet = 0;

/** Mark the shown answer as about to change. */
export const showAsking = () => find("verdict").setAttribute("aria-busy", "true");

/** Show an answer and remarks on the sample; `isNewest` unless another question waits. */
export function showAnswer({ result, probabilities }, remarks, isNewest) {
  const [code, byClass] = [result[0], probabilities[0]];
  find("verdict").dataset.state = "answer";
  if (isNewest) find("verdict").setAttribute("aria-busy", "false");
  find("verdict-name").textContent = facts.classes[code];
  find("verdict-probability").textContent = percent(byClass[code]);
  dress(find("verdict-marker").firstElementChild, code);
  bars.forEach((bar, index) => {
    bar.querySelector(".probability").textContent = percent(byClass[index]);
    bar.querySelector(".fill").style.width = `${100 * byClass[index]}%`;
    bar.toggleAttribute("data-predicted", index === code);
  });
  showRemarks(remarks);
}

/** Show remarks on the sample. */
export function showRemarks(remarks) {
  note(remarks, remarks ? "warn" : "");
  say(`${find("verdict-name").textContent}, ${find("verdict-probability").textContent}. ${remarks}`);
}

/** Remove the answer and say why. */
export function showNothing(what, why) {
  find("verdict").dataset.state = "none";
  find("verdict").setAttribute("aria-busy", "false");
  find("verdict-name").textContent = what;
  find("verdict-probability").textContent = "";
  note(why, "wrong");
  for (const bar of bars) {
    bar.querySelector(".probability").textContent = "–";
    bar.querySelector(".fill").style.width = "0";
    bar.removeAttribute("data-predicted");
  }
  say(`${what}. ${why}`);
}

function note(text, kind) {
  find("verdict-note").textContent = text;
  find("verdict").dataset.note = kind;
}

function say(text) {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    if (find("spoken").textContent !== text) find("spoken").textContent = text;
  }, ANNOUNCE_AFTER_MS);
}
