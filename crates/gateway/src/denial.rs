//! Deny policies (WSO2: blocking conditions), compiled for a lookup without a scan where possible.

use ipnet::IpNet;
use model::snapshot::{Denial, DenyCondition};
use model::{TenantDomain, TenantId};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

/// A condition that cannot be compiled; the snapshot names it in a fault.
#[derive(Debug, thiserror::Error)]
#[error("deny policy: \"{0}\" is not an address or network")]
pub(crate) struct BadNetwork(String);

/// Compiled deny policies. A tenant's policies bind calls of its own APIs only.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    contexts: HashSet<(TenantId, String)>,
    applications: HashSet<(TenantId, String)>,
    users: HashMap<TenantId, HashSet<String>>,
    networks: HashMap<TenantId, Vec<Addresses>>,
}

#[derive(Debug)]
struct Addresses {
    range: (IpAddr, IpAddr),
    invert: bool,
}

impl Denials {
    /// Compiles; a condition that is not understood is reported and left out.
    pub(crate) fn compile(denials: &[Denial], domains: &BTreeMap<TenantId, TenantDomain>) -> (Self, Vec<BadNetwork>) {
        let (mut compiled, mut faults) = (Self::default(), Vec::new());
        for denial in denials {
            let tenant = denial.tenant;
            let range = match &denial.condition {
                DenyCondition::ApiContext(context) => {
                    compiled.contexts.insert((tenant, context.clone()));
                    continue;
                }
                DenyCondition::Application(name) => {
                    compiled.applications.insert((tenant, name.clone()));
                    continue;
                }
                DenyCondition::User(name) => {
                    let domain = domains.get(&tenant).map_or("", |domain| domain.as_str());
                    compiled.users.entry(tenant).or_default().insert(qualified(name, domain));
                    continue;
                }
                DenyCondition::Ip { network, invert } => parse_network(network).map(|range| (range, *invert)),
                DenyCondition::IpRange { from, to, invert } => {
                    parse_address(from).and_then(|from| Ok(((from, parse_address(to)?), *invert)))
                }
            };
            match range {
                Ok((range, invert)) => compiled.networks.entry(tenant).or_default().push(Addresses { range, invert }),
                Err(fault) => faults.push(fault),
            }
        }
        (compiled, faults)
    }

    /// Whether all calls of this versioned context are refused.
    pub(crate) fn context(&self, tenant: TenantId, context: &str) -> bool {
        !self.contexts.is_empty() && self.contexts.contains(&(tenant, context.to_owned()))
    }

    /// Whether calls of this application (`owner:name`) are refused.
    pub(crate) fn application(&self, tenant: TenantId, owner: &str, name: &str) -> bool {
        !self.applications.is_empty() && self.applications.contains(&(tenant, format!("{owner}:{name}")))
    }

    /// Whether calls from this address are refused.
    pub(crate) fn address(&self, tenant: TenantId, address: IpAddr) -> bool {
        let Some(networks) = self.networks.get(&tenant) else { return false };
        let address = address.to_canonical();
        networks.iter().any(|n| {
            let same_family = n.range.0.is_ipv4() == address.is_ipv4();
            (same_family && n.range.0 <= address && address <= n.range.1) != n.invert
        })
    }

    /// Whether calls of this user are refused. Names are compared as `name@domain`, with the domain of the user's own
    /// tenant where the name has none.
    pub(crate) fn user(&self, tenant: TenantId, user: &str, domain: &str) -> bool {
        self.users.get(&tenant).is_some_and(|users| users.contains(&qualified(user, domain)))
    }

    /// Whether a tenant refuses users by name at all.
    pub(crate) fn names_users(&self, tenant: TenantId) -> bool {
        self.users.contains_key(&tenant)
    }
}

/// A user's name with its tenant's domain, as deny policies and tokens write it.
pub(crate) fn qualified(name: &str, domain: &str) -> String {
    let whole = domain.is_empty() || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('@'));
    if whole { name.to_owned() } else { format!("{name}@{domain}") }
}

fn parse_address(text: &str) -> Result<IpAddr, BadNetwork> {
    text.trim().parse::<IpAddr>().map(|a| a.to_canonical()).map_err(|_| BadNetwork(text.into()))
}

fn parse_network(text: &str) -> Result<(IpAddr, IpAddr), BadNetwork> {
    if let Ok(address) = parse_address(text) {
        return Ok((address, address));
    }
    let network: IpNet = text.trim().parse().map_err(|_| BadNetwork(text.into()))?;
    Ok((network.network(), network.broadcast()))
}

#[cfg(test)]
mod tests {
    use super::{Denials, qualified};
    use model::TenantId;
    use model::snapshot::{Denial, DenyCondition};
    use std::collections::BTreeMap;

    #[test]
    fn names_get_their_domain_once() {
        for (name, domain, expected) in [
            ("alice", "carbon.super", "alice@carbon.super"),
            ("alice@carbon.super", "carbon.super", "alice@carbon.super"),
            ("alice@mail.com", "carbon.super", "alice@mail.com@carbon.super"),
            ("alice@acarbon.super", "carbon.super", "alice@acarbon.super@carbon.super"),
            ("alice", "", "alice"),
        ] {
            assert_eq!(qualified(name, domain), expected);
        }
    }

    #[test]
    fn addresses_match_exactly_and_inverted() {
        let denial = |tenant, condition| Denial { tenant, condition };
        let other = TenantId::new(7);
        let ip = |network: &str, invert| DenyCondition::Ip { network: network.into(), invert };
        let range = DenyCondition::IpRange { from: "192.0.2.5".into(), to: "192.0.2.9".into(), invert: false };
        let all = [
            denial(TenantId::SUPER, ip("198.51.100.0/24", false)),
            denial(TenantId::SUPER, ip("2001:db8::1", false)),
            denial(TenantId::SUPER, range),
            denial(TenantId::SUPER, ip("not a network", false)),
            denial(other, ip("10.0.0.0/8", true)),
        ];
        let (denials, faults) = Denials::compile(&all, &BTreeMap::new());
        assert_eq!(faults.len(), 1);
        for (tenant, address, denied) in [
            (TenantId::SUPER, "198.51.100.200", true),
            (TenantId::SUPER, "::ffff:198.51.100.200", true),
            (TenantId::SUPER, "198.51.101.0", false),
            (TenantId::SUPER, "2001:db8::1", true),
            (TenantId::SUPER, "192.0.2.5", true),
            (TenantId::SUPER, "192.0.2.9", true),
            (TenantId::SUPER, "192.0.2.10", false),
            (other, "10.1.2.3", false),
            (other, "11.1.2.3", true),
            (other, "::1", true),
        ] {
            assert_eq!(denials.address(tenant, address.parse().unwrap()), denied, "{address}");
        }
    }
}
