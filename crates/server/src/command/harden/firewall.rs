//! A rule set for nftables: nothing comes in but what is declared (guidelines O03, N03).

use std::fmt::Write as _;

use super::Facts;

pub(super) fn text(facts: &Facts) -> String {
    let mut text = format!(
        "#!/usr/sbin/nft -f\n\
         # Made by `portcullis harden nftables` from {}/deployment.toml.\n\
         # Check first: nft --check --file FILE. Then load it, and keep a second session open until a new one works.\n\n\
         table inet portcullis\ndelete table inet portcullis\n\n\
         table inet portcullis {{\n",
        facts.home.display()
    );
    text.push_str(
        "\t# Addresses that may administer this machine and use the console. Put yours here.\n\
         \tset administrators {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }\n\t}\n\n\
         \tchain input {\n\
         \t\ttype filter hook input priority filter; policy drop;\n\
         \t\tct state invalid drop\n\
         \t\tct state established,related accept\n\
         \t\tiif \"lo\" accept\n\
         \t\ticmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } limit rate 10/second accept\n\
         \t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, echo-request, packet-too-big, destination-unreachable, time-exceeded, parameter-problem } accept\n\
         \t\tip saddr @administrators tcp dport 22 ct state new limit rate 10/minute accept comment \"ssh\"\n",
    );
    for (section, address) in facts.exposed() {
        let port = address.port();
        let destination = match address.ip() {
            ip if ip.is_unspecified() => String::new(),
            std::net::IpAddr::V4(ip) => format!("ip daddr {ip} "),
            std::net::IpAddr::V6(ip) => format!("ip6 daddr {ip} "),
        };
        // The console and the status page are for people and machines of the house (guideline A19).
        let inside = !section.contains("passthru");
        let source = if inside { "ip saddr @administrators " } else { "" };
        let _ = writeln!(text, "\t\t{source}{destination}tcp dport {port} ct state new accept comment \"{section}\"");
    }
    text.push_str("\t\tlimit rate 5/second log prefix \"portcullis-drop \" level info\n\t}\n\n");
    text.push_str("\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n");
    text
}
