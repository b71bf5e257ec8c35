//! What the control plane does, over HTTPS and on both databases.
//!
//! One program: each would compile the whole control plane's asynchronous code again.
//!
//! | file | about |
//! |---|---|
//! | `audit` | what is written down of what everybody does |
//! | `az_works` | the real `az` against a real control plane |
//! | `cluster_nodes` | how nodes are shown, and what is done to one |
//! | `clusters` | how clusters are made, shown, changed and deleted, and what is refused |
//! | `clusters_go_with_their_group` | the deletion of a group with clusters, and locks |
//! | `clusters_survive_a_kill` | the same end, wherever a control plane dies |
//! | `conventions` | what holds for every operation |
//! | `deployments` | what templates make, in whose name, how often, and what is told of them |
//! | `deployments_of_clusters` | templates with clusters: resources that take their time |
//! | `existence` | whether something is there: a HEAD says what its GET finds |
//! | `groups_are_deleted_with_all_they_have` | the deletion of a group |
//! | `identity` | who gets a token, and which tokens are taken |
//! | `lint` | Microsoft's rules for ARM, over the Swagger document |
//! | `locks` | what locks forbid, and whom they do not stop |
//! | `logins` | logging in with a certificate, or as somebody of another issuer |
//! | `marketplace` | Microsoft over HTTPS: what is asked, what comes of each answer, who may call |
//! | `metrics` | what Prometheus is told, and what the dashboard asks for |
//! | `purchases` | what Microsoft sells: activating it, and what Microsoft tells of it later |
//! | `reservations` | what is bought, and that clusters work the same whatever becomes of it |
//! | `roles` | who may do what, at each kind of scope |
//! | `sdk_works` | Microsoft's SDK for Python, with its own login |
//! | `secrets_stay_secret` | no secret is in a log, in SQL, in a file, or in a later answer |
//! | `subscriptions` | subscriptions |
//! | `the_document_is_true` | Schemathesis compares answers with the OpenAPI document |
//! | `the_table_is_complete` | what is served, documented, listed and permitted are the same rows |
//! | `too_much_at_once` | what is answered when there is more to do than the server takes |
//! | `usage` | what is used, hour by hour: written down once, told, and added up |
//! | `validations` | how the readiness of a cluster is measured, and what is told of it |

mod audit;
mod az_works;
mod cluster_nodes;
mod clusters;
mod clusters_go_with_their_group;
mod clusters_survive_a_kill;
mod common;
mod conventions;
mod deployments;
mod deployments_of_clusters;
mod existence;
mod groups_are_deleted_with_all_they_have;
mod identity;
mod lint;
mod locks;
mod logins;
mod marketplace;
mod metrics;
mod purchases;
mod python;
mod reservations;
mod roles;
mod sdk_works;
mod secrets_stay_secret;
mod subscriptions;
mod the_document_is_true;
mod the_table_is_complete;
mod too_much_at_once;
mod usage;
mod validations;
