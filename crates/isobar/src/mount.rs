//! `isobar mount`: a client process with a FUSE mount, in the foreground.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use isobar_client::{Client, ClientOptions, ClusterSpec};
use isobar_mount::MountOptions;

use crate::output::{self, Outcome};
use crate::{clock, runtime, signals};

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar mount cluster/ /mnt/isobar";

/// Arguments of `isobar mount`.
#[derive(Args, Debug)]
pub struct MountArgs {
    /// A cluster file, or the directory that holds cluster.toml.
    pub cluster: PathBuf,
    /// An empty directory.
    pub dir: PathBuf,
    /// No change is possible through this mount.
    #[arg(long)]
    pub read_only: bool,
    /// Only the user who mounts may use it.
    #[arg(long)]
    pub private: bool,
    /// Threads that read requests from the kernel. Default: as many as CPUs.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Most memory for written bytes on their way.
    #[arg(long, default_value_t = 128, value_name = "MIB")]
    pub dirty_mib: usize,
    /// Most memory for bytes read.
    #[arg(long, default_value_t = 256, value_name = "MIB")]
    pub cache_mib: usize,
    /// Seconds that calls wait for a metadata quorum before they fail with EIO.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub wait: u64,
    /// Set-user-id programs and device nodes work.
    #[arg(long)]
    pub suid: bool,
    /// Unmount when the process that started this one ends.
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// Mounts and serves until told to stop or unmounted from outside.
pub fn run(args: MountArgs) -> Outcome {
    if args.with_parent {
        signals::end_with_parent();
    }
    isobar_mount::fuse_available()?;
    let spec = ClusterSpec::load(&args.cluster).map_err(|e| match args.cluster.exists() {
        true => e.to_string(),
        false => {
            format!("{e}: name the cluster's directory or its cluster.toml, then the directory to mount on")
        }
    })?;
    let runtime = runtime::threads(args.threads.unwrap_or_else(runtime::threads_for_this_machine).max(1))?;
    let options = ClientOptions {
        name: format!("{}:{}", host_name(), args.dir.display()),
        dirty_bytes_max: args.dirty_mib << 20,
        cache_bytes_max: args.cache_mib << 20,
        metadata_wait: Duration::from_secs(args.wait),
        ..ClientOptions::default()
    };
    let client = runtime.block_on(Client::connect(&spec, options)).map_err(|e| e.to_string())?;
    runtime.spawn({
        let spec = spec.clone();
        async move {
            if let Some(warning) = clock::difference(&spec).await {
                tracing::warn!("{warning}");
            }
        }
    });
    let mut mount_options = MountOptions::new(&args.dir);
    mount_options.allow_other = !args.private;
    mount_options.read_only = args.read_only;
    mount_options.allow_suid_and_devices = args.suid;
    mount_options.fs_name = format!("isobar:{}", spec.name);
    if let Some(threads) = args.threads {
        mount_options.threads = threads.max(1);
    }
    let mounted =
        isobar_mount::mount(client, runtime.handle().clone(), mount_options).map_err(|e| e.to_string())?;
    tracing::info!(cluster = %spec.cluster, dir = %args.dir.display(), "mounted");
    output::remark(&format!("{} mounted on {}; Ctrl-C unmounts", spec.name, args.dir.display()));
    runtime.block_on(async {
        tokio::select! {
            () = signals::asked_to_stop() => {}
            () = mounted.wait() => tracing::info!("unmounted from outside"),
        }
    });
    runtime.block_on(mounted.unmount()).map_err(|e| e.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Name of this machine.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
