//! The secure shell server: `sshd -T` where it may be run, else its files.

use guidelines::{Observed, SecureShell};

use super::{Machine, Missing};

const FILE: &str = "/etc/ssh/sshd_config";

/// How deep files may include each other.
const MAX_DEPTH: u32 = 4;

/// Parts of the names of broken algorithms.
const WEAK: &[&str] = &[
    "3des",
    "arcfour",
    "blowfish",
    "cast128",
    "-cbc",
    "hmac-md5",
    "hmac-sha1",
    "umac-64",
    "diffie-hellman-group1-",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "ssh-dss",
    // Signatures with SHA-1; those with SHA-2 are called rsa-sha2-256 and rsa-sha2-512.
    "ssh-rsa",
    "ripemd",
];

/// Reads what is in effect.
pub fn secure_shell(machine: &Machine) -> Observed<SecureShell> {
    match machine.run("sshd", &["-T"]) {
        Ok(text) => Observed::Known(judge("sshd -T", &lines(&text))),
        Err(Missing::Absent) if !machine.has(FILE) => {
            Observed::Absent("no secure shell server is installed".to_owned())
        }
        // Host keys are readable for root only, and without them it does not answer.
        Err(_) => {
            let mut all = Vec::new();
            match include(machine, FILE, MAX_DEPTH, &mut all) {
                Ok(()) => Observed::Known(judge(FILE, &all)),
                Err(missing) => missing.unknown(FILE),
            }
        }
    }
}

/// Keyword and value of each line, keywords in lower case.
fn lines(text: &str) -> Vec<(String, String)> {
    let plain = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    plain
        .filter_map(|line| {
            let (key, value) = line.split_once(|c: char| c.is_whitespace() || c == '=')?;
            let value = value.trim().trim_start_matches('=').trim().trim_matches('"');
            Some((key.to_ascii_lowercase(), value.to_owned()))
        })
        .collect()
}

fn include(machine: &Machine, path: &str, depth: u32, all: &mut Vec<(String, String)>) -> Result<(), Missing> {
    for (key, value) in lines(&machine.text(path)?) {
        if key != "include" {
            all.push((key, value));
            continue;
        }
        for pattern in value.split_whitespace() {
            let pattern = if pattern.starts_with('/') { pattern.to_owned() } else { format!("/etc/ssh/{pattern}") };
            let (folder, name) = pattern.rsplit_once('/').unwrap_or(("/etc/ssh", pattern.as_str()));
            let (front, back) = name.split_once('*').unwrap_or((name, ""));
            let matching = machine.names(folder).unwrap_or_default();
            for name in matching.iter().filter(|n| n.starts_with(front) && n.ends_with(back)) {
                if depth == 0 {
                    return Err(Missing::Unfit("files include each other too deeply".to_owned()));
                }
                include(machine, &format!("{folder}/{name}"), depth - 1, all)?;
            }
        }
    }
    Ok(())
}

/// The first value of a keyword counts. What stands below a `Match` holds for some only: it counts when it is the worse.
fn judge(place: &str, all: &[(String, String)]) -> SecureShell {
    let general = all.split(|(key, _)| key == "match").next().unwrap_or_default();
    let conditional = all.get(general.len()..).unwrap_or_default();
    let first = |key: &str| general.iter().find(|(k, _)| k == key).map(|(_, v)| v.to_ascii_lowercase());
    let allowed = |key: &str, default: bool| {
        let yes = first(key).map_or(default, |value| value == "yes");
        yes || conditional.iter().any(|(k, v)| k == key && v.eq_ignore_ascii_case("yes"))
    };
    let mut ports: Vec<u16> = general.iter().filter(|(k, _)| k == "port").filter_map(|(_, v)| v.parse().ok()).collect();
    if ports.is_empty() {
        ports.push(22);
    }
    let weak =
        ["ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"].into_iter().filter_map(first).flat_map(|list| {
            // A list that begins with a minus takes algorithms away.
            let taken = list.starts_with('-');
            list.split(',').map(str::to_owned).filter(|_| !taken).collect::<Vec<_>>()
        });
    SecureShell {
        place: place.to_owned(),
        ports,
        root_login: allowed("permitrootlogin", false),
        passwords: allowed("passwordauthentication", true),
        empty_passwords: allowed("permitemptypasswords", false),
        max_attempts: first("maxauthtries").and_then(|v| v.parse().ok()).unwrap_or(6),
        x11: allowed("x11forwarding", false),
        banner: first("banner").is_some_and(|banner| banner != "none"),
        weak_algorithms: weak.filter(|name| WEAK.iter().any(|part| name.contains(part))).collect(),
    }
}
