//! POSIX access control lists on a real mount, with the programs that administrators use.

mod common;

use common::{TestCluster, shell};

const WHO: &str = r#"
    umask 022
    as() { local id=$1; shift; setpriv --reuid=$id --regid=$id --clear-groups "$@"; }
    refused() { if "$@" 2>/dev/null; then echo "allowed: $*" >&2; exit 1; fi; }
    same() { if [ "$1" != "$2" ]; then echo "$1 is not $2" >&2; exit 1; fi; }
    list() { getfacl -cpE "$1" | grep -v '^$' | tr '\n' ' '; }
"#;

/// Runs a script that sees two mounts of a cluster as `$A` and `$B`.
fn on_two_mounts(script: &str) {
    if common::skip(&["setfacl", "setpriv"]) {
        return;
    }
    let cluster = TestCluster::start(5, 128);
    let second = cluster.second_mount();
    shell(&format!("A={}; B={}\n{WHO}{script}", cluster.mount().display(), second.path().display()));
}

#[test]
fn lists_grant_and_mask_and_are_the_same_on_every_mount() {
    on_two_mounts(
        r#"
        cd $A; echo secret > f; chmod 640 f
        refused as 1001 cat f
        setfacl -m u:1001:rw,g:1002:r f
        same "$(as 1001 cat f)" secret
        same "$(as 1002 cat f)" secret
        refused as 1002 bash -c 'echo x >> f'
        refused as 1003 cat f
        same "$(list f)" "user::rw- user:1001:rw- group::r-- group:1002:r-- mask::rw- other::--- "
        same "$(stat -c %a f)" 660
        same "$(cd $B; list f)" "$(list f)"
        same "$(as 1001 cat $B/f)" secret
        # chmod changes the mask, and so what is granted.
        chmod 640 f
        refused as 1001 bash -c 'echo x >> f'
        same "$(list f)" "user::rw- user:1001:rw- group::r-- group:1002:r-- mask::r-- other::--- "
        setfacl -x g:1002 f; refused as 1002 cat f
        # Without named entries there is no list left.
        setfacl -b f; refused as 1001 cat f
        refused grep -q posix_acl <(getfattr -m - f 2>/dev/null || true)
        # What is only another's may not be given.
        refused as 1001 setfacl -m u:1001:rw f
        # Copies keep their lists.
        setfacl -m u:1001:r f; cp -p f copy; same "$(list copy)" "$(list f)"
        refused setfacl -d -m u:1001:r f
        # The set-group-id bit is for members of the group.
        touch g; chown 1001:1005 g; chmod 2750 g
        setpriv --reuid=1001 --regid=1001 --groups=1005 setfacl -m u:1002:r g; same "$(stat -c %a g)" 2750
        as 1001 setfacl -m u:1002:rx g; same "$(stat -c %a g)" 750
    "#,
    );
}

#[test]
fn what_is_made_in_a_directory_gets_its_default_list() {
    on_two_mounts(
        r#"
        cd $A; mkdir d; chmod 755 d; setfacl -d -m u:1001:rwx,o:--- d
        # The list says what is given, not the umask.
        umask 077; touch d/f; mkdir d/sub; umask 022
        same "$(list d/f)" "user::rw- user:1001:rwx group::r-x mask::rw- other::--- "
        same "$(stat -c %a d/f):$(stat -c %a d/sub)" 660:770
        same "$(list d/sub)" "user::rwx user:1001:rwx group::r-x mask::rwx other::--- default:user::rwx default:user:1001:rwx default:group::r-x default:mask::rwx default:other::--- "
        echo x > d/sub/deep; as 1001 bash -c 'echo more >> d/sub/deep'
        same "$(cd $B; list d/sub/deep)" "$(list d/sub/deep)"
        mkfifo -m 600 d/pipe; same "$(stat -c %a d/pipe)" 600; refused as 1001 bash -c ': <> d/pipe'
        ln -s f d/link; same "$(stat -c %a d/link)" 777
        # The other mount makes things by the same rules, and its umask applies elsewhere.
        touch $B/d/g; same "$(list d/g)" "$(list d/f)"
        (umask 027; touch $B/plain); same "$(stat -c %a plain)" 640
        setfacl -k d; touch d/none; same "$(stat -c %a d/none)" 644
    "#,
    );
}
