//! Who makes a request: the thread that the kernel names with it, as `/proc` shows it.
//!
//! **Groups.** The kernel judges permissions and names one group only. Where the others matter, which is
//! seldom, they are looked up.
//!
//! **Being killed.** fuser answers the kernel's interrupts with ENOSYS, and a thread whose request has been
//! read stays until it is answered, even when killed. So the caller of a request that takes long is looked at
//! now and then. Other signals do not end a request: what it does cannot be undone, and only a lock that is
//! waited for is worth interrupting ([`crate::locks`]).
//!
//! **What it wants.** Some of what a request is for is not said with it, and can be seen in the system call.
//!
//! **Looking may wait.** What the kernel says of a process that is in the middle of execve waits until that
//! is done, and it may be closing files of this mount just then. So nobody looks who has to answer: a
//! thread of its own does, and whoever needs what it sees goes on without after a while.
//!
//! A thread of another PID namespace has number 0 and cannot be looked at.

use std::time::Duration;

use fuser::Request;
use isobar_vfs::Credentials;

/// After this long a request's caller is looked at, ...
const LONG: Duration = Duration::from_millis(500);
/// ... and this often from then on.
const LOOK_PAUSE: Duration = Duration::from_millis(250);
/// Looking takes no longer than this.
const LOOK_MAX: Duration = Duration::from_millis(100);
/// How often the caller's system call is looked for while the caller is still on its way to sleep.
const SYSCALL_ATTEMPTS: u32 = 50;
const SYSCALL_PAUSE: Duration = Duration::from_millis(1);

/// Who makes a request, by user and first group.
pub fn who(req: &Request) -> Credentials {
    Credentials::new(req.uid(), req.gid())
}

/// Who makes a request, with all groups that can be seen.
pub fn who_with_groups(req: &Request) -> Credentials {
    let status = std::fs::read_to_string(format!("/proc/{}/status", req.pid())).unwrap_or_default();
    Credentials { groups: groups(&status).into(), ..who(req) }
}

fn groups(status: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
    line.split_whitespace().filter_map(|gid| gid.parse().ok()).collect()
}

/// Waits until a thread is being killed; for ever if it is not.
pub async fn killed(thread: u32) {
    if thread == 0 {
        return std::future::pending().await;
    }
    tokio::time::sleep(LONG).await;
    while !look(move || is_killed(thread)).await.unwrap_or(false) {
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// The number of the system call a thread is in, as soon as it waits for the answer to its request.
pub async fn system_call(thread: u32) -> Option<i64> {
    for _ in 0..SYSCALL_ATTEMPTS {
        let said = look(move || std::fs::read_to_string(format!("/proc/{thread}/syscall"))).await?;
        match said.ok()?.split(' ').next()?.trim() {
            // It has posted its request and not gone to sleep yet.
            "running" => tokio::time::sleep(SYSCALL_PAUSE).await,
            number => return number.parse().ok(),
        }
    }
    None
}

/// What is seen, unless looking has to wait.
async fn look<T: Send + 'static>(seen: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::time::timeout(LOOK_MAX, tokio::task::spawn_blocking(seen)).await.ok()?.ok()
}

/// Whether a thread is about to die, or dying, by a signal.
fn is_killed(thread: u32) -> bool {
    let read = |file| std::fs::read_to_string(format!("/proc/{thread}/{file}")).unwrap_or_default();
    // Whatever signal kills a process, SIGKILL is what its threads get.
    signals(&read("status"), "SigPnd:") & SIGKILL != 0
        || signals(&read("status"), "ShdPnd:") & SIGKILL != 0
        || dies_by_signal(&read("stat"))
}

const SIGKILL: u64 = 1 << (libc::SIGKILL - 1);

/// A set of signals in the text of `/proc/THREAD/status`.
pub fn signals(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    u64::from_str_radix(line.trim(), 16).unwrap_or(0)
}

/// Whether `/proc/THREAD/stat` shows a thread on its way out because of a signal.
fn dies_by_signal(stat: &str) -> bool {
    /// Fields after the name, which may hold anything and ends with the last parenthesis.
    const FLAGS: usize = 6;
    const EXIT_CODE: usize = 49;
    const PF_EXITING: u64 = 0x4;
    const SIGNAL: u64 = 0x7f;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(FLAGS) & PF_EXITING != 0 && field(EXIT_CODE) & SIGNAL != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read() {
        assert_eq!(groups("Name:\tx\nGroups:\t4 24 1000 \nNStgid:\t1\n"), [4, 24, 1000]);
        assert!(groups("Name:\tx\nGroups:\t \n").is_empty() && groups("").is_empty());
    }

    #[test]
    fn a_thread_that_dies_by_a_signal_is_told_from_one_that_ends() {
        let stat = |flags: u64, code: u64| {
            let between = "0 ".repeat(42);
            format!("7 (a ) name) D 1 1 1 0 -1 {flags} {between}{code}\n")
        };
        assert!(dies_by_signal(&stat(0x404004, 9)));
        assert!(!dies_by_signal(&stat(0x404004, 0)), "it exits");
        assert!(!dies_by_signal(&stat(0x404004, 256)), "it exits with a code");
        assert!(!dies_by_signal(&stat(0x404000, 9)), "it lives");
        assert!(!dies_by_signal(""));
    }

    #[test]
    fn whoever_lives_is_not_killed() {
        assert!(!is_killed(std::process::id()));
        assert!(!is_killed(u32::MAX));
    }
}
