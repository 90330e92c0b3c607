//! Which addresses upstreams may have (threat model row 11), checked on every connection after name resolution.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Decides about one resolved address. The connection goes to exactly the address that was checked.
#[derive(Clone, Debug)]
pub(crate) struct EgressGuard {
    allowed: Vec<IpNet>,
}

impl EgressGuard {
    /// With the loopback and private networks that may be called.
    pub(crate) const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether an upstream may have this address.
    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if never(address) {
            return false;
        }
        !internal(address) || self.allowed.iter().any(|network| network.contains(&address))
    }
}

/// Addresses no API has a reason to call: link-local (with the metadata services of the clouds), unspecified,
/// multicast, broadcast, and IPv6 forms that hide an IPv4 address.
fn never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
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
                || first == 0x64 && second == 0xff9b
                || first == 0x2002
                || first == 0x2001 && second == 0
        }
    }
}

/// Addresses that are ours or our neighbours': only on request.
fn internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || first == 100 && second & 0xc0 == 64
                || first == 198 && second & 0xfe == 18
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::EgressGuard;

    #[test]
    fn metadata_is_never_reached_and_internal_only_when_listed() {
        let closed = EgressGuard::new(Vec::new());
        let all = EgressGuard::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
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
            ("fc00::1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("2002:a9fe:a9fe::", false, false),
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
            let ip = address.parse().unwrap();
            assert_eq!(closed.permits(ip), by_default, "{address}");
            assert_eq!(all.permits(ip), when_listed, "{address}");
        }
    }
}
