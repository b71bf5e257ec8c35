// What clusters did in the last minutes, as this tab has seen it.

/** How far back charts look. */
export const WINDOW_MS = 5 * 60 * 1000;
/** Samples of one cluster. */
const SAMPLES_MAX = 400;
/** Clusters that are remembered. */
const CLUSTERS_MAX = 200;

const byCluster = new Map();

/** The samples of a cluster, the oldest first: `{at, read, written, operations}`. */
export const samplesOf = (id) => byCluster.get(id.toLowerCase()) ?? [];

/** Remembers what a cluster's document says now, unless it says nothing new. */
export function sample(cluster) {
  const { throughput, health } = cluster.properties ?? {};
  if (!throughput) return;
  const key = cluster.id.toLowerCase();
  const samples = byCluster.get(key) ?? [];
  const at = Date.now();
  const seen = health?.observedAt;
  const last = samples.at(-1);
  if (last && seen && last.seen === seen) return;
  samples.push({
    at, seen, read: throughput.readBytesPerSecond, written: throughput.writtenBytesPerSecond,
    operations: throughput.operationsPerSecond,
  });
  while (samples.length > SAMPLES_MAX || samples[0].at < at - 2 * WINDOW_MS) samples.shift();
  byCluster.delete(key);
  byCluster.set(key, samples);
  if (byCluster.size > CLUSTERS_MAX) byCluster.delete(byCluster.keys().next().value);
}
