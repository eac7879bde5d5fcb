// What every part of the page needs.

export const find = (id) => document.getElementById(id);

/** Return a name from the data, set apart where it runs from right to left: the numbers beside it stay in their place. */
export const named = (name) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name);

/** Controls, classes, digest of the model, and where predictions are asked for: all as the server wrote them. */
export const facts = JSON.parse(find("facts").textContent);
