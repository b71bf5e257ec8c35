// Requests: with the token, tried again where that is right, answered or failed in words.

import { Lost, Refused } from "./errors.js";
import { tell } from "./events.js";
import * as session from "./session.js";

/** How often a request that was told to come again is sent again. */
const TRIES_MAX = 6;
/** The longest that it waits for that. */
const WAIT_S_MAX = 15;
/** An answer that takes longer does not come: the server itself gives up before. */
const ANSWER_MS_MAX = 75000;

let askForLogin = () => Promise.reject(new Error("nobody asks for a login"));

/** Says who asks people to log in again. */
export function whenLoggedOut(ask) {
  askForLogin = ask;
}

const pause = (ms, signal) => new Promise((done, failed) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => {
    clearTimeout(timer);
    failed(signal.reason);
  }, { once: true });
});

async function once({ method, url, body, type, headers, signal, open }) {
  const sent = { ...headers };
  if (!open) sent.authorization = `Bearer ${session.token()}`;
  if (body !== undefined) sent["content-type"] = type;
  try {
    const limits = [signal, AbortSignal.timeout(ANSWER_MS_MAX)].filter(Boolean);
    const answer = await fetch(url, { method, headers: sent, body, signal: AbortSignal.any(limits), redirect: "error", referrerPolicy: "no-referrer" });
    const text = await answer.text();
    tell("connected");
    return { answer, text };
  } catch (error) {
    if (signal?.aborted) throw error;
    tell("lost");
    throw new Lost(method !== "GET" && method !== "HEAD");
  }
}

/** Whether a request that was refused in this way may be sent again. */
const isTransient = (status, method) => status === 429 || (status === 503 && method !== "POST");

/**
 * Sends a request: `{method, url, body, type, headers, signal, open}`.
 * Gives `{status, headers, body}`, or throws `Refused` or `Lost`.
 */
export async function send(request) {
  for (let tried = 1; ; tried += 1) {
    if (!request.open && !session.token()) await session.renew(askForLogin);
    const { answer, text } = await once(request);
    const { status, headers } = answer;
    if (status === 401 && !request.open && tried === 1) {
      await session.renew(askForLogin);
      continue;
    }
    if (isTransient(status, request.method) && tried < TRIES_MAX && !request.open) {
      const seconds = Math.min(Number(headers.get("retry-after")) || 1, WAIT_S_MAX);
      await pause(seconds * 1000, request.signal);
      continue;
    }
    let body = null;
    try {
      if (text) body = JSON.parse(text);
    } catch {
      body = text;
    }
    if (!answer.ok) throw new Refused(status, body, headers.get("x-ms-request-id"));
    return { status, headers, body };
  }
}
