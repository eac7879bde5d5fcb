// The request as a line for a POSIX shell.

import { facts } from "./page.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Return the command that posts a body to the endpoint of this page. */
export function curlLine(body) {
  const target = new URL(facts.predict, document.baseURI);
  if (target.hostname === "localhost") target.hostname = "127.0.0.1"; // it may lead curl to ::1, and another program
  const url = target.href;
  const safe = /^[\w:/.~%-]+$/.test(url) ? url : quoted(url);
  return `curl ${safe} -H 'Content-Type: application/json' -d ${quoted(body)}`;
}

/** Copy the text of an element; if the browser does not allow that, select the text. Return whether it was copied. */
export async function copyFrom(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Not a secure context, or a frame without the permission: the older interface still works there.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}
