//! The text of `iptables-save`.

use std::collections::BTreeSet;

use super::{Inbound, ports};

/// What the chain INPUT lets in; `None` when the table is empty and accepts everything, as it is where nobody uses it.
pub(super) fn inbound(text: &str) -> Option<Inbound> {
    let policy = text.lines().find_map(|line| line.strip_prefix(":INPUT "))?.split_whitespace().next()?;
    let rules: Vec<&str> = text.lines().filter(|line| line.starts_with("-A INPUT")).collect();
    if rules.is_empty() && policy == "ACCEPT" {
        return None;
    }
    let mut denies = matches!(policy, "DROP" | "REJECT");
    for rule in &rules {
        let words: Vec<&str> = rule.split_whitespace().skip(2).collect();
        match words.as_slice() {
            ["-j", "DROP" | "REJECT", ..] => {
                denies = true;
                break;
            }
            ["-j", "ACCEPT", ..] => {
                denies = false;
                break;
            }
            _ => {}
        }
    }
    Some(Inbound { default_deny: denies, open: accepted(text, "INPUT") })
}

/// TCP ports that the rules of a chain accept.
pub(super) fn accepted(text: &str, chain: &str) -> BTreeSet<u16> {
    let mut open = BTreeSet::new();
    let start = format!("-A {chain} ");
    for rule in text.lines().filter(|line| line.starts_with(&start)) {
        let words: Vec<&str> = rule.split_whitespace().collect();
        let after = |option: &str| words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1));
        if after("-j").copied() != Some("ACCEPT") || after("-p").copied() == Some("udp") {
            continue;
        }
        let named = after("--dport").or_else(|| after("--dports"));
        open.extend(named.into_iter().flat_map(|list| list.split(',')).flat_map(|part| ports(part, ':')));
    }
    open
}
