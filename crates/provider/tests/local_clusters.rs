//! Clusters of this machine: whatever is done twice is done once, and what is taken away is gone.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{is_running, plan, provider};
use isobar_provider::{Plan, Provider, ProviderError};
use tempfile::TempDir;

fn left(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join("clusters")).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn a_cluster_is_made_once_and_removed_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = provider(&folder);
    assert_eq!(provider.check(&plan("c-1")).await.expect("an answer"), []);
    let made = provider.make(&plan("c-1")).await.expect("it is made");
    // Another process of the same program sees the same.
    let other = common::provider(&folder);
    assert_eq!(other.make(&plan("c-1")).await.expect("it is there"), made);
    assert_eq!(other.access("c-1").await.expect("it is there"), made);
    let secrets = other.secrets("c-1").await.expect("it is there");
    assert!(
        secrets.cluster_file.contains(&made.cluster) && secrets.client_credential.contains("PRIVATE KEY")
    );
    assert!(!format!("{secrets:?}").contains("PRIVATE"), "a secret is not in a log");
    for _ in 0..2 {
        provider.start("c-1", "n1").await.expect("it starts");
        other.start("c-1", "n2").await.expect("it starts");
        is_running(&other, "c-1", &["n1", "n2"]).await;
    }
    for _ in 0..2 {
        provider.stop("c-1", "n2").await.expect("it stops");
        is_running(&provider, "c-1", &["n1"]).await;
    }
    for _ in 0..2 {
        provider.cut_power("c-1", "n1").await.expect("it ends");
        is_running(&provider, "c-1", &[]).await;
    }
    for _ in 0..2 {
        other.remove("c-1").await.expect("it goes");
        assert_eq!(left(&folder), [""; 0]);
    }
    assert!(provider.running("c-1").await.expect("an answer").is_empty());
    provider.stop("c-1", "n1").await.expect("nothing runs");
    provider.cut_power("c-1", "n1").await.expect("nothing runs");
    for gone in [provider.start("c-1", "n1").await, provider.access("c-1").await.map(drop)] {
        assert!(matches!(gone, Err(ProviderError::Cannot(_))), "{gone:?}");
    }
    assert_eq!(left(&folder), [""; 0], "asking for what is gone leaves nothing behind");
}

#[tokio::test]
async fn disks_are_blanked_once_for_a_mark_and_never_under_a_node_that_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = provider(&folder);
    let spec = provider.make(&plan("c-1")).await.expect("it is made");
    let disk = spec.base.join("n1");
    let write = |disk: &Path| {
        std::fs::create_dir_all(disk).expect("a directory");
        std::fs::write(disk.join("target"), "rows").expect("a file");
    };
    write(&disk);
    provider.start("c-1", "n1").await.expect("it starts");
    is_running(&provider, "c-1", &["n1"]).await;
    let refused = provider.blank("c-1", "n1", "first").await;
    assert!(matches!(refused, Err(ProviderError::Retry(_))), "{refused:?}");
    assert!(disk.join("target").exists());
    provider.stop("c-1", "n1").await.expect("it stops");
    provider.blank("c-1", "n1", "first").await.expect("it is blanked");
    assert!(!disk.exists());
    // What was written since belongs to whoever came after.
    write(&disk);
    provider.blank("c-1", "n1", "first").await.expect("it was blanked");
    assert!(disk.join("target").exists());
    provider.blank("c-1", "n1", "second").await.expect("it is blanked");
    assert!(!disk.exists());
    provider.remove("c-1").await.expect("it goes");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_comes_to_nothing_behind_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = provider(&folder);
    for number in 0..20 {
        let plan = plan(&format!("c-{number}"));
        {
            let mut making = provider.make(&plan);
            // It has begun, on a thread of its own, and its caller is gone.
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(making.as_mut().poll(context)));
            assert!(polled.await.is_pending());
        }
        provider.remove(&plan.cluster).await.expect("it goes");
    }
    // Whatever came first, in the end nothing is there. What still waits for its turn finds that it is late.
    let begun = Instant::now();
    while !left(&folder).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", left(&folder));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_a_killed_call_has_hardly_begun_or_nearly_ended_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = provider(&folder);
    let clusters = folder.path().join("clusters");
    std::fs::create_dir(clusters.join("c-1")).expect("a directory");
    std::fs::write(clusters.join("c-1.lock"), "").expect("a file");
    provider.remove("c-1").await.expect("it goes");
    assert_eq!(left(&folder), [""; 0]);
}

#[tokio::test]
async fn what_does_not_fit_or_is_no_id_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = provider(&folder);
    let huge = Plan { size: "Local_256GiB".to_owned(), nodes: 64, ..plan("c-1") };
    let misfits = provider.check(&huge).await.expect("an answer");
    assert!(misfits.len() == 1 && misfits[0].why.contains("are free on this machine"), "{misfits:?}");
    for wrong in ["", "../c", "a/b", "a b"] {
        let made = provider.make(&plan(wrong)).await;
        assert!(matches!(made, Err(ProviderError::Cannot(_))), "{wrong}: {made:?}");
    }
    std::fs::remove_file(folder.path().join("isobar")).expect("the program");
    let misfits = provider.check(&plan("c-1")).await.expect("an answer");
    assert!(misfits.len() == 1 && misfits[0].why.contains("program"), "{misfits:?}");
    assert_eq!(left(&folder), [""; 0]);
}
