//! A unit for systemd that repeats from outside what the process does to itself.

use std::fmt::Write as _;

use super::Facts;

/// What needs nothing of the configuration. `systemd-analyze security --offline=true` scores the unit.
const FIXED: &str = "\
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateIPC=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
SystemCallFilter=~@privileged @resources @obsolete @debug @mount @module @raw-io @reboot @swap @clock @cpu-emulation
SystemCallErrorNumber=EPERM
UMask=0077
LimitCORE=0
LimitNOFILE=65536
KeyringMode=private
DevicePolicy=closed
NoExecPaths=/
";

pub(super) fn text(facts: &Facts) -> String {
    let home = facts.home.display();
    let program = facts.program.display();
    let mut text = format!(
        "# Made by `portcullis harden systemd` from {home}/deployment.toml. Install:\n\
         #   useradd --system --no-create-home --shell /usr/sbin/nologin {user}\n\
         #   chown -R {user}: {home}\n\
         #   systemctl daemon-reload && systemctl enable --now portcullis\n\
         [Unit]\nDescription=Portcullis API management\nDocumentation=man:portcullis(1)\n\
         After=network-online.target\nWants=network-online.target\n\n\
         [Service]\nUser={user}\nGroup={user}\nExecStart={program} --home {home} serve\n\
         ExecReload=/bin/kill -HUP $MAINPID\nRestart=on-failure\nRestartSec=2s\nTimeoutStopSec=60s\n\n",
        user = facts.user,
    );
    text.push_str(FIXED);
    // Programs may be run from nowhere but these places; the second line is what the dynamic linker needs.
    let _ = writeln!(text, "ExecPaths={program} /usr/lib /lib /lib64 /bin/kill /usr/bin/kill");
    let _ = writeln!(text, "ReadWritePaths={home}");
    for path in &facts.written {
        let _ = writeln!(text, "ReadWritePaths={}", path.display());
    }
    for path in &facts.read {
        let _ = writeln!(text, "ReadOnlyPaths={}", path.display());
    }
    if facts.home.starts_with("/home") || facts.home.starts_with("/root") {
        text.push_str("# The home lies where ProtectHome= hides everything: it is bound back in.\n");
        let _ = writeln!(text, "BindPaths={home}");
    }
    let capability = if facts.low_port() { "CAP_NET_BIND_SERVICE" } else { "" };
    let _ = writeln!(text, "CapabilityBoundingSet={capability}\nAmbientCapabilities={capability}");
    if let Some(name) = &facts.credential {
        let _ = writeln!(text, "LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name}");
    }
    // Ports are declared twice, here and in deployment.toml: one that is bound by mistake fails.
    text.push_str("SocketBindDeny=any\n");
    for (section, address) in &facts.listeners {
        let _ = writeln!(text, "# {section}\nSocketBindAllow=tcp:{}", address.port());
    }
    if facts.exposed().next().is_none() {
        text.push_str("# Every listener is on this machine. Without upstreams elsewhere, add:\n");
        text.push_str("#IPAddressDeny=any\n#IPAddressAllow=localhost\n");
    }
    text.push_str("\n[Install]\nWantedBy=multi-user.target\n");
    text
}
