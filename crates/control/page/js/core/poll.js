// Asking again and again, while somebody looks.

import { isAbort } from "./errors.js";

/** The longest pause after failures. */
const PAUSE_MS_MAX = 30000;

/**
 * Calls `ask` now and then every `ms` milliseconds after it has ended, while the page is visible, until the
 * signal aborts. After failures the pauses become longer; `failed` hears of each. Gives what asks at once; while
 * an answer is waited for, it is asked again after that: the answer may be older than the wish.
 */
export function poll(ms, ask, signal, failed = () => {}) {
  let timer = 0;
  let failures = 0;
  let running = false;
  let wished = false;
  const again = () => {
    clearTimeout(timer);
    if (!signal.aborted && !document.hidden) timer = setTimeout(run, Math.min(ms * 2 ** failures, PAUSE_MS_MAX));
  };
  const run = async () => {
    if (signal.aborted || document.hidden) return;
    wished = running;
    if (running) return;
    clearTimeout(timer);
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
    if (wished) run();
    else again();
  };
  document.addEventListener("visibilitychange", run, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  run();
  return run;
}
