//! A serving process that is locked in, looked at from outside.

use crate::installation::{Installation, pause};

fn status(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap()
}

fn pid(there: &Installation) -> u32 {
    std::fs::read_to_string(there.home.join("run/portcullis.pid")).unwrap().trim().parse().unwrap()
}

#[test]
fn the_process_has_no_privileges_left_and_still_does_its_work() {
    let there = Installation::new("[logging]\nfile = \"logs/server.log\"\nrotate_size = \"64KB\"\n");
    let server = there.serve();
    let status = status(pid(&there));
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap_or_default().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!((field("NoNewPrivs").as_str(), field("Seccomp").as_str()), ("1", "2"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", pid(&there))).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // Every thread, not only the first.
    for thread in std::fs::read_dir(format!("/proc/{}/task", pid(&there))).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2") && status.contains("CapEff:\t0000000000000000"), "{status}");
    }
    // What needs files and names later: a new certificate, a rotation of the log, an upstream by name.
    let before = there.connect(9443).certificate();
    there.run(&["keystore", "generate"]).succeeded();
    server.signal("HUP");
    let mut rounds = 0;
    while there.connect(9443).certificate() == before {
        rounds += 1;
        assert!(rounds < 1000, "{}", there.said());
        pause();
    }
    assert!(there.get(9443, "/setup").starts_with("HTTP/1.1 200"));
    assert!(there.get(9201, "/metrics").contains("process_open_fds"), "its own /proc can be read");
    assert_eq!(server.stop(), Some(0));
}

/// Secrets that were used are not lying about in memory: the master key and what it unlocks are wiped after use.
#[test]
fn the_memory_of_a_running_server_does_not_hold_the_text_of_its_master_key() {
    let there = Installation::new("");
    let server = there.serve();
    assert!(there.get(9443, "/setup").starts_with("HTTP/1.1 200"));
    let master = std::fs::read_to_string(there.home.join("security/master.key")).unwrap();
    let master = master.lines().last().unwrap().trim().to_owned();
    let Some(found) = occurrences(pid(&there), master.as_bytes()) else {
        println!("skipped: the memory of another process may not be read by this user");
        return;
    };
    assert_eq!(found, 0);
    // The search itself works: what is certainly there is found.
    assert!(occurrences(pid(&there), b"the server is ready").unwrap() > 0);
    assert_eq!(server.stop(), Some(0));
}

/// How often bytes occur in the memory of a process; `None` when it may not be read.
fn occurrences(pid: u32, needle: &[u8]) -> Option<usize> {
    use std::os::unix::fs::FileExt as _;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut found = 0;
    let empty = vec![0; 1 << 20];
    for line in maps.lines().filter(|line| !line.contains("[v")) {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        if !rest.starts_with('r') {
            continue;
        }
        let mut chunk = vec![0; 1 << 20];
        let mut at = start;
        while at < end {
            let want = usize::try_from((end - at).min(chunk.len() as u64)).unwrap();
            let Ok(count) = memory.read_at(&mut chunk[..want], at) else { break };
            if count == 0 {
                break;
            }
            // Most of it is empty, and comparing that is quick.
            if chunk[..count] != empty[..count] {
                found += memchr::memmem::find_iter(&chunk[..count], needle).count();
            }
            at += count as u64;
        }
    }
    Some(found)
}

#[test]
fn a_user_that_does_not_exist_or_does_not_own_the_home_is_named() {
    let there = Installation::new("[process]\nuser = \"nobody-of-this-name\"\n");
    let refused = there.run(&["serve"]);
    assert!(refused.err.contains("PRC001") && refused.err.contains("useradd"), "{}", refused.err);
}
