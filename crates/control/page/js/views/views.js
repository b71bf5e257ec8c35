// All views, by the address that shows them.

import { accessView } from "./access.js";
import { activityView } from "./activity.js";
import { clusterView } from "./cluster.js";
import { clustersView } from "./clusters.js";
import { createView } from "./create.js";
import { groupView } from "./group.js";
import { groupsView } from "./groups.js";
import { locksView } from "./locks.js";
import { operationView } from "./operation.js";
import { operationsView } from "./operations.js";
import { runningView } from "./running.js";
import { subscriptionsView } from "./subscriptions.js";

export const views = [
  ["clusters", clustersView],
  ["create", createView],
  ["clusters/:group/:cluster", clusterView],
  ["groups", groupsView],
  ["groups/:group", groupView],
  ["running", runningView],
  ["activity", activityView],
  ["access", accessView],
  ["access/:part", accessView],
  ["locks", locksView],
  ["subscriptions", subscriptionsView],
  ["api", operationsView],
  ["api/:operation", operationView],
];
