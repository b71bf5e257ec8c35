// Roles: who has which, and where.

import { h } from "../core/dom.js";
import { isSame, nameOf, pageOf, scopeOf, scopeWords } from "../core/ids.js";
import { find, list } from "../core/operations.js";
import * as session from "../core/session.js";
import { note } from "../parts/announce.js";
import { datatable } from "../parts/datatable.js";
import { confirmDialog, formDialog } from "../parts/dialog.js";
import { equivalent } from "../parts/equivalent.js";
import { choice, text } from "../parts/field.js";
import { CALM_MS, live } from "../parts/live.js";
import { empty } from "../parts/notice.js";
import { principals } from "./principals.js";

const scopeHere = () => `/subscriptions/${session.subscription()}`;

/** Scopes that something can be given at: the subscription, its groups, their clusters. */
export async function scopes({ tenant = false } = {}) {
  const groups = await list("ResourceGroups_List");
  const clusters = find("Clusters_ListBySubscription") ? await list("Clusters_ListBySubscription") : [];
  return [...(tenant ? [["/", "Everything, in all subscriptions"]] : []), [scopeHere(), "This subscription"],
    ...[...groups, ...clusters].map(({ id }) => [id, scopeWords(id)])];
}

async function give() {
  const [people, roles, places] = await Promise.all([principals(), list("RoleDefinitions_List", { scope: scopeHere() }), scopes({ tenant: true })]);
  const who = choice("Who", people.map(({ id, displayName, appId }) => [id, `${displayName} (${appId.slice(0, 8)}…)`]), { name: "properties.principalId" });
  const role = choice("Role", roles.map(({ name, properties }) => [name, `${properties.roleName}: ${properties.description}`]), { value: roles.at(-1)?.name, name: "properties.roleDefinitionId" });
  const where = choice("Where", places, { value: scopeHere() });
  const why = text("Why", { optional: true, name: "properties.description" });
  const name = crypto.randomUUID();
  const request = () => ["RoleAssignments_Create", { scope: where.value(), roleAssignmentName: name }, {
    body: {
      properties: {
        roleDefinitionId: `${where.value() === "/" ? "" : scopeHere()}/providers/Microsoft.Authorization/roleDefinitions/${role.value()}`,
        principalId: who.value(), principalType: "ServicePrincipal", ...(why.value() && { description: why.value() }),
      },
    },
  }];
  const done = await formDialog("Give a role", { fields: [who, role, where, why], action: "Give the role", request });
  if (done) note("The role was given.");
  return done;
}

async function take(assignment, role, person) {
  const params = { scope: scopeOf(assignment.id), roleAssignmentName: assignment.name };
  const gone = await confirmDialog(`Take ${role} from ${person}?`, {
    lines: [`It held for: ${scopeWords(params.scope)}. From the next request on it does not.`], action: "Take the role",
    request: () => ["RoleAssignments_Delete", params],
  });
  if (gone) note("The role was taken.");
  return gone;
}

export function assignmentsPart(signal) {
  let people = [];
  const load = async () => {
    const scope = scopeHere();
    const [assignments, roles, all] = await Promise.all([
      list("RoleAssignments_List", { scope }, { signal }), list("RoleDefinitions_List", { scope }, { signal }), principals(signal)]);
    people = all;
    return { assignments, roles };
  };
  const shown = live(signal, CALM_MS, load, ({ assignments, roles }) => {
    const roleOf = ({ properties }) => roles.find(({ name }) => isSame(name, nameOf(properties.roleDefinitionId)))?.properties.roleName ?? "an unknown role";
    const personOf = ({ properties }) => people.find(({ id }) => isSame(id, properties.principalId))?.displayName ?? properties.principalId;
    const columns = [
      { label: "Who", cell: (one) => [h("span", { class: "name" }, personOf(one)), h("div", { class: "fine" }, one.properties.description ?? "")] },
      { label: "Role", cell: roleOf },
      { label: "Where", cell: ({ id }) => (pageOf(scopeOf(id)) ? h("a", { href: pageOf(scopeOf(id)) }, scopeWords(scopeOf(id))) : scopeWords(scopeOf(id))) },
      { label: "", end: true, cell: (one) => h("button", { class: "plain small", onclick: async () => (await take(one, roleOf(one), personOf(one))) && shown.again() }, "Take", h("span", { class: "hidden" }, ` ${roleOf(one)} from ${personOf(one)}`)) },
    ];
    return [assignments.length > 0 ? datatable("Role assignments", columns, assignments, ({ id }) => id)
      : empty("Nobody has a role here", "Give one to whoever has to work in this subscription."), equivalent(["RoleAssignments_List", { scope: scopeHere() }])];
  });
  return { node: shown.place, actions: [h("button", { class: "primary", onclick: async () => (await give()) && shown.again() }, "Give a role")] };
}
