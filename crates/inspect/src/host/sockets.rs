//! Sockets that listen, from `/proc/net`, and whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use guidelines::{Listening, Observed};

use super::Machine;

/// What the installation declares.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// The serving process.
    pub pid: Option<u32>,
    /// Its user.
    pub uid: Option<u32>,
    /// Listeners of the configuration.
    pub listeners: Vec<SocketAddr>,
    /// Ports of the secure shell server, which every machine has.
    pub shell: Vec<u16>,
}

/// State `LISTEN` in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// Lists them.
pub fn listening(machine: &Machine, own: &Own) -> Observed<Vec<Listening>> {
    let mut rows = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        match machine.text(table) {
            Ok(text) => rows.extend(text.lines().skip(1).filter_map(row)),
            // A machine without IPv6 has no second table.
            Err(super::Missing::Absent) if table.ends_with('6') => {}
            Err(missing) => return missing.unknown(table),
        }
    }
    let ours = own.pid.and_then(|pid| sockets_of(machine, pid));
    let owners = owners(machine);
    let mut found: Vec<Listening> = rows
        .into_iter()
        .map(|row| {
            let declared = own.listeners.iter().any(|listener| covers(*listener, row.address));
            // Without the list of our descriptors the user tells: a socket of another user is none of ours.
            let by_user = match own.uid {
                Some(uid) if uid != row.uid => Some(false),
                _ => None,
            };
            let ours = ours.as_ref().map(|ours| ours.contains(&row.inode)).or(by_user);
            let owner = owners.get(&row.inode).cloned().unwrap_or_default();
            let shell = owner.starts_with("sshd") && own.shell.contains(&row.address.port());
            Listening { address: row.address, owner, ours, declared: declared || shell }
        })
        .collect();
    found.sort_by_key(|socket| socket.address);
    // A listener with several workers has a socket for each.
    found.dedup_by(|a, b| a.address == b.address && a.ours == b.ours);
    Observed::Known(found)
}

/// Whether a declared address and one in the table are the same listener.
fn covers(declared: SocketAddr, found: SocketAddr) -> bool {
    declared.port() == found.port() && declared.ip().to_canonical() == found.ip().to_canonical()
}

struct Row {
    address: SocketAddr,
    uid: u32,
    inode: u64,
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode`
fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if *fields.get(3)? != LISTEN {
        return None;
    }
    Some(Row {
        address: address(fields.get(1)?)?,
        uid: fields.get(7)?.parse().ok()?,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// The kernel writes words in the order of the machine, ports in that of the network.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Vec<u32> =
        (0..ip.len() / 8).map(|i| u32::from_str_radix(ip.get(i * 8..i * 8 + 8)?, 16).ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let ip: IpAddr = match ip.len() {
        8 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes.as_slice()).ok()?).into(),
        32 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Sockets of a process; `None` when its descriptors may not be listed.
fn sockets_of(machine: &Machine, pid: u32) -> Option<BTreeSet<u64>> {
    let folder = format!("/proc/{pid}/fd");
    let names = machine.names(&folder).ok()?;
    let inode = |name: &String| {
        let link = machine.link(&format!("{folder}/{name}")).ok()?;
        link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Some(names.iter().filter_map(inode).collect())
}

fn owners(machine: &Machine) -> BTreeMap<u64, String> {
    let mut owners = BTreeMap::new();
    for (pid, name) in machine.processes() {
        for inode in sockets_of(machine, pid).unwrap_or_default() {
            owners.entry(inode).or_insert_with(|| format!("{name} ({pid})"));
        }
    }
    owners
}
