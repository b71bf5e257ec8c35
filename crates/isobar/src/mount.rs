//! `isobar mount`: a client process with a FUSE mount, in the foreground.

use std::process::ExitCode;
use std::time::Duration;

use isobar_client::{Client, ClientOptions, ClusterSpec};
use isobar_mount::MountOptions;

use crate::args::{MountArgs, Outcome};
use crate::{local, node};

/// Mounts and serves until told to stop or unmounted from outside.
pub fn run(args: MountArgs) -> Outcome {
    if args.with_parent {
        local::end_with_parent();
    }
    isobar_mount::fuse_available()?;
    let spec = ClusterSpec::load(&args.cluster).map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads.unwrap_or(2).max(1))
        .enable_all()
        .build()
        .map_err(|e| format!("cannot start threads: {e}"))?;
    let options = ClientOptions {
        name: format!("{}:{}", local::host_name(), args.dir.display()),
        dirty_bytes_max: args.dirty_mib << 20,
        cache_bytes_max: args.cache_mib << 20,
        metadata_wait: Duration::from_secs(args.wait),
        ..ClientOptions::default()
    };
    let client = runtime.block_on(Client::connect(&spec, options)).map_err(|e| e.to_string())?;
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
    println!("{} mounted on {}; Ctrl-C unmounts", spec.name, args.dir.display());
    runtime.block_on(async {
        tokio::select! {
            () = node::asked_to_stop() => {}
            () = mounted.wait() => tracing::info!("unmounted from outside"),
        }
    });
    runtime.block_on(mounted.unmount()).map_err(|e| e.to_string())?;
    Ok(ExitCode::SUCCESS)
}
