// Shared by all scripts of the page.

export const find = (id) => document.getElementById(id);

/** Return a name; isolate right-to-left text, so that it does not reorder the numbers beside it. */
export const named = (name) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name);

/** Written into the page by the server: controls, classes, digest of the model, URL for predictions. */
export const facts = JSON.parse(find("facts").textContent);
