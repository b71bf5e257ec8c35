// Which view is shown, from the part of the address behind `#`.

const routes = [];
let present = new AbortController();

/** Adds a view: a pattern such as `clusters/:group/:cluster`, and what draws it. */
export function route(pattern, view) {
  routes.push({ words: pattern.split("/"), view });
}

function match(path) {
  let given;
  try {
    given = path.split("/").map(decodeURIComponent);
  } catch {
    return null;
  }
  for (const { words, view } of routes) {
    if (words.length !== given.length) continue;
    const params = {};
    const fits = words.every((word, at) => {
      if (word.startsWith(":")) params[word.slice(1)] = given[at];
      return word.startsWith(":") ? given[at] !== "" : word === given[at];
    });
    if (fits) return { view, params };
  }
  return null;
}

/** The present path, without `#/` and what is asked. */
export const path = () => location.hash.replace(/^#\/?/, "").split("?")[0];

/** What is asked behind `?`. */
export const asked = () => new URLSearchParams(location.hash.split("?")[1] ?? "");

/** Goes to another view. */
export function go(hash) {
  location.hash = hash;
}

/** Keeps what is asked in the address, without leaving the view. */
export function keep(values) {
  const given = Object.entries(values).filter(([, value]) => value);
  const words = new URLSearchParams(given).toString();
  history.replaceState(null, "", `#/${path()}${words ? `?${words}` : ""}`);
}

/** Draws the present view into `place`, now and whenever the address changes. */
export function start(place, { first, none, drawn }) {
  const draw = (event) => {
    present.abort();
    present = new AbortController();
    const found = match(path() || first) ?? { view: none, params: {} };
    const node = found.view({ params: found.params, signal: present.signal });
    place.replaceChildren(node);
    drawn(node, Boolean(event));
  };
  window.addEventListener("hashchange", draw);
  draw();
  return draw;
}
