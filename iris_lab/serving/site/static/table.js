// Predictions for a CSV file that is dropped or chosen: the answer is downloaded.

import { facts, find } from "./page.js";

/** Let the page take files. */
export function takeTables() {
  const [drop, file, says] = [find("drop"), find("file"), find("table-says")];
  file.addEventListener("change", () => file.files[0] && predict(file.files[0], says));
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => over(event, drop, true));
  drop.addEventListener("dragleave", (event) => over(event, drop, false));
  drop.addEventListener("drop", (event) => {
    over(event, drop, false);
    if (event.dataTransfer.files[0]) predict(event.dataTransfer.files[0], says);
  });
}

function over(event, drop, inside) {
  event.preventDefault(); // else the browser would leave the page for the file
  drop.classList.toggle("over", inside);
}

async function predict(file, says) {
  says.textContent = `Reading ${file.name} …`;
  try {
    const reply = await fetch(facts.table, { method: "POST", headers: { "Content-Type": "text/csv" }, body: file });
    if (!reply.ok) {
      const { detail } = await reply.json();
      says.textContent = `${file.name} was not predicted: ${detail}`;
      return;
    }
    const [answer, name] = [await reply.blob(), file.name.replace(/(\.csv)?$/i, "-predicted.csv")];
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(answer), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    says.textContent = `${name} was downloaded: your table with the predicted ${facts.target} and the probabilities.`;
  } catch {
    says.textContent = `${file.name} was not predicted: the endpoint does not answer.`;
  }
}
