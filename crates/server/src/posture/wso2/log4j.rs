//! `log4j2.properties`.

use std::collections::BTreeMap;

use guidelines::{LogConfiguration, LogSink, Observed, Wso2Home};

use super::{Layout, text};

/// Reads the file of a home.
pub(super) fn read(layout: &Layout, home: &mut Wso2Home) -> Observed<Vec<LogSink>> {
    let path = layout.conf.join("log4j2.properties");
    let place = layout.shown(&path);
    let Some(text) = text(layout, &path, &mut home.unreadable) else {
        return Observed::unknown(format!("{place} cannot be read"), "a readable log4j2.properties");
    };
    let properties = properties(&text);
    home.log = Some(LogConfiguration {
        levels: levels(&properties),
        masks: properties.iter().any(|(key, (value, _))| key.ends_with(".layout.pattern") && value.contains("%mm")),
        place: place.clone(),
    });
    Observed::Known(sinks(&properties, &place))
}

/// Keys and values with their lines; continued lines are joined (java.util.Properties).
fn properties(text: &str) -> BTreeMap<String, (String, u32)> {
    let mut found = BTreeMap::new();
    let (mut pending, mut begun) = (String::new(), 0_u32);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim_start();
        if pending.is_empty() {
            if line.starts_with(['#', '!']) || line.is_empty() {
                continue;
            }
            begun = number;
        }
        if let Some(part) = line.strip_suffix('\\') {
            pending.push_str(part);
            continue;
        }
        pending.push_str(line);
        let whole = std::mem::take(&mut pending);
        if let Some((key, value)) = whole.split_once(['=', ':']) {
            found.insert(key.trim().to_owned(), (value.trim().to_owned(), begun));
        }
    }
    found
}

fn levels(properties: &BTreeMap<String, (String, u32)>) -> Vec<(String, String, u32)> {
    let level = |(key, (value, line)): (&String, &(String, u32))| {
        let logger = key.strip_suffix(".level")?;
        if logger == "rootLogger" {
            return Some((logger.to_owned(), value.clone(), *line));
        }
        let id = logger.strip_prefix("logger.").filter(|id| !id.contains('.'))?;
        let name = properties.get(&format!("logger.{id}.name")).map_or(id, |(name, _)| name.as_str());
        Some((name.to_owned(), value.clone(), *line))
    };
    properties.iter().filter_map(level).collect()
}

/// The appenders that write files.
fn sinks(properties: &BTreeMap<String, (String, u32)>, place: &str) -> Vec<LogSink> {
    let used: Vec<&str> = properties
        .iter()
        .filter(|(key, _)| key.ends_with(".ref") && key.contains("appenderRef"))
        .map(|(_, (value, _))| value.as_str())
        .collect();
    let mut sinks = Vec::new();
    for (key, (kind, line)) in properties {
        let id =
            key.strip_prefix("appender.").and_then(|rest| rest.strip_suffix(".type")).filter(|id| !id.contains('.'));
        let Some(id) = id.filter(|_| kind.contains("File")) else { continue };
        let get = |name: &str| properties.get(&format!("appender.{id}.{name}")).map_or("", |(value, _)| value.as_str());
        let policies: Vec<&str> = properties
            .iter()
            .filter(|(key, _)| key.starts_with(&format!("appender.{id}.policies.")) && key.ends_with(".type"))
            .map(|(_, (value, _))| value.as_str())
            .collect();
        let by_size = policies.iter().any(|policy| policy.contains("Size"));
        let pattern = get("layout.pattern");
        let json = get("layout.type").to_ascii_lowercase().contains("json");
        let name = match get("name") {
            "" => id,
            name => name,
        };
        sinks.push(LogSink {
            name: name.to_owned(),
            place: format!("{place}:{line}"),
            prefix: format!("appender.{id}"),
            audit: id.to_ascii_uppercase().contains("AUDIT"),
            by_size,
            by_time: policies.iter().any(|policy| policy.contains("Time") || policy.contains("Cron")),
            keep: get("strategy.max").parse().ok(),
            distinct_names: !by_size || get("filePattern").contains("%i"),
            record_id: json || pattern.contains("%u"),
            tenant: pattern.contains("enantId") || pattern.contains("enantDomain"),
            escapes: json || pattern.contains("%enc{") || pattern.contains("%encode{"),
            attached: used.contains(&name),
        });
    }
    sinks
}
