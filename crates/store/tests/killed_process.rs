//! A child process that writes to a real file is killed, again and again; whatever it acknowledged is
//! there afterwards.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Random, fragment, get, key, label, payload};
use isobar_disk::FileDisk;
use isobar_store::{Options, Store};

const CHILD: &str = "ISOBAR_STORE_TEST_CHILD";

fn units(counter: u64) -> u32 {
    if counter.is_multiple_of(5) { 20 + (counter % 30) as u32 } else { 1 + (counter % 15) as u32 }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("target");
    Store::format(&FileDisk::create(&path, 256 << 20).unwrap(), &label()).unwrap();
    let mut stored: BTreeSet<u64> = BTreeSet::new();
    let mut first = 1;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_until_it_is_killed", "--nocapture", "--ignored"])
            .env(CHILD, format!("{first}:{}", path.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let until = Instant::now() + Duration::from_millis(300 + round * 130);
        let mut maybe = BTreeMap::new();
        let mut killed = false;
        // After the kill, what the child had printed is still in the pipe.
        while let Some(Ok(line)) = lines.next() {
            if let Some((what, counter)) = line.split_once(' ')
                && let Ok(counter) = counter.parse::<u64>()
            {
                match what {
                    "putting" => drop(maybe.insert(counter, ())),
                    "put" => drop((maybe.remove(&counter), stored.insert(counter))),
                    "deleting" => drop((maybe.insert(counter, ()), stored.remove(&counter))),
                    "deleted" => drop(maybe.remove(&counter)),
                    _ => {}
                }
                first = first.max(counter + 1);
            }
            if !killed && Instant::now() > until {
                child.kill().unwrap();
                killed = true;
            }
        }
        assert!(killed, "the child ended by itself");
        child.wait().unwrap();
        let store = Store::open(Arc::new(FileDisk::open(&path).unwrap()), Options::default()).unwrap();
        for &counter in &stored {
            let found =
                get(&store, key(counter), Store::WHOLE).unwrap_or_else(|e| panic!("round {round}: {e}"));
            assert_eq!(found.data[..], payload(key(counter), units(counter), 0)[..]);
        }
        for info in store.list(None, usize::MAX) {
            let counter = info.key.segment.counter;
            assert!(stored.contains(&counter) || maybe.contains_key(&counter), "{counter} was deleted");
            if maybe.contains_key(&counter) {
                let found = get(&store, key(counter), Store::WHOLE).unwrap();
                assert_eq!(found.data[..], payload(key(counter), units(counter), 0)[..]);
                stored.insert(counter);
            }
        }
        assert!(stored.len() > 10, "the child was killed too early to mean anything");
    }
}

#[test]
#[ignore = "the child of the test above"]
fn child_writes_until_it_is_killed() {
    let Ok(argument) = std::env::var(CHILD) else { return };
    let (first, path) = argument.split_once(':').unwrap();
    let disk = FileDisk::open(path.as_ref()).unwrap();
    let store = Store::open(Arc::new(disk), Options::default()).unwrap();
    let mut random = Random(first.parse::<u64>().unwrap() * 77 + 1);
    let say = |what: &str, counter: u64| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("{what} {counter}\n").as_bytes()).unwrap();
        out.flush().unwrap();
    };
    let (free, slots) = std::sync::mpsc::channel();
    (0..8).for_each(|_| free.send(None).unwrap());
    let mut held: Vec<u64> = Vec::new();
    for counter in first.parse::<u64>().unwrap().. {
        held.extend(slots.recv().unwrap());
        say("putting", counter);
        let (header, payload) = fragment(key(counter), units(counter), 0);
        let free = free.clone();
        store.put(header, payload, move |result| {
            result.unwrap();
            say("put", counter);
            free.send(Some(counter)).unwrap();
        });
        if held.len() > 150 || random.below(4) == 0 && !held.is_empty() {
            let victim = held.swap_remove(random.below(held.len() as u64) as usize);
            say("deleting", victim);
            store.delete(vec![key(victim)], move |result| {
                result.unwrap();
                say("deleted", victim);
            });
        }
    }
}
