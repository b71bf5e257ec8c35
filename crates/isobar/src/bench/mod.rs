//! `isobar bench`: the workloads of `isobar-bench` from the command line.

mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use isobar_bench::ior::IorOptions;
use isobar_bench::mdtest::MdtestOptions;
use isobar_bench::mixed::MixedOptions;
use isobar_bench::smallfile::SmallfileOptions;
use isobar_bench::suite::SuiteOptions;
use isobar_bench::{Cancel, CommonOptions, Launcher, Setup};
use isobar_bench::{ior, mdtest, mixed, report, smallfile, suite};
use serde::Serialize;

use crate::output::{Format, Outcome};
use crate::{output, signals};
use show::Show;

/// Shown at the end of its `--help`.
pub const EXAMPLES: &str = "Example:\n  isobar bench ior -np 2 -F -t 1m -b 256m -e /mnt/isobar";

/// What to measure.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// One shared file or a file per process, written and read in transfers of one size; IOR's options.
    #[command(
        after_help = "Examples:\n  isobar bench ior -np 4 -F -t 1m -b 256m -e /mnt/isobar\n  isobar bench ior -w -r -R -C -t 47008 -b 47008 -s 1000 -e -g -o /mnt/isobar/shared\n  isobar bench ior -z -t 4k -b 16m --api native --cluster cluster/"
    )]
    Ior(IorOptions),
    /// Files and directories are made, looked at, read and removed; mdtest's options.
    #[command(
        after_help = "Examples:\n  isobar bench mdtest -np 4 -n 1000 -u /mnt/isobar\n  isobar bench mdtest -F -n 1000 -w 3901 -e 3901 -N 1 -d /mnt/isobar/hard"
    )]
    Mdtest(MdtestOptions),
    /// Reading and writing at once: both rates over the time they overlap, and their worst seconds.
    #[command(
        after_help = "Example:\n  isobar bench mixed --readers 2 --writers 2 -b 512m -D 30 /mnt/isobar"
    )]
    Mixed(MixedOptions),
    /// Small files of mixed sizes are made and read at once.
    #[command(
        after_help = "Example:\n  isobar bench smallfile -np 4 -n 2000 --mix 4k:50,64k:40,1m:10 /mnt/isobar"
    )]
    Smallfile(SmallfileOptions),
    /// Streams, empty files and small files, one after the other, with what each costs.
    #[command(
        after_help = "Example:\n  isobar bench suite /mnt/isobar --files 2000 --stream-mib 256 --drop-caches --cold \"isobar dev remount\""
    )]
    Suite(SuiteOptions),
    /// One of the processes that make the calls.
    #[command(hide = true)]
    Worker,
}

/// Arguments of `isobar bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// Measures, or is one of the processes that do.
pub fn run(args: BenchArgs, format: Format) -> Outcome {
    match args.command {
        BenchCommand::Ior(options) => measure(&options.common, format, |setup, show| {
            let report = ior::run(&options, setup, show)?;
            let text = report::ior(&report) + "\n" + &report::details(report.phases());
            Ok((text, report.wrong, report))
        }),
        BenchCommand::Mdtest(options) => measure(&options.common, format, |setup, show| {
            let report = mdtest::run(&options, setup, show)?;
            let text = report::mdtest(&report) + "\n" + &report::details(report.phases());
            Ok((text, report.wrong, report))
        }),
        BenchCommand::Mixed(options) => measure(&options.common, format, |setup, show| {
            let report = mixed::run(&options, setup, show)?;
            let text = report::mixed(&report) + "\n" + &report::details(report.phases());
            Ok((text, report.wrong, report))
        }),
        BenchCommand::Smallfile(options) => measure(&options.common, format, |setup, show| {
            let report = smallfile::run(&options, setup, show)?;
            let text = report::smallfile(&report) + "\n" + &report::details(report.phases());
            Ok((text, report.wrong, report))
        }),
        BenchCommand::Suite(options) => measure(&options.common, format, |setup, show| {
            let report = suite::run(&options, setup, show)?;
            Ok((report::suite(&report), report.wrong(), report))
        }),
        BenchCommand::Worker => {
            isobar_bench::serve_worker(std::io::stdin().lock(), std::io::stdout())
                .map_err(|e| format!("a worker lost its coordinator: {e}"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Measures with live rates, prints the report, and fails when bytes were wrong.
fn measure<R: Serialize>(
    common: &CommonOptions,
    format: Format,
    work: impl FnOnce(&Setup, &mut Show) -> isobar_bench::Result<(String, u64, R)>,
) -> Outcome {
    let cancel = Cancel::default();
    let launcher = Launcher::this_binary(["bench", "worker"]).map_err(|e| e.to_string())?;
    let setup = common.setup(launcher, cancel.clone()).map_err(|e| e.to_string())?;
    call_off_on_signal(cancel);
    let mut show = Show::new(output::is_json(format));
    let outcome = work(&setup, &mut show);
    show.finish();
    let (text, wrong, report) = outcome.map_err(|e| e.to_string())?;
    if output::is_json(format) {
        output::json(&report);
    } else {
        print!("{text}");
    }
    match wrong {
        0 => Ok(ExitCode::SUCCESS),
        wrong => Err(format!("{wrong} reads gave wrong bytes")),
    }
}

/// Ctrl-C and SIGTERM end the measurement; what it wrote is removed.
pub fn call_off_on_signal(cancel: Cancel) {
    let (listens, is_listening) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(async {
                let asked = signals::asked_to_stop();
                // Nobody waits for it any more only when the process ends.
                listens.send(()).ok();
                asked.await;
            });
            cancel.call_off();
        }
    });
    // Nothing is written before: also when it fails, there is nothing to wait for.
    is_listening.recv().ok();
}
