//! Programs that people run every day do on a mount what they do elsewhere.

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use common::{TestCluster, shell};

#[test]
fn git_clones_checks_and_commits() {
    if common::skip(&["git"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let begun = Instant::now();
    shell(&format!(
        r#"cd '{0}'; export HOME='{0}' GIT_CONFIG_NOSYSTEM=1
        git init -q -b main origin; cd origin
        git config user.email test@example.com; git config user.name test
        for n in $(seq 40); do
            mkdir -p dir$((n % 5)); seq $((n * 50)) > dir$((n % 5))/file$n; seq $n > changes
            git add -A; git commit -q -m "change $n"
        done
        head -c 3000000 /dev/urandom > big; git add big; git commit -q -m big
        cd '{1}'; git clone -q --no-local '{0}/origin' clone; cd clone
        git fsck --full --strict
        test "$(git log --oneline | wc -l)" = 41
        test -z "$(git status --porcelain)"
        cmp big '{0}/origin/big'
        git config user.email test@example.com; git config user.name test
        git checkout -q -b work; rm -r dir1; echo new > new; git add -A; git commit -q -m work
        git checkout -q main; git merge -q --no-edit work; git gc -q; git fsck --full
        git stash list; echo x >> new; git stash -q; git stash pop -q; git checkout -q new
        test -z "$(git status --porcelain)"
        git clone -q . '{1}/local'; git -C '{1}/local' fsck --full
        "#,
        cluster.dir().display(),
        cluster.mount().display()
    ));
    println!("git: {:?}", begun.elapsed());
    let second = cluster.second_mount();
    shell(&format!(
        "cd '{}/clone'; export GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent; git -c safe.directory='*' fsck --full; \
         test -z \"$(git -c safe.directory='*' status --porcelain)\"",
        second.path().display()
    ));
}

#[test]
fn cargo_builds_and_runs_a_crate() {
    if common::skip(&["cargo", "cc"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let begun = Instant::now();
    shell(&format!(
        r#"cd '{}'; mkdir -p crate/src; cd crate
        printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n' > Cargo.toml
        cat > src/main.rs <<'END'
mod part;
fn main() {{ println!("the sum is {{}}", part::sum(&[1, 2, 3])); }}
#[test] fn sums() {{ assert_eq!(part::sum(&[4]), 4); }}
END
        echo 'pub fn sum(all: &[u32]) -> u32 {{ all.iter().sum() }}' > src/part.rs
        unset CARGO_TARGET_DIR RUSTC_WRAPPER RUSTFLAGS
        cargo build --offline -q
        test "$(target/debug/small)" = "the sum is 6"
        # Nothing has changed, so nothing is built.
        cargo build --offline 2>&1 | grep -q Finished
        cargo build --offline -v 2>&1 | grep -q Fresh
        sleep 1; sed -i s/u32/u64/g src/part.rs; sed -i 's/1, 2, 3/1, 2, 4/' src/main.rs
        cargo run --offline -q | grep -qx 'the sum is 7'
        cargo test --offline -q > /dev/null
        "#,
        cluster.mount().display()
    ));
    println!("cargo: {:?}", begun.elapsed());
}

#[test]
fn sqlite_keeps_its_transactions() {
    if common::skip(&["sqlite3"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    let second = cluster.second_mount();
    const TRANSACTIONS: usize = 50;
    let begun = Instant::now();
    // One process, many transactions, in the modes a network file system has to carry.
    for mode in ["delete", "truncate", "persist"] {
        let inserts: String = (0..TRANSACTIONS)
            .map(|n| format!("BEGIN; INSERT INTO t VALUES({n}, hex(randomblob(200))); UPDATE t SET v = 'x' WHERE id = {}; COMMIT;\n", n / 2))
            .collect();
        let script = cluster.dir().join("script.sql");
        fs::write(
            &script,
            format!("PRAGMA journal_mode={mode};\nCREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);\n{inserts}PRAGMA integrity_check;\nSELECT count(*) FROM t;"),
        )
        .expect("written");
        let said =
            shell(&format!("sqlite3 '{}/{mode}.db' < '{}'", cluster.mount().display(), script.display()));
        assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), ["ok", &TRANSACTIONS.to_string()], "{mode}");
    }
    println!("sqlite alone: {:?}", begun.elapsed());

    // Four processes on two mounts count in one database.
    let begun = Instant::now();
    let db = |mount: &std::path::Path| mount.join("shared.db");
    shell(&format!(
        "sqlite3 '{}' 'CREATE TABLE c(n INTEGER); INSERT INTO c VALUES(0); CREATE TABLE log(who TEXT, n INTEGER, pad TEXT);'",
        db(cluster.mount()).display()
    ));
    const ROUNDS: usize = 25;
    let workers: Vec<_> = [cluster.mount(), second.path(), cluster.mount(), second.path()]
        .iter()
        .enumerate()
        .map(|(who, mount)| {
            let step = format!(
                "BEGIN IMMEDIATE; UPDATE c SET n = n + 1; INSERT INTO log SELECT 'w{who}', n, hex(randomblob(400)) FROM c; COMMIT;\n"
            );
            let script = cluster.dir().join(format!("worker{who}.sql"));
            fs::write(&script, format!(".bail on\n.timeout 60000\n{}", step.repeat(ROUNDS))).expect("written");
            Command::new("sqlite3")
                .arg(db(mount))
                .stdin(fs::File::open(&script).expect("open"))
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("sqlite3 runs")
        })
        .collect();
    for worker in workers {
        let output = worker.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for mount in [cluster.mount(), second.path()] {
        let said = shell(&format!(
            "sqlite3 '{}' 'PRAGMA integrity_check; SELECT n FROM c; SELECT count(*), count(DISTINCT n), max(n) FROM log;'",
            db(mount).display()
        ));
        let count = 4 * ROUNDS;
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            ["ok", &count.to_string(), &format!("{count}|{count}|{count}")]
        );
    }
    println!("sqlite from two mounts: {:?}", begun.elapsed());
}

/// A small tree with what copying programs stumble over.
const TREE: &str = r#"
    mkdir -p tree/a/b/c tree/empty; cd tree
    seq 1000 > a/text; head -c 5000000 /dev/urandom > a/b/random; : > a/nothing
    ln -s ../text a/b/link; ln a/text a/hard; printf x > "a/b/c/odd name
with newline"
    truncate -s 10M a/sparse; printf end >> a/sparse
    chmod 4711 a/text; chmod 1777 empty; touch -d '2001-02-03 04:05:06.789012345' a/nothing; mkfifo a/pipe
    for n in $(seq 300); do echo $n > a/b/c/$n; done
    touch -d '1999-12-31 23:59:59.5' a/b/c a/b; cd ..
"#;

#[test]
fn rsync_copies_once_and_then_finds_nothing_to_do() {
    if common::skip(&["rsync"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    shell(&format!(
        r#"cd '{0}'; {TREE}
        rsync -aHX tree/ '{1}/copy/'
        test -z "$(rsync -aHX --itemize-changes tree/ '{1}/copy/')"
        test -z "$(rsync -aHXc --itemize-changes tree/ '{1}/copy/')"
        # And back, and in place.
        rsync -aHX '{1}/copy/' back/
        test -z "$(rsync -aHXc --itemize-changes tree/ back/)"
        echo more >> tree/a/text; printf y | dd of=tree/a/b/random bs=1 seek=3000000 conv=notrunc status=none
        rsync -aH --inplace --no-whole-file tree/ '{1}/copy/'
        test -z "$(rsync -aHc --itemize-changes tree/ '{1}/copy/')"
        "#,
        cluster.dir().display(),
        cluster.mount().display()
    ));
}

#[test]
fn tar_packs_and_unpacks() {
    if common::skip(&["tar", "diff"]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    shell(&format!(
        r#"cd '{1}'; {TREE}
        tar --format=posix -cf packed.tar tree
        tar --compare -f packed.tar
        mkdir there; tar -C there -xpf packed.tar
        rm tree/a/pipe there/tree/a/pipe; diff -r tree there/tree
        cd '{0}'; mkdir here; tar -C here -xpf '{1}/packed.tar'; rm here/tree/a/pipe; diff -r here/tree '{1}/tree'
        test "$(cd here/tree; find . -printf '%p %m %s %T@ %l\n' | grep -v -e ' 1777 ' -e '^. ' -e '^./a ' | grep -v ' 755 ' | sort)" = \
             "$(cd '{1}/tree'; find . -printf '%p %m %s %T@ %l\n' | grep -v -e ' 1777 ' -e '^. ' -e '^./a ' | grep -v ' 755 ' | sort)"
        "#,
        cluster.dir().display(),
        cluster.mount().display()
    ));
}

#[test]
fn df_du_stat_and_ls_say_sensible_things() {
    if common::skip(&[]) {
        return;
    }
    let cluster = TestCluster::start(8, 256);
    shell(&format!(
        r#"cd '{}'
        mkdir d; head -c 3000000 /dev/urandom > d/f; printf abc > d/small; truncate -s 1G d/sparse; ln -s f d/link
        sync; sync -f d/f
        test "$(stat -c '%s %F %h %a' d/f)" = "3000000 regular file 1 644"
        test "$(stat -c '%s %F' d/link)" = "1 symbolic link"
        test "$(stat -f -c %T .)" = fuseblk -o "$(stat -f -c %T .)" = fuse
        size=$(df --output=size -k . | tail -1); used=$(df --output=used -k . | tail -1)
        test $size -gt 500000 -a $size -lt 2097152; test $used -ge 0
        df -i . > /dev/null; df -h . | grep -q isobar
        du=$(du -sk d | cut -f1); test $du -ge 2900 -a $du -lt 5000
        test "$(du -sk --apparent-size d/sparse | cut -f1)" = 1048576
        test "$(ls -l d | wc -l)" = 5; ls -l d | grep -q -- '-rw-r--r-- 1 root root *3000000 .* f$'
        ls -l d | grep -q 'link -> f'
        test "$(find . -type f | wc -l)" = 3
        mount | grep -q 'on {} type fuse.isobar'
        "#,
        cluster.mount().display(),
        cluster.mount().display()
    ));
}
