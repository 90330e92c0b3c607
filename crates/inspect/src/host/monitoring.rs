//! What watches the people on the machine: the audit daemon, the journal, and whether logs leave.

use guidelines::{Monitoring, Observed};

use super::{Machine, Missing};

/// Looks whether changes below `home` are recorded, and where logs go.
pub fn monitoring(machine: &Machine, home: &str) -> Observed<Monitoring> {
    let running = machine.processes();
    if running.is_empty() {
        return Observed::unknown("the processes of the machine cannot be listed", "/proc without hidepid, or root");
    }
    let runs = |name: &str| running.iter().any(|(_, found)| found == name);
    let texts = configuration(machine);
    Observed::Known(Monitoring {
        auditd: runs("auditd"),
        home_watched: home_watched(machine, home),
        persistent_log: machine.has("/var/log/journal") || runs("rsyslogd") || runs("syslog-ng"),
        forwarded: texts.iter().any(|text| forwards(text)) || runs("systemd-journal-upload"),
    })
}

/// Files of the logging daemons.
fn configuration(machine: &Machine) -> Vec<String> {
    let mut paths = vec!["/etc/rsyslog.conf".to_owned(), "/etc/syslog-ng/syslog-ng.conf".to_owned()];
    for folder in ["/etc/rsyslog.d", "/etc/systemd/journald.conf.d"] {
        paths.extend(machine.names(folder).unwrap_or_default().iter().map(|name| format!("{folder}/{name}")));
    }
    paths.iter().filter_map(|path| machine.text(path).ok()).collect()
}

fn forwards(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.into_iter().any(|line| {
        let action = line.split_whitespace().last().unwrap_or_default();
        line.contains("omfwd") || line.contains("omrelp") || (action.starts_with('@') && action.len() > 1)
    })
}

/// Whether a rule of the audit daemon names the home or a directory above it. `None` when no rule may be read.
fn home_watched(machine: &Machine, home: &str) -> Option<bool> {
    let mut texts = Vec::new();
    let mut denied = false;
    let mut read = |path: &str| match machine.text(path) {
        Ok(text) => texts.push(text),
        Err(Missing::Absent) => {}
        Err(_) => denied = true,
    };
    read("/etc/audit/audit.rules");
    match machine.names("/etc/audit/rules.d") {
        Ok(names) => names.iter().for_each(|name| read(&format!("/etc/audit/rules.d/{name}"))),
        Err(Missing::Absent) => {}
        Err(_) => denied = true,
    }
    let names = |line: &str| {
        let mut words = line.split_whitespace();
        let watched = words.find_map(|word| match word {
            "-w" => Some(None),
            _ => word.strip_prefix("dir=").or_else(|| word.strip_prefix("path=")).map(Some),
        })?;
        let path = watched.or_else(|| words.next())?;
        Some(std::path::Path::new(home).starts_with(path))
    };
    let watched = texts.iter().flat_map(|text| text.lines()).any(|line| {
        let line = line.trim();
        !line.starts_with('#') && names(line) == Some(true)
    });
    match (watched, denied) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    }
}
