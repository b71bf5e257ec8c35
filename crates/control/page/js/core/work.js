// Operations that go on after they were answered: followed to their end, whatever the page shows meanwhile.
// They are kept with the tab, so that a page that is loaded anew goes on following them.

import { isAbort, Refused, titleOf } from "./errors.js";
import { tell } from "./events.js";
import { send } from "./http.js";
import { isSame } from "./ids.js";
import { below } from "./operations.js";

const KEY = "isobar.work";
/** Operations that are remembered, the oldest ended ones go first. */
const KEPT_MAX = 50;
/** How long to wait between two looks when the server does not say, and after it did not answer. */
const PAUSE_MS = 1000;
const PAUSE_LOST_MS = 5000;

let items = [];

const isEnded = (item) => ["Succeeded", "Failed", "Canceled"].includes(item.status);

function save() {
  const ended = items.filter(isEnded);
  if (items.length > KEPT_MAX) items = items.filter((item) => !isEnded(item) || ended.indexOf(item) < KEPT_MAX / 2);
  sessionStorage.setItem(KEY, JSON.stringify(items));
  tell("work", items);
}

/** All that are known, the newest first. */
export const known = () => items;

/** Those that run. */
export const running = () => items.filter((item) => !isEnded(item));

/** The newest one that works on a resource and runs, or has ended badly. */
export const of = (target) => items.find((item) => isSame(item.target, target));

/** Forgets those that have ended. */
export function forget() {
  items = running();
  save();
}

/** Where the status of an operation is, from the headers of the answer that began it. */
function statusUrl(headers) {
  const told = headers.get("azure-asyncoperation");
  if (told) return below(told);
  const result = headers.get("location");
  // Of one operation, status and result differ by this word.
  return result ? below(result).replace("/operationResults/", "/operationStatuses/") : null;
}

async function look(item) {
  const { body, headers } = await send({ method: "GET", url: item.url });
  item.status = body.status;
  item.percent = body.percentComplete ?? item.percent;
  item.message = body.properties?.message ?? "";
  if (isEnded(item)) {
    item.endedAt = body.endTime ?? new Date().toISOString();
    item.error = body.error ? { code: body.error.code, message: body.error.message } : null;
  }
  return Number(headers.get("retry-after")) * 1000 || PAUSE_MS;
}

async function run(item) {
  while (!isEnded(item)) {
    let pause = PAUSE_LOST_MS;
    try {
      pause = await look(item);
    } catch (error) {
      if (isAbort(error)) return;
      // Who is told to come again later has not been told how it stands.
      if (error instanceof Refused && error.status < 500 && error.status !== 429) {
        // Its resource may be gone together with the right to look at it.
        Object.assign(item, { status: "Failed", endedAt: new Date().toISOString() });
        item.error = { code: error.code, message: `Nothing more can be told of it. ${titleOf(error)}: ${error.message}` };
      }
    }
    save();
    if (!isEnded(item)) await new Promise((done) => setTimeout(done, pause));
  }
  tell("work-ended", item);
}

/**
 * Follows the operation that an answer has begun; gives nothing if it has begun none. `title` says what is
 * done, `target` is the id of the resource.
 */
export function follow({ headers }, title, target) {
  const url = statusUrl(headers);
  if (!url) return null;
  const item = { url, title, target, status: "InProgress", percent: 0, message: "", startedAt: new Date().toISOString() };
  items = [item, ...items.filter((other) => other.url !== url)];
  save();
  run(item);
  return item;
}

/** Goes on with what this tab has followed before. */
export function resume() {
  try {
    items = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    items = [];
  }
  running().forEach(run);
  tell("work", items);
}
