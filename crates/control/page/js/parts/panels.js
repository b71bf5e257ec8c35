// Panels that a subscription, a group and a cluster have alike: tags, locks, activity.

import { h, own } from "../core/dom.js";
import { isSame, scopeOf, scopeWords } from "../core/ids.js";
import { call, list } from "../core/operations.js";
import { announce, note } from "./announce.js";
import { confirmDialog, formDialog } from "./dialog.js";
import { choice, tags as tagsField, text } from "./field.js";
import { CALM_MS, live } from "./live.js";
import { icon } from "./icon.js";
import { tagList } from "./view.js";

const LEVELS = { CanNotDelete: "Cannot be deleted", ReadOnly: "Read only: nothing can be changed" };

/** The tags of a scope, and a way to change them. */
export function tagsPanel(signal, scope) {
  const edit = async (present) => {
    const field = tagsField(present, { name: "properties.tags" });
    const request = () => ["Tags_CreateOrUpdateAtScope", { scope }, { body: { properties: { tags: field.value() } } }];
    const done = await formDialog("Change tags", { fields: [field], action: "Keep these tags", request });
    if (done) {
      announce("The tags were changed.");
      again();
    }
  };
  const { place, again } = live(signal, CALM_MS, async () => (await call("Tags_GetAtScope", { scope }, { signal })).body.properties.tags, (tags) => [
    h("div", { class: "line" }, h("div", { class: "grow" }, tagList(tags) || h("span", { class: "quiet" }, "None")),
      h("button", { class: "plain small", onclick: () => edit(tags) }, "Change", h("span", { class: "hidden" }, " tags")))]);
  return h("section", { class: "panel" }, h("h2", null, "Tags"), place);
}

/** Asks for a lock and makes it. `scopes` are `[id, words]`, one or several. */
export async function newLock(scopes) {
  const where = choice("For", scopes, { name: "scope" });
  const name = text("Name", { value: "keep", name: "lockName" });
  const level = choice("Forbids", Object.entries(LEVELS), { name: "properties.level" });
  const notes = text("Why", { optional: true, name: "properties.notes", hint: "Whoever is stopped by it reads this." });
  const request = () => ["Locks_CreateOrUpdate", { scope: where.value(), lockName: name.value() },
    { body: { properties: { level: level.value(), ...(notes.value() && { notes: notes.value() }) } } }];
  const made = await formDialog("Add a lock", { fields: [where, name, level, notes], action: "Add the lock", request });
  if (made) note("The lock is there.");
  return made;
}

/** Asks whether a lock is to go, and takes it away. */
export async function removeLock(lock) {
  const params = { scope: scopeOf(lock.id), lockName: lock.name };
  const gone = await confirmDialog(`Take the lock ${lock.name} away?`, {
    lines: [`${scopeWords(params.scope)} can then be deleted or changed by whoever has the right.`],
    action: "Take it away", request: () => ["Locks_Delete", params],
  });
  if (gone) note("The lock is gone.");
  return gone;
}

/** The locks that hold for a scope: its own, and those of what it is in. */
export function locksPanel(signal, scope) {
  const { place, again } = live(signal, CALM_MS, () => list("Locks_List", { scope }, { query: { $filter: "atScope()" }, signal }), (locks) => [
    locks.length === 0 && h("p", { class: "quiet" }, "None"),
    locks.map((lock) => {
      const from = scopeOf(lock.id);
      const isOwn = isSame(from, scope);
      return h("div", { class: "line" }, icon("lock"), h("div", { class: "grow" }, h("div", null, h("strong", null, lock.name), ` ${LEVELS[lock.properties.level].split(":")[0].toLowerCase()}`),
        h("div", { class: "fine" }, [!isOwn && `from ${scopeWords(from).toLowerCase()}`, lock.properties.notes].filter(Boolean).join(" · "))),
      isOwn && h("button", { class: "plain small", onclick: async () => (await removeLock(lock)) && again() }, "Remove", h("span", { class: "hidden" }, ` lock ${lock.name}`)));
    })]);
  const add = own(h("button", { class: "plain small", onclick: async () => (await newLock([[scope, scopeWords(scope)]])) && again() }, "Add a lock"));
  return h("section", { class: "panel stack tight" }, h("div", { class: "panel-head" }, h("h2", null, "Locks"), add), place);
}

/** The words for what a lock forbids. */
export const levelWords = (level) => LEVELS[level] ?? level;
