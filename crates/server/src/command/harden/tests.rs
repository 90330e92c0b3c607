use std::path::PathBuf;

use super::{Facts, container, firewall, profile, unit};

fn facts() -> Facts {
    Facts {
        home: PathBuf::from("/var/lib/portcullis"),
        program: PathBuf::from("/usr/bin/portcullis"),
        user: "portcullis".into(),
        listeners: vec![
            ("transport.https.properties", "10.0.0.5:9443".parse().unwrap()),
            ("transport.passthru_https.listener", "0.0.0.0:443".parse().unwrap()),
            ("status", "127.0.0.1:9201".parse().unwrap()),
        ],
        written: vec![PathBuf::from("/backup/portcullis")],
        read: Vec::new(),
        database: Some(("10.0.0.9".into(), 5432)),
        credential: Some("vault".into()),
    }
}

#[test]
fn the_firewall_opens_what_is_exposed_and_nothing_else() {
    let text = firewall::text(&facts());
    assert!(text.contains("policy drop"));
    assert!(text.contains("ip saddr @administrators ip daddr 10.0.0.5 tcp dport 9443"), "{text}");
    assert!(text.contains("\t\ttcp dport 443 ct state new accept"), "{text}");
    assert!(!text.contains("9201"), "{text}");
}

#[test]
fn the_unit_binds_declared_ports_and_keeps_one_capability_for_the_low_one() {
    let text = unit::text(&facts());
    assert!(text.contains("CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"), "{text}");
    assert!(text.contains("SocketBindAllow=tcp:443") && text.contains("SocketBindDeny=any"), "{text}");
    assert!(text.contains("ReadWritePaths=/backup/portcullis\n"), "{text}");
    let mut high = facts();
    high.listeners.remove(1);
    assert!(unit::text(&high).contains("CapabilityBoundingSet=\n"));
}

#[test]
fn manifests_ask_for_the_restricted_standard() {
    let text = container::manifests(&facts());
    for line in ["runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [\"ALL\"]", "type: RuntimeDefault"] {
        assert!(text.contains(line), "{line}");
    }
    assert!(text.contains("cidr: 10.0.0.9/32"));
    assert!(container::image(&facts()).contains("-p 9443:9443 -p 443:443"));
}

#[test]
fn the_profile_lets_nothing_be_run() {
    let text = profile::text(&facts());
    assert!(text.contains("deny /** x,") && text.contains("capability net_bind_service"), "{text}");
}
