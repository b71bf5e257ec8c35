// What can go wrong with a request, in words for whoever sees it.

/** The server refused. */
export class Refused extends Error {
  constructor(status, body, requestId) {
    const error = body?.error;
    // OAuth has its own form of an error.
    const isOauth = typeof error === "string";
    super((isOauth ? body.error_description : error?.message) || `The server answered ${status}.`);
    this.status = status;
    this.code = (isOauth ? error : error?.code) || String(status);
    this.target = error?.target;
    this.details = error?.details ?? [];
    this.requestId = requestId;
  }
}

/** No answer came. */
export class Lost extends Error {
  constructor(mayBeDone) {
    super(mayBeDone
      ? "No answer came, so it may have been done or not: look before you try again."
      : "The server does not answer.");
    this.code = "ConnectionLost";
    this.details = [];
  }
}

/** Whether somebody has only gone elsewhere. */
export const isAbort = (error) => error?.name === "AbortError";

const TITLES = {
  401: "You are not logged in", 403: "You are not allowed to do this", 404: "It is not there",
  409: "Not as things are now", 412: "Somebody else has changed it", 429: "Too much at once",
};

/** A few words about an error. */
export function titleOf(error) {
  if (error instanceof Lost) return "Connection lost";
  if (!(error instanceof Refused)) return "The page failed";
  if (error.status >= 500) return "The server failed";
  return TITLES[error.status] ?? "Refused";
}

/** Wrong fields by name, from the details of a refusal: `properties.nodeCount` → words. */
export function wrongFields(error) {
  const fields = new Map();
  const all = error.details?.length ? error.details : error.target ? [error] : [];
  for (const { target, message } of all) {
    const name = (target ?? "").replace(/^\$\.?/, "").replace(/^\//, "").replaceAll("/", ".");
    if (name) fields.set(name, fields.has(name) ? `${fields.get(name)} ${message}` : message);
  }
  return fields;
}
