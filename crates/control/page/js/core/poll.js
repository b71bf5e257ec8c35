// Asking again and again, while somebody looks.

import { isAbort } from "./errors.js";

/** The longest pause after failures. */
const PAUSE_MS_MAX = 30000;

/**
 * Calls `ask` now and then every `ms` milliseconds after it has ended, while the page is visible, until the
 * signal aborts. After failures the pauses become longer; `failed` hears of each.
 */
export function poll(ms, ask, signal, failed = () => {}) {
  let timer = 0;
  let failures = 0;
  let running = false;
  const again = () => {
    clearTimeout(timer);
    if (!signal.aborted && !document.hidden) timer = setTimeout(run, Math.min(ms * 2 ** failures, PAUSE_MS_MAX));
  };
  const run = async () => {
    if (running || signal.aborted || document.hidden) return;
    running = true;
    try {
      await ask();
      failures = 0;
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) {
        failures = Math.min(failures + 1, 5);
        failed(error);
      }
    }
    running = false;
    again();
  };
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  run();
  return run;
}
