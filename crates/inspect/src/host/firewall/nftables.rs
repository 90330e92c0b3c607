//! The JSON of `nft -j list ruleset` (libnftables-json(5)).

use serde_json::Value;

use super::Inbound;

/// What the chains of the hook `input` let in together; `None` when there is no such chain.
pub(super) fn inbound(text: &str) -> Result<Option<Inbound>, String> {
    let read: Value = serde_json::from_str(text).map_err(|e| format!("not the JSON of nft: {e}"))?;
    let objects = read.get("nftables").and_then(Value::as_array).ok_or("not the JSON of nft: no `nftables`")?;
    let mut inbound: Option<Inbound> = None;
    for object in objects {
        let Some(chain) = object.get("chain") else { continue };
        let is_input = text_of(chain, "hook") == "input" && text_of(chain, "type") == "filter";
        if !is_input {
            continue;
        }
        let all = inbound.get_or_insert_default();
        let rules = reachable(objects, chain, text_of(chain, "name"), 8);
        let mut denies = text_of(chain, "policy") == "drop";
        for rule in rules {
            let statements = rule.get("expr").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let has = |verdict: &str| statements.iter().any(|s| s.get(verdict).is_some());
            let conditions: Vec<&Value> = statements.iter().filter_map(|s| s.get("match")).collect();
            if (has("drop") || has("reject")) && conditions.is_empty() {
                // What comes after it is never reached.
                denies = true;
                break;
            }
            if !has("accept") {
                continue;
            }
            let named: Vec<u16> = conditions.iter().flat_map(|m| destination_ports(m, objects)).collect();
            // An accept for new connections with no port, no interface and no state opens everything.
            if named.is_empty() && !conditions.iter().any(|m| narrows(m)) {
                denies = false;
                break;
            }
            all.open.extend(named);
        }
        all.default_deny |= denies;
    }
    Ok(inbound)
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The rules of a chain, with those of chains that it jumps to in their place.
fn reachable<'a>(objects: &'a [Value], chain: &Value, name: &str, depth: u32) -> Vec<&'a Value> {
    let (family, table) = (text_of(chain, "family"), text_of(chain, "table"));
    let of_chain = objects.iter().filter_map(|object| object.get("rule")).filter(|rule| {
        text_of(rule, "chain") == name && text_of(rule, "family") == family && text_of(rule, "table") == table
    });
    let mut rules = Vec::new();
    for rule in of_chain {
        let statements = rule.get("expr").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let target = statements.iter().find_map(|s| s.get("jump").or_else(|| s.get("goto")));
        match target {
            Some(target) if depth > 0 => {
                rules.extend(reachable(objects, chain, text_of(target, "target"), depth - 1));
            }
            _ => rules.push(rule),
        }
    }
    rules
}

/// Ports of `tcp dport` and `th dport`, also from a named set.
fn destination_ports(condition: &Value, objects: &[Value]) -> Vec<u16> {
    let payload = condition.get("left").and_then(|left| left.get("payload"));
    let Some(payload) = payload.filter(|p| text_of(p, "field") == "dport") else { return Vec::new() };
    if text_of(payload, "protocol") == "udp" {
        return Vec::new();
    }
    condition.get("right").map(|right| numbers(right, objects)).unwrap_or_default()
}

fn numbers(value: &Value, objects: &[Value]) -> Vec<u16> {
    if let Some(number) = value.as_u64() {
        return u16::try_from(number).into_iter().collect();
    }
    if let Some(name) = value.as_str().and_then(|name| name.strip_prefix('@')) {
        let sets = objects.iter().filter_map(|object| object.get("set")).filter(|set| text_of(set, "name") == name);
        return sets.filter_map(|set| set.get("elem")).flat_map(|elem| numbers(elem, objects)).collect();
    }
    if let Some(range) = value.get("range").and_then(Value::as_array) {
        let ends: Vec<u16> = range.iter().filter_map(|end| u16::try_from(end.as_u64()?).ok()).collect();
        return match ends.as_slice() {
            [first, last] => (*first..=*last).collect(),
            _ => Vec::new(),
        };
    }
    let list = value.as_array().or_else(|| value.get("set").and_then(Value::as_array));
    list.map_or(&[][..], Vec::as_slice).iter().flat_map(|element| numbers(element, objects)).collect()
}

/// Whether a condition leaves out what a stranger would send: an interface, a state of the connection, a protocol that
/// is not TCP.
fn narrows(condition: &Value) -> bool {
    let Some(left) = condition.get("left") else { return false };
    let meta = left.get("meta").map_or("", |meta| text_of(meta, "key"));
    if matches!(meta, "iif" | "iifname" | "l4proto" | "nfproto") {
        return true;
    }
    if left.get("ct").is_some() {
        let right = condition.get("right").map(Value::to_string).unwrap_or_default();
        return !right.contains("new");
    }
    let protocol = left.get("payload").map_or("", |payload| text_of(payload, "protocol"));
    protocol.starts_with("icmp") || protocol == "udp" || matches!(protocol, "ip" | "ip6")
}
