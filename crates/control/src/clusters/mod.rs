//! What a cluster and a node are among the records, apart from the operations on them.

mod kept;
mod widths;

pub(crate) use kept::{
    CLUSTER_KIND, DEPLOYMENT, Made, NODE_KIND, REPORT_KIND, VALIDATION_KIND, deployment_of, is_made,
    is_protected, node_id, number_of, provider_of, report_id,
};
pub(crate) use widths::{NODES_MAX, NODES_MIN, Widths, check_widths, widths_of};
