// Numbers and times as people read them.

const ROOM = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const RATES = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];
const NUMBERS = ["", "k", "M", "G"];

/** A number in the largest unit of which there is at least one, each `step` times the one before. */
function scaled(value, units, step, write) {
  let at = 0;
  while (value >= step && at < units.length - 1) {
    value /= step;
    at += 1;
  }
  return `${at === 0 ? Math.round(value) : write(value)} ${units[at]}`.trim();
}

const oneDigit = (value) => value.toFixed(1);
const threeDigits = (value) => value.toFixed(value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2);

/** Room, in powers of 1024 as everywhere in Isobar. */
export const bytes = (count) => (Number.isFinite(count) ? scaled(count, ROOM, 1024, oneDigit) : "–");

/** Bytes a second, in powers of 1000 as everywhere in Isobar. */
export const rate = (count) => (Number.isFinite(count) ? scaled(count, RATES, 1000, threeDigits) : "–");

/** How many, short. */
export const count = (number) => (Number.isFinite(number) ? scaled(number, NUMBERS, 1000, threeDigits) : "–");

/** A share as per cent. */
export const percent = (part, whole) => (whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–");

/** One, two, several: `plural(2, "node")`. */
export const plural = (number, word, words = `${word}s`) => `${number} ${number === 1 ? word : words}`;

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

/** The time of day. */
export const clock = (time) => CLOCK.format(new Date(time));

/** Day and time. */
export const moment = (time) => (time ? DAY.format(new Date(time)) : "–");

/** How long ago, roughly. */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - new Date(time)) / 1000));
  if (seconds < 60) return seconds < 5 ? "just now" : `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

/** How long something took. */
export function span(from, to) {
  const seconds = Math.max(0, Math.round((new Date(to) - new Date(from)) / 1000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
