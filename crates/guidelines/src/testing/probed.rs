//! What probes and host collectors see of the good installation.

use crate::{
    Attempt, Backups, Confinement, Exchange, Firewall, Kernel, Listening, Monitoring, Observed, ProbedCertificate,
    SecureShell, Software, TlsProbe, Updates,
};

pub(super) fn tls_probes() -> Observed<Vec<TlsProbe>> {
    let certificate = ProbedCertificate {
        subject: "CN=api.example.com".into(),
        not_before: 1_795_000_000_000,
        not_after: 1_800_000_000_000,
        for_host: true,
        ..ProbedCertificate::default()
    };
    Observed::Known(vec![TlsProbe {
        place: "gateway 203.0.113.5:18243".into(),
        versions: vec!["TLS 1.2".into(), "TLS 1.3".into()],
        suites: vec![("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".into(), Vec::new())],
        groups: vec!["x25519".into(), "X25519MLKEM768".into()],
        smallest_group: Some(253),
        client_renegotiation: Some(false),
        secure_renegotiation: true,
        downgrade_refused: true,
        certificates: vec![certificate],
        ..TlsProbe::default()
    }])
}

pub(super) fn exchanges() -> Observed<Vec<Exchange>> {
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; script-src 'nonce-x'"),
        ("x-content-type-options", "nosniff"),
        ("set-cookie", "__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Strict"),
    ];
    Observed::Known(vec![Exchange {
        place: "management 10.0.0.5:19443".into(),
        request: "GET /".into(),
        status: Some(200),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Exchange::default()
    }])
}

pub(super) fn attempts() -> Observed<Vec<Attempt>> {
    let attempt = |what: &str| Attempt {
        what: what.to_owned(),
        place: "management 10.0.0.5:19443".into(),
        refused: true,
        observed: "401".into(),
    };
    Observed::Known(vec![attempt("first"), attempt("second")])
}

pub(super) fn confinement() -> Observed<Confinement> {
    Observed::Known(Confinement {
        pid: 812,
        uid: 990,
        no_new_privileges: true,
        system_calls_filtered: true,
        files_restricted: Some(true),
        core_limit: Some(0),
        dumpable: Some(false),
        ..Confinement::default()
    })
}

pub(super) fn secure_shell() -> Observed<SecureShell> {
    Observed::Known(SecureShell {
        place: "/etc/ssh/sshd_config".into(),
        ports: vec![2022],
        max_attempts: 4,
        banner: true,
        ..SecureShell::default()
    })
}

pub(super) fn updates() -> Observed<Updates> {
    Observed::Known(Updates { lists_age: Some(1), unattended: true, ..Updates::default() })
}

pub(super) fn firewall() -> Observed<Firewall> {
    Observed::Known(Firewall { kind: "nftables".into(), default_deny: true, undeclared: Vec::new() })
}

pub(super) fn listening() -> Observed<Vec<Listening>> {
    Observed::Known(vec![Listening {
        address: ([203, 0, 113, 5], 18243).into(),
        owner: "portcullis (812)".into(),
        ours: Some(true),
        declared: true,
    }])
}

pub(super) fn monitoring() -> Observed<Monitoring> {
    Observed::Known(Monitoring { auditd: true, home_watched: Some(true), persistent_log: true, forwarded: true })
}

pub(super) fn kernel() -> Observed<Kernel> {
    Observed::Known(Kernel { release: "6.12.0".into(), weak_switches: Vec::new(), looked_at: 12 })
}

pub(super) fn software() -> Observed<Software> {
    Observed::Known(Software { looked_at: 900, ..Software::default() })
}

pub(super) fn backups() -> Observed<Backups> {
    Observed::Known(Backups {
        directory: "/backup".into(),
        scheduled: true,
        count: 14,
        newest_age: Some(5),
        interval: 24,
        drill: Some((10, true)),
        ..Backups::default()
    })
}
