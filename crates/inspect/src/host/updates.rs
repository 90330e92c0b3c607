//! Packages with pending security updates: apt, or dnf.

use guidelines::{Observed, Updates};

use super::{Machine, Missing};

const LISTS: &str = "/var/lib/apt/lists";
const DAY: i64 = 86_400;

/// Looks at the packages. `now` is in seconds since 1970. Nothing is downloaded and nothing is locked.
pub fn updates(machine: &Machine, now: i64) -> Observed<Updates> {
    let apt = machine.run("apt-get", &["-s", "-o", "Debug::NoLocking=true", "upgrade"]);
    match apt {
        Ok(text) => Observed::Known(Updates {
            security: text.lines().filter_map(pending).collect(),
            lists_age: lists_age(machine, now),
            unattended: unattended(machine),
            reboot: ["/run/reboot-required", "/var/run/reboot-required"].iter().any(|path| machine.has(path)),
        }),
        Err(Missing::Absent) => dnf(machine, now),
        Err(missing) => missing.unknown("apt-get -s upgrade"),
    }
}

/// `Inst libssl3 [3.0.11-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])`
fn pending(line: &str) -> Option<String> {
    let rest = line.strip_prefix("Inst ")?;
    let (name, origin) = rest.split_once(' ')?;
    origin.to_ascii_lowercase().contains("-security").then(|| name.to_owned())
}

fn lists_age(machine: &Machine, now: i64) -> Option<u32> {
    let names = machine.names(LISTS).unwrap_or_default();
    let lists = names.iter().filter(|name| name.ends_with("InRelease") || name.ends_with("_Packages"));
    let times = lists.filter_map(|name| machine.changed(&format!("{LISTS}/{name}")));
    // A list keeps the time of the server it is from; the stamp says when somebody last asked.
    let stamp = machine.changed("/var/lib/apt/periodic/update-success-stamp");
    let asked = machine.changed(LISTS).filter(|_| !names.is_empty());
    let newest = times.chain(stamp).chain(asked).max()?;
    u32::try_from((now - newest).max(0) / DAY).ok()
}

fn unattended(machine: &Machine) -> bool {
    const FOLDER: &str = "/etc/apt/apt.conf.d";
    let names = machine.names(FOLDER).unwrap_or_default();
    // The last file that says something counts.
    let settings = names.iter().filter_map(|name| machine.text(&format!("{FOLDER}/{name}")).ok()).flat_map(|text| {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with('#'));
        let said = lines.filter_map(|line| line.strip_prefix("APT::Periodic::Unattended-Upgrade"));
        said.map(|value| !value.contains("\"0\"")).collect::<Vec<_>>()
    });
    settings.last().unwrap_or(false)
}

fn dnf(machine: &Machine, now: i64) -> Observed<Updates> {
    match machine.run("dnf", &["-q", "-C", "updateinfo", "list", "--security"]) {
        Ok(text) => {
            let names = text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned);
            let age = machine.changed("/var/cache/dnf").and_then(|at| u32::try_from((now - at).max(0) / DAY).ok());
            let timer = "/etc/systemd/system/timers.target.wants/dnf-automatic.timer";
            Observed::Known(Updates {
                security: names.collect(),
                lists_age: age,
                unattended: machine.has(timer),
                reboot: false,
            })
        }
        Err(Missing::Absent) => {
            Observed::unknown("neither apt nor dnf is on this machine", "an audit of the image it was made from")
        }
        Err(missing) => missing.unknown("dnf updateinfo"),
    }
}
