//! Whole workloads on a directory, with workers in threads: what the coordinator does with what they say.
//! Real processes are tested with the binary.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::ior::IorOptions;
use crate::mdtest::{MdtestOptions, MdtestStep};
use crate::mixed::MixedOptions;
use crate::smallfile::SmallfileOptions;
use crate::suite::SuiteOptions;
use crate::{
    BenchError, Cancel, Cold, CommonOptions, Launcher, Observer, Phase, Quiet, Rates, Setup, Target,
};
use crate::{Watch, ior, mdtest, mixed, report, smallfile, suite};

fn setup() -> Setup {
    Setup {
        target: Target::Posix,
        launcher: Launcher { program: "thread".into(), arguments: Vec::new() },
        watch: Watch::default(),
        cold: Cold::default(),
        cancel: Cancel::default(),
    }
}

fn on(dir: &Path) -> CommonOptions {
    CommonOptions { dir: Some(dir.to_owned()), ..CommonOptions::default() }
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).expect("it is a directory").next().is_none()
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn ior_moves_every_byte_once_and_leaves_nothing() {
    let dir = dir();
    for (file_per_process, transfer, block) in [(true, 65_536, 1 << 20), (false, 47_008, 94_016)] {
        let options = IorOptions {
            file_per_process,
            transfer_bytes: transfer,
            block_bytes: block,
            segments: 2,
            random: true,
            write: true,
            check_write: true,
            check_read: true,
            reorder: true,
            fsync: true,
            iterations: 2,
            common: on(dir.path()),
            ..IorOptions::default()
        };
        let report = ior::run(&options, &setup(), &mut Quiet).expect("it runs");
        assert_eq!(report.iterations.len(), 2);
        for iteration in &report.iterations {
            for phase in [&iteration.write, &iteration.read, &iteration.check_write].into_iter().flatten() {
                assert_eq!(phase.bytes(), block * 2 * 2, "{}", phase.name);
                assert_eq!(phase.operations(), block / transfer * 2 * 2);
                assert_eq!(phase.ranks.len(), 2);
            }
            let read = iteration.read.as_ref().expect("it reads");
            assert_eq!(read.verified.bytes, block * 4);
        }
        assert!(report.is_right() && is_empty(dir.path()));
        assert!(report::ior(&report).contains("Max Read: "));
    }
}

#[test]
fn what_another_program_changed_is_found_when_it_is_read() {
    let dir = dir();
    let file = dir.path().join("data");
    let options = |write: bool| IorOptions {
        test_file: Some(file.clone()),
        write,
        keep: write,
        read: !write,
        check_read: !write,
        ..IorOptions::default()
    };
    ior::run(&options(true), &setup(), &mut Quiet).expect("it is written");
    assert_eq!(fs::metadata(&file).expect("it was kept").len(), 2 << 20);
    assert!(ior::run(&options(false), &setup(), &mut Quiet).expect("it is read").is_right());
    let opened = fs::File::options().read(true).write(true).open(&file).expect("it opens");
    let mut byte = [0];
    opened.read_exact_at(&mut byte, 700_001).expect("it reads");
    opened.write_all_at(&[byte[0] ^ 1], 700_001).expect("it writes");
    let report = ior::run(&options(false), &setup(), &mut Quiet).expect("it is read");
    assert_eq!(report.wrong, 1);
    assert!(report::ior(&report).contains("data at 700001: "), "{}", report::ior(&report));
    opened.set_len(1 << 20).expect("it is cut");
    let error = ior::run(&options(false), &setup(), &mut Quiet).expect_err("it is too short");
    assert!(matches!(error, BenchError::BadInput(_)) && error.to_string().contains("1048576"), "{error}");
}

#[test]
fn nobodys_file_is_overwritten() {
    let dir = dir();
    let file = dir.path().join("thesis");
    fs::write(&file, "years of work").expect("written");
    let options = IorOptions { test_file: Some(file.clone()), ..IorOptions::default() };
    let error = ior::run(&options, &setup(), &mut Quiet).expect_err("refused");
    assert!(matches!(error, BenchError::BadInput(_)), "{error}");
    assert_eq!(fs::read(&file).expect("still there"), b"years of work");
    let options = IorOptions { test_file: Some(dir.path().to_owned()), ..IorOptions::default() };
    assert!(ior::run(&options, &setup(), &mut Quiet).is_err());
}

#[test]
fn more_than_there_is_room_for_is_refused_before_a_byte_is_written() {
    let dir = dir();
    let options = IorOptions { block_bytes: 1 << 60, common: on(dir.path()), ..IorOptions::default() };
    let error = ior::run(&options, &setup(), &mut Quiet).expect_err("refused");
    assert!(matches!(error, BenchError::NoSpace(_)), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
    assert!(is_empty(dir.path()));
}

#[test]
fn a_full_device_ends_in_one_line() {
    let link = dir();
    // Writing to it gives ENOSPC at once.
    std::os::unix::fs::symlink("/dev/full", link.path().join("full")).expect("linked");
    let options = IorOptions {
        test_file: Some(link.path().join("full")),
        write: true,
        existing: true,
        ..IorOptions::default()
    };
    let error = ior::run(&options, &setup(), &mut Quiet).expect_err("no space");
    assert!(matches!(error, BenchError::NoSpace(_)), "{error}");
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn mdtest_makes_looks_at_reads_and_removes_every_item() {
    let dir = dir();
    let options = MdtestOptions {
        items_per_dir: Some(5),
        branch: 2,
        depth: 2,
        iterations: 2,
        unique_dir: true,
        stride: 1,
        write_bytes: 3_901,
        read_bytes: 3_901,
        rename_dirs: true,
        random_stat: true,
        common: on(dir.path()),
        ..MdtestOptions::default()
    };
    let report = mdtest::run(&options, &setup(), &mut Quiet).expect("it runs");
    assert_eq!(report.items, 35);
    for iteration in &report.iterations {
        let steps: Vec<MdtestStep> = iteration.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps.len(), 10);
        for (step, phase) in iteration {
            let wanted =
                if matches!(step, MdtestStep::TreeCreation | MdtestStep::TreeRemoval) { 14 } else { 70 };
            assert_eq!(phase.operations(), wanted, "{}", step.title());
        }
    }
    let read: u64 = report.phases().map(|p| p.verified.bytes).sum();
    assert_eq!(read, 2 * 70 * 3_901);
    assert!(report.is_right() && is_empty(dir.path()));
    assert!(report::mdtest(&report).contains("   File creation          "));
}

#[test]
fn mdtest_phases_of_separate_runs_find_each_others_items() {
    let dir = dir();
    let base = dir.path().join("made");
    let only = |letter: char| MdtestOptions {
        item_count: Some(20),
        iterations: 1,
        branch: 1,
        dir: Some(base.clone()),
        create_only: letter == 'C',
        stat_only: letter == 'T',
        read_only: letter == 'E',
        remove_only: letter == 'r',
        write_bytes: 100,
        read_bytes: 100,
        ..MdtestOptions::default()
    };
    for letter in ['C', 'T', 'E', 'r'] {
        let report = mdtest::run(&only(letter), &setup(), &mut Quiet).expect("it runs");
        assert!(report.is_right());
        assert!(!report.rates.is_empty(), "{letter}");
    }
    assert!(is_empty(&base), "only the directory that was there before the last run is left");
    assert!(mdtest::run(&only('T'), &setup(), &mut Quiet).is_err(), "nothing is there to look at");
}

#[test]
fn mixed_counts_both_sides_over_their_overlap_and_checks_all() {
    struct Heard(Vec<Rates>, Vec<String>);
    impl Observer for Heard {
        fn rates(&mut self, phase: &str, rates: &Rates) {
            if phase == "read and write" {
                self.0.push(*rates);
            }
        }
        fn ended(&mut self, phase: &Phase) {
            self.1.push(phase.name.clone());
        }
    }
    let dir = dir();
    let options = MixedOptions {
        file_bytes: 2 << 20,
        transfer_bytes: 64 << 10,
        seconds: Some(2.4),
        files_kept: 2,
        common: CommonOptions { np: Some(3), ..on(dir.path()) },
        ..MixedOptions::default()
    };
    let mut heard = Heard(Vec::new(), Vec::new());
    let report = mixed::run(&options, &setup(), &mut heard).expect("it runs");
    let overlap = report.overlap.expect("they overlap");
    assert!(overlap.seconds > 0.0 && overlap.seconds <= report.mixed.seconds);
    assert!(
        overlap.read.bytes <= report.mixed.read.bytes && overlap.written.bytes <= report.mixed.written.bytes
    );
    assert!(overlap.read.worst_second_mib.expect("two seconds") <= overlap.read.mib_per_second + 1e-6);
    assert!(!heard.0.is_empty(), "rates are heard while it runs");
    assert_eq!(heard.1, ["prepare", "read and write", "verify"]);
    assert_eq!(report.mixed.verified.bytes, report.mixed.read.bytes);
    assert!(report.verify.verified.bytes > 0);
    assert!(report.is_right() && is_empty(dir.path()));
    let back: mixed::MixedReport =
        serde_json::from_str(&serde_json::to_string(&report).expect("written")).expect("read");
    assert_eq!(back.overlap, report.overlap);
}

#[test]
fn smallfile_makes_and_reads_at_once() {
    let dir = dir();
    let options = SmallfileOptions { files: 60, common: on(dir.path()), ..SmallfileOptions::default() };
    let report = smallfile::run(&options, &setup(), &mut Quiet).expect("it runs");
    assert_eq!((report.mixed.read.operations, report.mixed.written.operations), (60, 60));
    assert_eq!(report.verify.verified.bytes, report.mixed.written.bytes);
    assert_eq!(report.remove.operations(), 120);
    assert!(report.is_right() && is_empty(dir.path()));
}

#[test]
fn the_suite_has_a_row_for_each_workload() {
    let dir = dir();
    let options = SuiteOptions { stream_mib: 2, files: 10, common: on(dir.path()) };
    let report = suite::run(&options, &setup(), &mut Quiet).expect("it runs");
    assert_eq!(report.rows.len(), 9);
    assert!(report.rows.iter().all(|row| row.rate > 0.0));
    assert!(report.wrong() == 0 && is_empty(dir.path()));
}

#[test]
fn a_measurement_that_is_called_off_leaves_nothing() {
    struct Impatient(Cancel);
    impl Observer for Impatient {
        fn begins(&mut self, phase: &str) {
            if phase == "read and write" {
                self.0.call_off();
            }
        }
    }
    let dir = dir();
    let setup = setup();
    let options = MixedOptions {
        file_bytes: 1 << 20,
        seconds: Some(0.3),
        common: on(dir.path()),
        ..MixedOptions::default()
    };
    let error = mixed::run(&options, &setup, &mut Impatient(setup.cancel.clone())).expect_err("called off");
    assert!(matches!(error, BenchError::CalledOff));
}

#[test]
fn a_command_that_makes_caches_cold_must_succeed() {
    let dir = dir();
    let mut setup = setup();
    setup.cold.command = Some("exit 3".to_owned());
    let options = IorOptions { common: on(dir.path()), ..IorOptions::default() };
    let error = ior::run(&options, &setup, &mut Quiet).expect_err("it failed");
    assert!(error.to_string().contains("exit 3"), "{error}");
    assert!(is_empty(dir.path()));
}

#[test]
fn a_worker_that_cannot_be_started_is_an_error() {
    let dir = dir();
    let mut setup = setup();
    setup.launcher.program = PathBuf::from("/nonexistent/program");
    let options = IorOptions { common: on(dir.path()), ..IorOptions::default() };
    assert!(ior::run(&options, &setup, &mut Quiet).is_err());
    setup.launcher.program = PathBuf::from("/bin/true");
    let error = ior::run(&options, &setup, &mut Quiet).expect_err("it ends at once");
    assert!(error.to_string().contains("worker process"), "{error}");
    assert!(is_empty(dir.path()));
}
