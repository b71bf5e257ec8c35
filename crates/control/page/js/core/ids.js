// Resource ids: /subscriptions/S/resourceGroups/G/providers/NAMESPACE/TYPE/NAME.

const part = (id, word) => {
  const segments = (id ?? "").split("/");
  const at = segments.findIndex((segment) => segment.toLowerCase() === word);
  return at < 0 ? "" : segments[at + 1] ?? "";
};

/** The name of the group that an id is in. */
export const groupOf = (id) => part(id, "resourcegroups");

/** The last name in an id. */
export const nameOf = (id) => (id ?? "").split("/").filter(Boolean).at(-1) ?? "";

/** What an extension (a lock, a role assignment) is made for: the id in front of its own. */
export const scopeOf = (id) => (id ?? "").replace(/\/providers\/Microsoft\.Authorization\/[^/]+\/[^/]+$/i, "") || "/";

/** Ids are the same without regard to case. */
export const isSame = (one, other) => (one ?? "").toLowerCase() === (other ?? "").toLowerCase();

/** A scope in a few words. */
export function scopeWords(scope) {
  const group = groupOf(scope);
  if (scope === "/" || !scope) return "Everything";
  if (!group) return "The subscription";
  const name = nameOf(scope);
  return isSame(name, group) ? `Group ${group}` : `${name} in ${group}`;
}

/** Where the page shows what an id names, if it does. */
export function pageOf(id) {
  const group = groupOf(id);
  const cluster = part(id, "clusters");
  if (!group) return "";
  return cluster ? `#/clusters/${encodeURIComponent(group)}/${encodeURIComponent(cluster)}` : `#/groups/${encodeURIComponent(group)}`;
}
