//! Clusters: making, reading, changing and deleting them. What takes long is a workflow (`crate::workflows`).

mod delete;
mod read;
mod show;
mod wanted;
mod write;

pub(crate) use delete::{check_group, clusters_of_group, work_of};
pub(crate) use read::{check_made, look_at, nothing_fetched};
pub(crate) use show::reply;
pub(crate) use wanted::Wanted;
pub(crate) use write::{started, write_of};

use crate::handler::{Row, fetch, read, write};
use crate::table::{Answer, Command, Display, Gate, Operation, Versions};

const ALL: &str = "/subscriptions/{subscriptionId}/providers/Isobar.Storage/clusters";
const OF_GROUP: &str =
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters";
const ONE: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}";
const HEALTH: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/checkHealth";
const SECRETS: &str = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Isobar.Storage/clusters/{clusterName}/listSecrets";
const READ: &str = "Isobar.Storage/clusters/read";
const WRITE: &str = "Isobar.Storage/clusters/write";
const SHOW: Display = Display::of("Clusters", "Get clusters", "Reads clusters and how they are.");
const CHANGE: Display = Display::of("Clusters", "Create or update cluster", "Makes or changes a cluster.");

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        Operation::get("Clusters_ListBySubscription", ALL)
            .command("cluster list")
            .action(READ, SHOW)
            .gate(Gate::InSubscription)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "ClusterList", "Those that the caller may read.")]),
        read!(read::list),
    ),
    Row::new(
        Operation::get("Clusters_ListByResourceGroup", OF_GROUP)
            .command("cluster list")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .paged()
            .answers(&[Answer::of(200, "ClusterList", "The clusters of the group.")]),
        read!(read::list),
    ),
    Row::new(
        Operation::get("Clusters_Get", ONE)
            .command("cluster show")
            .action(READ, SHOW)
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "Cluster", "The cluster, with what was seen of it last.")]),
        read!(read::get),
    )
    .exists("Clusters_CheckExistence", Command::Words("cluster exists")),
    Row::new(
        Operation::put("Clusters_CreateOrUpdate", ONE)
            .command("cluster create")
            .action(WRITE, CHANGE)
            .versions(Versions::Ours)
            .tracked()
            .takes("Cluster")
            .long_running()
            .answers(&[
                Answer::of(200, "Cluster", "It was changed, or is being made again."),
                Answer::of(201, "Cluster", "It is being made."),
            ]),
        write!(write::put),
    ),
    Row::new(
        Operation::patch("Clusters_Update", ONE)
            .command("cluster update")
            .action(WRITE, CHANGE)
            .versions(Versions::Ours)
            .takes("ClusterPatch")
            .answers(&[Answer::of(200, "Cluster", "It was changed.")]),
        write!(write::patch),
    ),
    Row::new(
        Operation::delete("Clusters_Delete", ONE)
            .command("cluster delete")
            .action(
                "Isobar.Storage/clusters/delete",
                Display::of("Clusters", "Delete cluster", "Deletes a cluster with all its files."),
            )
            .versions(Versions::Ours)
            .long_running()
            .answers(&[Answer::empty(202, "It is being deleted."), Answer::empty(204, "It was not there.")]),
        write!(delete::delete),
    ),
    Row::new(
        Operation::post("Clusters_CheckHealth", HEALTH)
            .command("cluster check-health")
            .action(
                "Isobar.Storage/clusters/checkHealth/action",
                Display::of("Clusters", "Check health of cluster", "Looks at a cluster now."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "ClusterHealth", "How it is now.")]),
        read!(read::check_health),
    )
    .after(fetch!(read::send_to_look)),
    Row::new(
        Operation::post("Clusters_ListSecrets", SECRETS)
            .command("cluster list-secrets")
            .action(
                "Isobar.Storage/clusters/listSecrets/action",
                Display::of("Clusters", "List secrets of cluster", "Reads what mounts need: a secret."),
            )
            .versions(Versions::Ours)
            .answers(&[Answer::of(200, "ClusterSecrets", "What a client needs to mount it.")]),
        write!(read::list_secrets),
    )
    .after(fetch!(read::send_for_secrets)),
];
