//! A profile for AppArmor.

use std::fmt::Write as _;

use super::Facts;

pub(super) fn text(facts: &Facts) -> String {
    let home = facts.home.display();
    let program = facts.program.display();
    let mut text = format!(
        "# Made by `portcullis harden apparmor` from {home}/deployment.toml. Load it: apparmor_parser -r FILE\n\
         abi <abi/3.0>,\n\ninclude <tunables/global>\n\n\
         profile portcullis {program} flags=(attach_disconnected) {{\n\
         \x20 include <abstractions/base>\n  include <abstractions/nameservice>\n  include <abstractions/openssl>\n\
         \x20 include <abstractions/ssl_certs>\n\n\
         \x20 network inet stream,\n  network inet6 stream,\n  network inet dgram,\n  network inet6 dgram,\n\
         \x20 network unix stream,\n  network netlink raw,\n\n\
         \x20 {program} mr,\n"
    );
    if facts.low_port() {
        text.push_str("  capability net_bind_service,\n");
    }
    let _ = writeln!(text, "\n  # Read: configuration and what was put beside it.");
    let _ = writeln!(text, "  {home}/ r,\n  {home}/** r,");
    for path in &facts.read {
        let _ = writeln!(text, "  {} r,", path.display());
    }
    let _ = writeln!(text, "\n  # Written. Nothing here can be run.");
    for folder in ["security", "data", "run", "logs", "audit", "backups"] {
        let _ = writeln!(text, "  {home}/{folder}/** rwkl,");
    }
    for path in &facts.written {
        let _ = writeln!(text, "  {}/ rw,\n  {}/** rwkl,", path.display(), path.display());
    }
    text.push_str(
        "\n  # What the kernel says of this process.\n\
         \x20 @{PROC}/@{pid}/{status,statm,stat,limits,cgroup,mountinfo,fd/} r,\n\
         \x20 @{sys}/fs/cgroup/** r,\n  @{sys}/devices/system/cpu/** r,\n\
         \x20 @{sys}/kernel/mm/transparent_hugepage/enabled r,\n\n\
         \x20 deny ptrace,\n  deny mount,\n  deny /** x,\n}\n",
    );
    text
}
