// What parts of the page tell each other: the connection, operations that run.

const target = new EventTarget();

/** Tells whoever listens. */
export const tell = (name, detail) => target.dispatchEvent(new CustomEvent(name, { detail }));

/** Listens until the signal aborts. */
export const hear = (name, listener, signal) => target.addEventListener(name, (event) => listener(event.detail), { signal });
