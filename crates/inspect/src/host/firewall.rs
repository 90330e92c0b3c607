//! The machine's firewall: nftables, iptables, ufw or firewalld, read without changing anything.

mod iptables;
mod nftables;

use std::collections::BTreeSet;

use guidelines::{Firewall, Observed};

use super::{Machine, Missing};

/// What a rule set lets in, whichever program wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Inbound {
    /// What no rule allows is dropped.
    pub(super) default_deny: bool,
    /// Ports that are open to somebody; a range is its ends and everything between.
    pub(super) open: BTreeSet<u16>,
}

/// Reads the rules. `declared` are the ports that may be open.
pub fn firewall(machine: &Machine, declared: &[u16]) -> Observed<Firewall> {
    let found = |kind: &str, inbound: Inbound| {
        let undeclared = inbound.open.into_iter().filter(|port| !declared.contains(port)).take(100).collect();
        Observed::Known(Firewall { kind: kind.to_owned(), default_deny: inbound.default_deny, undeclared })
    };
    let mut denied = None;
    match machine.run("nft", &["-j", "list", "ruleset"]) {
        Ok(text) => match nftables::inbound(&text) {
            Ok(Some(inbound)) => return found("nftables", inbound),
            // No chain for what comes in: older programs may hold the rules.
            Ok(None) => {}
            Err(why) => denied = Some(Missing::Unfit(why)),
        },
        Err(Missing::Absent) => {}
        Err(missing) => denied = Some(missing),
    }
    match machine.run("iptables-save", &["-t", "filter"]) {
        Ok(text) => {
            if let Some(inbound) = iptables::inbound(&text) {
                return found("iptables", inbound);
            }
        }
        Err(Missing::Absent) => {}
        Err(missing) => denied = Some(missing),
    }
    if let Some(inbound) = ufw(machine) {
        return inbound.map_or_else(|missing| missing.unknown("the rules of ufw"), |inbound| found("ufw", inbound));
    }
    if let Some(inbound) = firewalld(machine) {
        return found("firewalld", inbound);
    }
    match denied {
        Some(missing) => missing.unknown("the rules of the firewall"),
        None => Observed::Known(Firewall { kind: "no firewall".to_owned(), ..Firewall::default() }),
    }
}

/// `None` when it is not in use.
fn ufw(machine: &Machine) -> Option<Result<Inbound, Missing>> {
    let switch = machine.text("/etc/ufw/ufw.conf").ok()?;
    switch.lines().find(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"))?;
    let defaults = machine.text("/etc/default/ufw").unwrap_or_default();
    let policy = defaults.lines().find_map(|line| line.trim().strip_prefix("DEFAULT_INPUT_POLICY="));
    let deny = policy.is_none_or(|policy| matches!(policy.trim_matches('"'), "DROP" | "REJECT"));
    let rules = match machine.text("/etc/ufw/user.rules") {
        Ok(rules) => rules,
        Err(missing) => return Some(Err(missing)),
    };
    let mut open = iptables::accepted(&rules, "ufw-user-input");
    if let Ok(rules) = machine.text("/etc/ufw/user6.rules") {
        open.extend(iptables::accepted(&rules, "ufw6-user-input"));
    }
    Some(Ok(Inbound { default_deny: deny, open }))
}

/// The default zone; `None` when it is not in use.
fn firewalld(machine: &Machine) -> Option<Inbound> {
    machine.processes().iter().find(|(_, name)| name == "firewalld")?;
    let settings = machine.text("/etc/firewalld/firewalld.conf").ok()?;
    let zone = settings.lines().find_map(|line| line.trim().strip_prefix("DefaultZone="))?.trim().to_owned();
    let own = format!("/etc/firewalld/zones/{zone}.xml");
    let text = machine.text(&own).or_else(|_| machine.text(&format!("/usr/lib/firewalld/zones/{zone}.xml"))).ok()?;
    let attribute = |element: &str, name: &str| {
        let (_, rest) = element.split_once(&format!("{name}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    let mut inbound = Inbound { default_deny: !text.contains("target=\"ACCEPT\""), open: BTreeSet::new() };
    for element in text.split('<') {
        if element.starts_with("port ") {
            inbound.open.extend(attribute(element, "port").iter().flat_map(|port| ports(port, '-')));
        } else if element.starts_with("service ") {
            let name = attribute(element, "name").unwrap_or_default();
            let file = machine.text(&format!("/usr/lib/firewalld/services/{name}.xml")).unwrap_or_default();
            let named = file.split('<').filter(|e| e.starts_with("port ")).filter_map(|e| attribute(e, "port"));
            inbound.open.extend(named.flat_map(|port| ports(&port, '-')));
        }
    }
    Some(inbound)
}

/// A port, or a range with its separator.
fn ports(text: &str, separator: char) -> BTreeSet<u16> {
    let (first, last) = text.split_once(separator).unwrap_or((text, text));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).collect(),
        _ => BTreeSet::new(),
    }
}
