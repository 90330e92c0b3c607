use std::collections::BTreeMap;
use std::path::Path;

use guidelines::Observed;

use super::{
    Machine, Missing, Own, confinement, firewall, kernel, listening, monitoring, secure_shell, software, updates,
};

struct Picture {
    directory: tempfile::TempDir,
    answers: BTreeMap<String, Result<String, Missing>>,
}

impl Picture {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), answers: BTreeMap::new() }
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.directory.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn answer(mut self, line: &str, answer: Result<&str, Missing>) -> Self {
        self.answers.insert(line.to_owned(), answer.map(str::to_owned));
        self
    }

    fn machine(&self) -> Machine {
        Machine::picture(self.directory.path(), self.answers.clone())
    }
}

const NFT: &str = "nft -j list ruleset";

/// A rule set as nft prints it, with these rules in the chain for what comes in.
fn rules(policy: &str, rules: &[&str]) -> String {
    let rules: String = rules
        .iter()
        .map(|expr| format!(r#",{{"rule":{{"family":"inet","table":"f","chain":"in","expr":[{expr}]}}}}"#))
        .collect();
    format!(
        r#"{{"nftables":[{{"metainfo":{{}}}},{{"set":{{"family":"inet","table":"f","name":"web","elem":[443,{{"range":[8000,8002]}}]}}}},
        {{"chain":{{"family":"inet","table":"f","name":"in","type":"filter","hook":"input","policy":"{policy}"}}}}{rules}]}}"#
    )
}

const TCP: &str = r#""left":{"payload":{"protocol":"tcp","field":"dport"}}"#;

#[test]
fn nftables_rules_are_read_for_what_they_let_in() {
    let state = r#"{"match":{"left":{"ct":{"key":"state"}},"right":["established","related"]}},{"accept":null}"#;
    let lo = r#"{"match":{"left":{"meta":{"key":"iif"}},"right":"lo"}},{"accept":null}"#;
    let port = |right: &str| format!(r#"{{"match":{{{TCP},"right":{right}}}}},{{"accept":null}}"#);
    let look = |text: String| {
        let picture = Picture::new().answer(NFT, Ok(&text));
        let Observed::Known(found) = firewall(&picture.machine(), &[443, 22]) else { panic!("{text}") };
        (found.default_deny, found.undeclared)
    };
    assert_eq!(look(rules("drop", &[state, lo, &port("443"), &port(r#"{"set":[22,443]}"#)])), (true, vec![]));
    assert_eq!(look(rules("drop", &[&port("23")])), (true, vec![23]));
    assert_eq!(look(rules("drop", &[&port(r#""@web""#)])), (true, vec![8000, 8001, 8002]));
    assert_eq!(look(rules("accept", &[&port("443")])), (false, vec![]));
    assert_eq!(look(rules("accept", &[&port("443"), r#"{"counter":{}},{"drop":null}"#])), (true, vec![]));
    // One careless line makes the policy worthless.
    assert_eq!(look(rules("drop", &[r#"{"accept":null}"#])), (false, vec![]));
    assert_eq!(
        look(rules(
            "drop",
            &[r#"{"match":{"left":{"ct":{"key":"state"}},"right":["new","established"]}},{"accept":null}"#]
        )),
        (false, vec![])
    );
}

#[test]
fn a_firewall_that_may_not_be_read_is_unknown_and_none_is_a_fault() {
    let denied = Picture::new().answer(NFT, Err(Missing::Failed("Operation not permitted".into())));
    assert!(matches!(firewall(&denied.machine(), &[]), Observed::Unknown(gap) if gap.needs == "root"));
    let none = Picture::new();
    assert!(matches!(firewall(&none.machine(), &[]), Observed::Known(found) if !found.default_deny));
    let garbage = Picture::new().answer(NFT, Ok("not json"));
    assert!(matches!(firewall(&garbage.machine(), &[]), Observed::Unknown(_)));
}

#[test]
fn iptables_ufw_and_firewalld_are_read_too() {
    let save =
        ":INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m multiport --dports 443,8000:8001 -j ACCEPT\n";
    let picture = Picture::new().answer("iptables-save -t filter", Ok(save));
    let Observed::Known(found) = firewall(&picture.machine(), &[443]) else { panic!() };
    assert_eq!((found.kind.as_str(), found.default_deny, found.undeclared), ("iptables", true, vec![8000, 8001]));
    let picture = Picture::new()
        .file("/etc/ufw/ufw.conf", "ENABLED=yes\n")
        .file("/etc/default/ufw", "DEFAULT_INPUT_POLICY=\"DROP\"\n")
        .file("/etc/ufw/user.rules", "-A ufw-user-input -p tcp --dport 23 -j ACCEPT\n");
    let Observed::Known(found) = firewall(&picture.machine(), &[443]) else { panic!() };
    assert_eq!((found.kind.as_str(), found.default_deny, found.undeclared), ("ufw", true, vec![23]));
    let picture = Picture::new()
        .file("/proc/9/comm", "firewalld\n")
        .file("/etc/firewalld/firewalld.conf", "DefaultZone=public\n")
        .file(
            "/etc/firewalld/zones/public.xml",
            "<zone><service name=\"ssh\"/><port port=\"9000-9001\" protocol=\"tcp\"/></zone>",
        )
        .file("/usr/lib/firewalld/services/ssh.xml", "<service><port protocol=\"tcp\" port=\"22\"/></service>");
    let Observed::Known(found) = firewall(&picture.machine(), &[22]) else { panic!() };
    assert_eq!((found.default_deny, found.undeclared), (true, vec![9000, 9001]));
}

#[test]
fn the_secure_shell_is_judged_by_its_first_value_and_by_the_worst_match() {
    let text = "# x\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nCiphers aes256-ctr,3des-cbc\n";
    let picture = Picture::new()
        .file("/etc/ssh/sshd_config", text)
        .file("/etc/ssh/sshd_config.d/10.conf", "PasswordAuthentication no\nPermitRootLogin no\nPort 2022\n");
    let Observed::Known(found) = secure_shell(&picture.machine()) else { panic!() };
    assert!(!found.root_login && !found.passwords, "{found:?}");
    assert_eq!((found.ports, found.weak_algorithms), (vec![2022], vec!["3des-cbc".to_owned()]));
    let matched = "PasswordAuthentication no\nMatch User backup\n  PasswordAuthentication yes\n";
    let Observed::Known(found) = secure_shell(&Picture::new().file("/etc/ssh/sshd_config", matched).machine()) else {
        panic!()
    };
    assert!(found.passwords && found.ports == [22]);
    assert!(matches!(secure_shell(&Picture::new().machine()), Observed::Absent(_)));
}

/// A file that includes itself, a huge one, and one of noise.
#[test]
fn hostile_files_are_unknown_not_a_pass_and_not_a_crash() {
    let circle = Picture::new().file("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\n");
    assert!(matches!(secure_shell(&circle.machine()), Observed::Unknown(_)));
    let huge = Picture::new().file("/etc/ssh/sshd_config", vec![b'x'; 5 << 20]);
    assert!(matches!(secure_shell(&huge.machine()), Observed::Unknown(_)));
    let noise: Vec<u8> = (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let noisy = Picture::new()
        .file("/etc/ssh/sshd_config", &noise)
        .file("/proc/net/tcp", &noise)
        .file("/proc/7/status", &noise)
        .file("/etc/audit/audit.rules", &noise)
        .file("/proc/7/comm", &noise)
        .file("/proc/sys/kernel/osrelease", &noise);
    let machine = noisy.machine();
    let _ =
        (secure_shell(&machine), listening(&machine, &Own::default()), monitoring(&machine, "/x"), kernel(&machine));
    assert!(matches!(confinement(&machine, 7, None), Observed::Unknown(_)));
    std::fs::create_dir_all(noisy.directory.path().join("proc/net/tcp6")).unwrap();
    assert!(matches!(listening(&machine, &Own::default()), Observed::Unknown(_)));
}

#[test]
fn pending_security_updates_are_told_from_others() {
    let text = "Inst libssl3 [3.0.11] (3.0.15 Debian-Security:12/stable-security [amd64])\n\
                Inst vim [2:9] (2:9.1 Debian:12.5/stable [amd64])\nConf libssl3 (x)\n";
    let picture = Picture::new()
        .answer("apt-get -s -o Debug::NoLocking=true upgrade", Ok(text))
        .file("/etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n")
        .file("/run/reboot-required", "");
    let Observed::Known(found) = updates(&picture.machine(), 2_000_000_000) else { panic!() };
    assert_eq!(found.security, ["libssl3"]);
    assert!(found.unattended && found.reboot && found.lists_age.is_none());
    assert!(matches!(updates(&Picture::new().machine(), 0), Observed::Unknown(_)));
}

#[test]
fn sockets_are_told_apart_by_owner_and_declaration() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 111 1 x\n\
        1: 00000000:006F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 x\n\
        2: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000   990        0 333 1 x\n";
    let picture = Picture::new().file("/proc/net/tcp", table);
    let own = Own { uid: Some(990), listeners: vec!["127.0.0.1:8080".parse().unwrap()], ..Own::default() };
    let Observed::Known(found) = listening(&picture.machine(), &own) else { panic!() };
    let short: Vec<_> = found.iter().map(|s| (s.address.to_string(), s.ours, s.declared)).collect();
    assert_eq!(short, [("0.0.0.0:111".into(), Some(false), false), ("127.0.0.1:8080".into(), None, true)]);
}

#[test]
fn a_rule_for_a_directory_above_the_home_watches_it() {
    let base = || Picture::new().file("/proc/1/comm", "auditd\n");
    let watched = |rule: &str| {
        let picture = base().file("/etc/audit/audit.rules", rule);
        let Observed::Known(found) = monitoring(&picture.machine(), "/var/lib/portcullis") else { panic!() };
        found.home_watched
    };
    assert_eq!(watched("-w /var/lib/portcullis -p wa\n"), Some(true));
    assert_eq!(watched("-a always,exit -F dir=/var/lib -F perm=wa\n"), Some(true));
    assert_eq!(watched("-w /var/lib/portcullis2 -p wa\n# -w /var/lib -p wa\n"), Some(false));
}

/// The machine of the test: whatever it is like, every collector comes to an end and answers.
#[test]
fn every_collector_answers_on_a_real_machine() {
    let machine = Machine::this();
    let own = std::process::id();
    let Observed::Known(held) = confinement(&machine, own, None) else { panic!("/proc/self is always readable") };
    assert_eq!(held.pid, own);
    let sockets = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = sockets.local_addr().unwrap();
    let Observed::Known(found) = listening(&machine, &Own { pid: Some(own), ..Own::default() }) else { panic!() };
    assert!(found.iter().any(|s| s.address == port && s.ours == Some(true)), "{found:?}");
    assert!(matches!(kernel(&machine), Observed::Known(_)));
    assert!(matches!(software(&machine), Observed::Known(_)));
    let _ = (secure_shell(&machine), firewall(&machine, &[]), monitoring(&machine, "/"), Path::new("/"));
}
