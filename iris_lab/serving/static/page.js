// What every part of the page needs.

export const find = (id) => document.getElementById(id);

/** Controls, classes and digest of the model, as the page came with them. */
export const facts = JSON.parse(find("facts").textContent);
