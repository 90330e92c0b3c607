use crate::{
    Administrators, CHECKS, CertificateFacts, CertificateFault, DatabaseFacts, Enforcement, ListenerFacts, PlainSecret,
    Posture, PrivateFile, RoleRights, Severity, evaluate,
};

fn listener(name: &'static str, address: &str, tls: bool) -> ListenerFacts {
    ListenerFacts { name, section: "transport.https.properties", address: address.parse().unwrap(), tls }
}

/// An exposed installation that keeps every rule.
fn good() -> Posture {
    Posture {
        uid: 990,
        listeners: vec![listener("management", "0.0.0.0:443", true), listener("gateway http", "127.0.0.1:8280", false)],
        certificates: vec![CertificateFacts { place: "tls.pem".into(), faults: Vec::new() }],
        private_files: vec![PrivateFile { path: "tls-key.pem".into(), mode: 0o100_600, owner: 990 }],
        plain_secrets: Vec::new(),
        database: DatabaseFacts::Server {
            host: "db.example.com".into(),
            local: false,
            verified_tls: true,
            role: RoleRights { name: "portcullis".into(), ..RoleRights::default() },
        },
        administrators: Administrators::default(),
    }
}

/// Each check with a posture that breaks only it.
fn bad() -> Vec<(&'static str, Posture)> {
    let with = |change: fn(&mut Posture)| {
        let mut posture = good();
        change(&mut posture);
        posture
    };
    let role = |change: fn(&mut RoleRights)| {
        let mut posture = good();
        if let DatabaseFacts::Server { role, .. } = &mut posture.database {
            change(role);
        }
        posture
    };
    vec![
        (
            "A02.1",
            with(|p| {
                let fault = CertificateFault { observed: "RSA 1024".into(), fix: "use 2048".into() };
                p.certificates[0].faults.push(fault);
            }),
        ),
        ("A03.1", with(|p| p.private_files[0].mode = 0o100_640)),
        ("A03.1", with(|p| p.private_files[0].owner = 0)),
        (
            "A03.2",
            with(|p| p.plain_secrets.push(PlainSecret { place: "deployment.toml:3".into(), key: "x.password".into() })),
        ),
        ("A04.1", with(|p| p.listeners[0].address.set_port(9443))),
        (
            "A06.1",
            with(|p| {
                if let DatabaseFacts::Server { verified_tls, .. } = &mut p.database {
                    *verified_tls = false;
                }
            }),
        ),
        ("A07.1", role(|r| r.superuser = true)),
        ("A07.1", role(|r| r.create_database = true)),
        ("A07.1", role(|r| r.create_role = true)),
        ("A07.1", role(|r| r.create_in_schema = true)),
        ("A07.1", role(|r| r.owns_tables = true)),
        ("A08.3", with(|p| p.listeners[1].address.set_ip("0.0.0.0".parse().unwrap()))),
        ("A18.1", with(|p| p.administrators.known_credentials = true)),
        ("A18.2", with(|p| p.administrators.set_up_pending = true)),
        ("O01.1", with(|p| p.uid = 0)),
    ]
}

#[test]
fn the_good_posture_has_no_finding() {
    let mut good = good();
    // 8280 is on loopback, so not even the default port is a finding.
    assert!(evaluate(&good).is_empty(), "{:?}", evaluate(&good));
    good.listeners[0].address.set_ip("127.0.0.1".parse().unwrap());
    assert!(!good.exposed());
}

#[test]
fn each_bad_posture_is_found_by_its_check() {
    for (id, posture) in bad() {
        let found = evaluate(&posture);
        assert!(found.iter().any(|f| f.check.id == id), "{id}: {found:?}");
        assert!(found.iter().all(|f| !f.fix.is_empty() && !f.observed.is_empty()), "{found:?}");
    }
}

#[test]
fn every_check_has_a_bad_posture_and_a_unique_id() {
    let tried: Vec<_> = bad().into_iter().map(|(id, _)| id).collect();
    let mut ids: Vec<_> = CHECKS.iter().map(|c| c.meta().id).collect();
    assert!(ids.iter().all(|id| tried.contains(id)), "{ids:?}");
    let count = ids.len();
    ids.dedup();
    assert_eq!(count, ids.len());
    assert!(ids.is_sorted());
}

#[test]
fn exposure_decides_for_exposed_rules_only() {
    for (_, posture) in bad() {
        for finding in evaluate(&posture) {
            let must = finding.check.severity == Severity::Must;
            assert_eq!(finding.refuses_start(true), must);
            assert_eq!(finding.refuses_start(false), must && finding.check.enforcement == Enforcement::Always);
        }
    }
}

#[test]
fn a_key_file_of_root_is_fine_only_for_root() {
    let mut posture = good();
    posture.private_files[0].owner = 0;
    posture.uid = 0;
    assert!(evaluate(&posture).iter().all(|f| f.check.id != "A03.1"));
}
