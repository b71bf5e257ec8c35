//! `isobar init`: what a new cluster needs on real machines, made in one place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use isobar_base::{ClusterId, random_u64};
use isobar_client::{ClusterSpec, NodeSpec};
use isobar_config::{NodeConfig, TargetConfig};
use isobar_wire::{CredentialSet, Role};

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
    if !is_plain(&args.name) {
        return Err(format!("--name '{}': {PLAIN}", args.name));
    }
    let mut spec = cluster(&args.name, nodes, args.data_rows, args.parity_rows)?;
    spec.encrypt = args.encrypt.unwrap_or(spec.encrypt);
    let targets = targets::configure(&args.target, args.target_mib)?;
    write(&args.out, &spec, |node| node_config(&spec, node, args.data_dir.clone(), targets.clone()))?;
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

/// What names are made of.
const PLAIN: &str = "use letters, digits, '-', '_' and '.', and begin with a letter or digit";

/// Whether this can be the name of a node and of its file.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
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
    if !is_plain(name) {
        return Err(format!("'{name}' cannot name a node: {PLAIN}; NAME=HOST:PORT names it"));
    }
    if name == "cluster" {
        return Err("a node cannot be named cluster: cluster.toml is the file of all of them".to_owned());
    }
    Ok(NodeSpec { name: name.to_owned(), addr, voter: false, domain: domain.to_owned() })
}

/// A new cluster of these nodes: identity, width, voters.
pub fn cluster(name: &str, mut nodes: Vec<NodeSpec>, n: Option<u8>, k: u8) -> Result<ClusterSpec, String> {
    let count = nodes.len();
    if !(1..=4).contains(&k) {
        return Err(format!("--parity-rows {k} is not between 1 and 4"));
    }
    let voters = 2 * usize::from(k) + 1;
    if voters > count {
        let otherwise = match (count.max(1) - 1) / 2 {
            0 => String::new(),
            fewer => format!(", or --parity-rows {fewer}"),
        };
        return Err(format!(
            "losing any {k} of the nodes needs {voters} metadata voters, there are {count} nodes: use at least \
             {voters} nodes{otherwise}"
        ));
    }
    let room = count.saturating_sub(usize::from(k));
    let n = n.unwrap_or(room.min(6) as u8);
    if n == 0 || usize::from(n) > room || n > 16 {
        return Err(format!(
            "{count} nodes cannot hold {n}+{k} rows on distinct nodes: use at least {} nodes, or fewer rows",
            usize::from(n.max(1)) + usize::from(k)
        ));
    }
    // Spread voters over fault domains: in turn the domain that has fewest.
    for _ in 0..voters {
        let load =
            |nodes: &[NodeSpec], domain: &str| nodes.iter().filter(|n| n.voter && n.domain == domain).count();
        let next =
            (0..count).filter(|&at| !nodes[at].voter).min_by_key(|&at| (load(&nodes, &nodes[at].domain), at));
        if let Some(at) = next {
            nodes[at].voter = true;
        }
    }
    let spec = ClusterSpec {
        version: 1,
        cluster: ClusterId(random_u64()).to_string(),
        name: name.to_owned(),
        data_rows: n,
        parity_rows: k,
        credentials: PathBuf::from("."),
        encrypt: !nodes.iter().all(|n| n.addr.is_loopback()),
        node: nodes,
        base: PathBuf::new(),
    };
    spec.check_nodes()?;
    Ok(spec)
}

/// The configuration of one node, at its defaults.
pub fn node_config(
    spec: &ClusterSpec,
    node: &NodeSpec,
    data_dir: PathBuf,
    targets: Vec<TargetConfig>,
) -> Result<NodeConfig, String> {
    let mut config = NodeConfig::parse(isobar_config::SAMPLE).map_err(|e| e.to_string())?;
    config.cluster = spec.cluster.clone();
    config.node = node.name.clone();
    config.listen = node.addr.clone();
    config.data_dir = data_dir;
    config.domain = node.domain.clone();
    config.cluster_file = PathBuf::from("cluster.toml");
    config.voter = node.voter;
    config.target = targets;
    Ok(config)
}

/// Writes cluster.toml, the credentials and a file for each node into a directory that has none of them.
pub fn write(
    out: &Path,
    spec: &ClusterSpec,
    config: impl Fn(&NodeSpec) -> Result<NodeConfig, String>,
) -> Result<(), String> {
    let failed = |path: &Path, e: std::io::Error| format!("cannot write {}: {e}", path.display());
    std::fs::create_dir_all(out).map_err(|e| failed(out, e))?;
    let cluster_file = out.join("cluster.toml");
    if cluster_file.exists() {
        return Err(format!(
            "{} exists: a cluster keeps its identity; choose another --out",
            cluster_file.display()
        ));
    }
    if let Some(there) = Role::ALL.map(|role| out.join(role.file_name())).iter().find(|path| path.exists()) {
        return Err(format!("{} exists: it is another cluster's; choose another --out", there.display()));
    }
    let id = spec.id().map_err(|e| e.to_string())?;
    CredentialSet::generate(id).and_then(|set| set.store(out)).map_err(|e| failed(out, e))?;
    for node in &spec.node {
        let path = out.join(format!("{}.toml", node.name));
        let text = config(node)?.to_toml().map_err(|e| e.to_string())?;
        std::fs::write(
            &path,
            format!(
                "# A node of cluster {}; every setting is explained in the manual.\n{text}",
                spec.cluster
            ),
        )
        .map_err(|e| failed(&path, e))?;
    }
    let text = spec.to_toml().map_err(|e| e.to_string())?;
    std::fs::write(&cluster_file, text).map_err(|e| failed(&cluster_file, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<NodeSpec> {
        (0..count).map(|i| parse_node(&format!("n{i}=10.0.0.{i}:7420")).unwrap()).collect()
    }

    #[test]
    fn eight_nodes_give_six_plus_two_and_five_voters() {
        let spec = cluster("fs", nodes(8), None, 2).unwrap();
        assert_eq!((spec.data_rows, spec.parity_rows), (6, 2));
        assert_eq!(spec.node.iter().filter(|n| n.voter).count(), 5);
    }

    #[test]
    fn what_cannot_hold_the_promise_is_refused_with_what_to_do() {
        assert!(cluster("fs", nodes(4), None, 2).unwrap_err().contains("or --parity-rows 1"));
        assert!(!cluster("fs", nodes(2), None, 1).unwrap_err().contains("--parity-rows"), "two are too few");
        assert!(cluster("fs", nodes(5), Some(4), 2).unwrap_err().contains("at least 6 nodes"));
        assert!(cluster("fs", [nodes(5), nodes(1)].concat(), None, 2).unwrap_err().contains("two nodes"));
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

    #[test]
    fn voters_are_spread_over_fault_domains() {
        let mut all = nodes(9);
        for (at, node) in all.iter_mut().enumerate() {
            node.domain = format!("rack{}", at / 3);
        }
        let spec = cluster("fs", all, None, 2).unwrap();
        for rack in ["rack0", "rack1", "rack2"] {
            assert!(spec.node.iter().filter(|n| n.voter && n.domain == rack).count() <= 2);
        }
    }
}
