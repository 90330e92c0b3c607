//! Which addresses the product may call (threat model row 11, guideline A23). One rule for the gateway's upstreams and
//! for the control plane's own calls, asked with the address that a name resolved to, right before connecting to it.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The rules: public addresses may be called, internal ones when listed, some never.
#[derive(Clone, Debug, Default)]
pub struct EgressRules {
    /// Internal networks that may be called.
    pub allowed: Vec<AllowedNetwork>,
}

/// A loopback or private network that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllowedNetwork {
    /// The network.
    pub network: IpNet,
    /// The one port, or `None` for all.
    pub port: Option<u16>,
}

impl From<IpNet> for AllowedNetwork {
    fn from(network: IpNet) -> Self {
        Self { network, port: None }
    }
}

impl EgressRules {
    /// Public addresses, and every port of these networks.
    pub fn with_networks(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { allowed: networks.into_iter().map(AllowedNetwork::from).collect() }
    }

    /// Whether this address and port may be called.
    pub fn allows(&self, address: SocketAddr) -> bool {
        // An IPv4 address mapped into IPv6 is the IPv4 address it stands for.
        let ip = address.ip().to_canonical();
        let listed =
            || self.allowed.iter().any(|a| a.network.contains(&ip) && a.port.is_none_or(|port| port == address.port()));
        !is_forbidden(ip) && (!is_internal(ip) || listed())
    }
}

/// Addresses nobody has a reason to call: link-local (with the metadata services of the clouds), unspecified,
/// multicast, broadcast, and IPv6 forms that hide an IPv4 address.
fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets().first() == Some(&0)
                || v4 == Ipv4Addr::new(100, 100, 100, 200)
                || v4 == Ipv4Addr::new(168, 63, 129, 16)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
                || v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                // NAT64, 6to4, Teredo.
                || first == 0x64 && second == 0xff9b
                || first == 0x2002
                || first == 0x2001 && second == 0
        }
    }
}

/// Addresses that are ours or our neighbours': only on request.
fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || first == 100 && second & 0xc0 == 64
                || first == 198 && second & 0xfe == 18
                || first >= 240
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::{AllowedNetwork, EgressRules};
    use std::net::SocketAddr;

    #[test]
    fn metadata_is_never_reached_and_internal_only_when_listed() {
        let closed = EgressRules::default();
        let all = EgressRules::with_networks(["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        for (address, by_default, when_listed) in [
            ("93.184.216.34", true, true),
            ("2606:4700::1", true, true),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("10.0.0.1", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("100.64.0.1", false, true),
            ("198.18.0.1", false, true),
            ("240.0.0.1", false, true),
            ("fc00::1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("2002:a9fe:a9fe::", false, false),
            ("2001:0:a9fe:a9fe::", false, false),
            ("fd00:ec2::254", false, false),
            ("100.100.100.200", false, false),
            ("168.63.129.16", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("0.1.2.3", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
        ] {
            let target = SocketAddr::new(address.parse().unwrap(), 443);
            assert_eq!(closed.allows(target), by_default, "{address}");
            assert_eq!(all.allows(target), when_listed, "{address}");
        }
    }

    #[test]
    fn a_listed_port_opens_no_other() {
        let rules =
            EgressRules { allowed: vec![AllowedNetwork { network: "127.0.0.0/8".parse().unwrap(), port: Some(8080) }] };
        assert!(rules.allows("127.0.0.1:8080".parse().unwrap()));
        assert!(!rules.allows("127.0.0.1:9443".parse().unwrap()));
        assert!(rules.allows("93.184.216.34:9443".parse().unwrap()));
    }
}
