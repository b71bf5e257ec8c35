// Who is logged in: a token in this tab, for as long as it is good. The secret is sent once and kept nowhere.

const TOKEN = "isobar.token";
const CLIENT = "isobar.client";
const SUBSCRIPTION = "isobar.subscription";
/** A token is not used any more when it is about to end. */
const MARGIN_MS = 5000;

let asking = null;

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(TOKEN));
  } catch {
    return null;
  }
}

/** The token, if there is one that is good. */
export function token() {
  const session = kept();
  return session && session.until > Date.now() + MARGIN_MS ? session.token : null;
}

/** Until when the token is good, in milliseconds. */
export const until = () => kept()?.until ?? 0;

/** The client id of whoever has logged in in this tab, or else in this browser last. */
export const client = () => kept()?.client ?? localStorage.getItem(CLIENT) ?? "";

/** Keeps a token. */
export function begin(clientId, answer) {
  const until = Date.now() + answer.expires_in * 1000;
  sessionStorage.setItem(TOKEN, JSON.stringify({ token: answer.access_token, until, client: clientId }));
  localStorage.setItem(CLIENT, clientId);
}

/** Forgets it, and everything that this tab knows. */
export function end() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith("isobar.")) sessionStorage.removeItem(key);
  location.hash = "";
  location.reload();
}

/** The token is no good: whoever looks is asked to log in again, once for all requests that wait for it. */
export function renew(ask) {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

/** The subscription that is looked at. */
export const subscription = () => sessionStorage.getItem(SUBSCRIPTION) ?? "";

/** Looks at another one. */
export const chooseSubscription = (id) => sessionStorage.setItem(SUBSCRIPTION, id);
