//! `isobar init`: what a new cluster needs on real machines, made in one place. What that is, `admin` knows.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use isobar_admin::NewClusterError;
use isobar_config::NodeSpec;

use crate::output::{self, Format, Outcome};
use crate::targets;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Examples:
  isobar init --out cluster/ --target /dev/nvme0n1,/dev/nvme1n1 \\
      --nodes n1=10.0.0.1:7420,n2=10.0.0.2:7420,n3=10.0.0.3:7420,n4=h4:7420,n5=h5:7420
  isobar init --out small/ --parity-rows 1 --nodes a:7420@rack1,b:7420@rack2,c:7420@rack3

Any K nodes may be lost: it takes 2K+1 of them, five unless --parity-rows says otherwise.";

/// Arguments of `isobar init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The nodes: HOST:PORT or NAME=HOST:PORT, separated by commas; append @DOMAIN for the fault domain.
    #[arg(long, required = true, value_delimiter = ',', value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Directory to make, with cluster.toml, the credentials and NAME.toml for each node.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the file system.
    #[arg(long, default_value = "isobar")]
    pub name: String,
    /// Data rows of a segment (N). Default: nodes - K, at most 6.
    #[arg(long)]
    pub data_rows: Option<u8>,
    /// Parity rows (K): so many nodes may be lost. 2K+1 nodes vote on metadata.
    #[arg(long, default_value_t = 2)]
    pub parity_rows: u8,
    /// Whether connections are encrypted. Default: unless all nodes are on this machine. Without, trust every
    /// machine of the network.
    #[arg(long, value_name = "true|false")]
    pub encrypt: Option<bool>,
    /// Storage targets of every node: block devices or files, more than one with commas or blanks, or a
    /// pattern of devices on this machine, such as '/dev/nvme*n1'.
    #[arg(
        long,
        default_value = "/var/lib/isobar/target",
        value_name = "PATH",
        value_delimiter = ',',
        num_args = 1..
    )]
    pub target: Vec<PathBuf>,
    /// Size of targets that are files; block devices are used as they are.
    #[arg(long, default_value_t = 64 << 10, value_name = "MIB")]
    pub target_mib: u64,
    /// Directory of each node's own files.
    #[arg(long, default_value = "/var/lib/isobar", value_name = "DIR")]
    pub data_dir: PathBuf,
}

/// Makes the files.
pub fn run(args: InitArgs, format: Format) -> Outcome {
    let nodes = args.nodes.iter().map(|text| parse_node(text)).collect::<Result<Vec<_>, _>>()?;
    let spec = isobar_admin::new_cluster(&args.name, nodes, args.data_rows, args.parity_rows);
    let mut spec = spec.map_err(words)?;
    spec.encrypt = args.encrypt.unwrap_or(spec.encrypt);
    let targets = targets::configure(&args.target, args.target_mib)?;
    isobar_admin::write_cluster(&args.out, &spec, |node| {
        isobar_admin::node_config(&spec, node, args.data_dir.clone(), targets.clone())
    })
    .map_err(words)?;
    if output::is_json(format) {
        output::json(&spec);
        return Ok(ExitCode::SUCCESS);
    }
    let voters = spec.node.iter().filter(|n| n.voter).count();
    println!(
        "cluster {} in {}: {} nodes, {}+{}, {voters} of them vote on metadata",
        spec.cluster,
        args.out.display(),
        spec.node.len(),
        spec.data_rows,
        spec.parity_rows
    );
    println!("connections are {}", if spec.encrypt { "encrypted" } else { "in clear" });
    println!("Copy cluster.toml, node.pem and NAME.toml to each node and run there:");
    println!("  isobar node --config NAME.toml");
    println!(
        "Then, anywhere cluster.toml and client.pem are: isobar mount {} /mnt/isobar",
        args.out.display()
    );
    println!("admin.pem is for isobar status, fsck, node replace and validate: keep it where operators are.");
    Ok(ExitCode::SUCCESS)
}

/// One line, with what to do in the options of this command.
fn words(error: NewClusterError) -> String {
    use NewClusterError as E;
    match error {
        E::Name { .. } => format!("--{error}"),
        E::NodeName { .. } => format!("{error}; NAME=HOST:PORT names it"),
        E::ParityRows { parity_rows } => format!("--parity-rows {parity_rows} is not between 1 and 4"),
        E::DataRows { data_rows } => format!("--data-rows {data_rows} is not between 1 and 16"),
        E::FewVoters { parity_rows, voters, nodes, fewer: Some(fewer) } => {
            let error = E::FewVoters { parity_rows, voters, nodes, fewer: None };
            format!("{error}, or --parity-rows {fewer}")
        }
        E::Exists { .. } | E::OthersCredential { .. } => format!("{error}; choose another --out"),
        other => other.to_string(),
    }
}

/// `[NAME=]HOST:PORT[@DOMAIN]`.
fn parse_node(text: &str) -> Result<NodeSpec, String> {
    let (rest, domain) = text.split_once('@').unwrap_or((text, ""));
    let (name, addr) = match rest.split_once('=') {
        Some((name, addr)) => (name, addr),
        None => (rest.rsplit_once(':').map_or(rest, |(host, _)| host), rest),
    };
    let addr: isobar_wire::Address = addr
        .parse()
        .map_err(|_| format!("'{text}' is not HOST:PORT or NAME=HOST:PORT, such as n1=10.0.0.1:7420"))?;
    if let Some(why) = addr.unreachable_because() {
        return Err(format!("'{text}': {why}, such as n1=10.0.0.1:7420"));
    }
    isobar_admin::check_node_name(name).map_err(words)?;
    Ok(NodeSpec { name: name.to_owned(), addr, voter: false, domain: domain.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(nodes: usize, data_rows: Option<u8>, parity_rows: u8) -> String {
        let nodes = (0..nodes).map(|i| parse_node(&format!("n{i}=10.0.0.{i}:7420")).unwrap()).collect();
        words(isobar_admin::new_cluster("fs", nodes, data_rows, parity_rows).unwrap_err())
    }

    #[test]
    fn what_cannot_hold_the_promise_is_refused_with_the_option_that_helps() {
        assert!(refused(4, None, 2).ends_with("at least 5 nodes, or --parity-rows 1"));
        assert!(!refused(2, None, 1).contains("--parity-rows"), "two are too few");
        assert!(refused(5, Some(4), 2).contains("at least 6 nodes"));
        assert!(refused(5, None, 9).starts_with("--parity-rows 9"));
        assert!(refused(40, Some(17), 2).starts_with("--data-rows 17"));
    }

    #[test]
    fn a_node_that_nobody_can_reach_is_refused_with_what_to_write() {
        assert!(parse_node("justahost").unwrap_err().contains("HOST:PORT"));
        assert!(parse_node("a/b=h:1").unwrap_err().contains("cannot name"));
        assert!(parse_node(".=h:1").unwrap_err().contains("begin with"));
        assert!(parse_node("cluster=h:1").unwrap_err().contains("named cluster"));
        assert!(parse_node("n1=h:0").unwrap_err().contains("port 0"));
        assert!(parse_node("n1=0.0.0.0:1").unwrap_err().contains("all addresses"));
        assert!(parse_node("n1=[::]:1").unwrap_err().contains("all addresses"));
        assert!(parse_node("[fd00::1]:1").unwrap_err().contains("NAME=HOST:PORT"));
        for blank in [" n1=h:1", "n1= h:1", " h:1", "h:1 "] {
            assert!(parse_node(blank).is_err(), "{blank:?}");
        }
    }
}
