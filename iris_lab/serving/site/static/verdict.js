// What the endpoint answered, or why there is no answer: to see, and after a while to hear.

import { percent } from "./numbers.js";
import { facts, find } from "./page.js";
import { dress } from "./plot.js";

const ANNOUNCE_AFTER_MS = 900; // ms without a change before a screen reader is told
const bars = [...find("bars").children];
let quiet = 0;

/** Say that what is shown is about to change. */
export const showAsking = () => find("verdict").setAttribute("aria-busy", "true");

/** Show an answer, and what is to be said of the sample; `isNewest` unless a further question is on its way. */
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

/** Show what is to be said of the sample that is answered. */
export function showRemarks(remarks) {
  note(remarks, remarks ? "warn" : "");
  say(`${find("verdict-name").textContent}, ${find("verdict-probability").textContent}. ${remarks}`);
}

/** Take the answer away, and say why. */
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
