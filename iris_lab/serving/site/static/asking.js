// Requests to the endpoint, one at a time, so that answers arrive in order. Of the requests that wait, only the newest is
// kept.

import { facts } from "./page.js";

const TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 4_000;

/** The endpoint has refused the request. */
export class Refused extends Error {}

/** The answer is not one of the endpoint, or is an internal error. */
export class Faulty extends Error {}

/** Post a request. Throw `Refused` if the endpoint refuses it, another error if it does not answer. */
export async function post(body) {
  const reply = await fetch(facts.predict, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (reply.ok) return reply.json();
  const problem = (reply.headers.get("Content-Type") ?? "").startsWith("application/problem+json");
  if (problem && reply.status < 500) {
    const { detail, problems = [] } = await reply.json();
    throw new Refused(problems.map((one) => one.detail).join("; ") || detail);
  }
  throw new Faulty(`status ${reply.status}`);
}

/**
 * Return {ask, forget}: `ask(question)` sends a question once the previous one is answered, `forget()` drops all
 * questions and ignores their answers.
 *
 * `send(question)` returns an answer. The outcome is passed to `answered(question, answer, isNewest)`, `refused(error)`
 * or `lost(error)`. A lost question is sent again, after growing pauses, until it is answered.
 */
export function questions(send, { answered, refused, lost }) {
  let wanted = null;
  let running = false;
  let era = 0;

  async function run() {
    let pause = FIRST_PAUSE_MS;
    while (wanted !== null) {
      const question = wanted;
      const asked = era;
      wanted = null;
      try {
        const answer = await send(question);
        pause = FIRST_PAUSE_MS;
        if (asked === era) answered(question, answer, wanted === null);
      } catch (error) {
        if (asked !== era) continue;
        if (error instanceof Refused) {
          if (wanted === null) refused(error);
          continue;
        }
        wanted ??= question;
        lost(error);
        await rest(pause);
        pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
      }
    }
    running = false;
  }

  return {
    ask(question) {
      wanted = question;
      if (!running) {
        running = true;
        run();
      }
    },
    forget() {
      wanted = null;
      era += 1;
    },
  };
}

/** Wait, and then wait until the page is visible. */
async function rest(milliseconds) {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  while (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
