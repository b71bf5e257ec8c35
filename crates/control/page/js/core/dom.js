// Elements without HTML text: `h` makes one, `fill` makes a parent have certain children and keeps those that
// are there already, so that focus, scrolling and what people have typed stay when a view is drawn anew.

const SVG = "http://www.w3.org/2000/svg";

function set(node, name, value) {
  if (name.startsWith("on")) {
    node[name] = value;
    (node.handlers ??= new Set()).add(name);
  } else if (value === undefined || value === null) {
    // Nothing is set.
  } else if (name === "value" || name === "checked" || name === "selected" || name === "indeterminate") {
    node[name] = value;
  } else if (value === true) {
    node.setAttribute(name, "");
  } else if (value !== false) {
    node.setAttribute(name, value);
  }
}

function build(node, props, children) {
  // Children first: a select takes its value from its options.
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
  return node;
}

/** An element of HTML. Properties that begin with `on` are handlers. Children that are false or null are none. */
export const h = (tag, props, ...children) => build(document.createElement(tag), props, children);

/** An element of SVG. */
export const s = (tag, props, ...children) => build(document.createElementNS(SVG, tag), props, children);

/** Marks an element that is kept by its key among its siblings, wherever it moves to. */
export function keyed(key, node) {
  node.dataset.key = key;
  return node;
}

/** Makes `parent` have these children. */
export function fill(parent, ...children) {
  const wanted = children.flat(Infinity).filter((child) => child || child === 0)
    .map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  const byKey = new Map();
  for (const child of parent.childNodes) if (child.dataset?.key) byKey.set(child.dataset.key, child);
  let at = parent.firstChild;
  for (const node of wanted) {
    const old = node.parentNode === parent ? node : counterpart(node, at, byKey);
    if (!old) {
      parent.insertBefore(node, at);
      continue;
    }
    if (old === at) at = at.nextSibling;
    else parent.insertBefore(old, at);
    if (old !== node) become(old, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  return parent;
}

/** The present child that a new one can be made of. */
function counterpart(node, at, byKey) {
  const key = node.dataset?.key;
  if (key) {
    const found = byKey.get(key);
    return found?.nodeName === node.nodeName ? found : null;
  }
  return at && !at.dataset?.key && !at.ownContent && !node.ownContent && at.nodeName === node.nodeName ? at : null;
}

/** Makes an element look and act like another one. */
function become(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // A disclosure that somebody has opened stays open.
    if (!node.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of old.handlers ?? []) if (!node.handlers?.has(name)) old[name] = null;
  for (const name of node.handlers ?? []) old[name] = node[name];
  old.handlers = node.handlers;
  if (old.ownContent) return;
  fill(old, [...node.childNodes]);
  if (old !== document.activeElement && "value" in node && old.value !== node.value) old.value = node.value;
}

/** Marks an element whose content is nobody else's: `fill` leaves it alone. */
export function own(node) {
  node.ownContent = true;
  return node;
}

/** Text for screen readers alone. */
export const hidden = (text) => h("span", { class: "hidden" }, text);
