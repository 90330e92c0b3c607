//! Start scripts: the options that they give to Java.

use guidelines::{PlainSecret, SecretFacts, StartScript, Wso2Home};

use super::{Layout, text};

/// Reads the scripts of `bin/` that start a server.
pub(super) fn read(layout: &Layout, home: &mut Wso2Home, secrets: &mut SecretFacts) {
    for entry in super::super::home::entries(&layout.root.join("bin")) {
        let path = entry.path();
        let script = path.extension().is_some_and(|end| end == "sh" || end == "bat");
        if !script {
            continue;
        }
        let Some(text) = text(layout, &path, &mut home.unreadable) else { continue };
        let options = options(&text);
        let place = layout.shown(&path);
        secrets.searched += 1;
        for (option, line) in &options {
            if let Some(name) = carries_secret(option) {
                secrets.in_arguments.push(PlainSecret::new(format!("{place}:{line}"), name));
            }
        }
        if text.contains("-Dcarbon.home")
            || text.contains("org.wso2.carbon.bootstrap")
            || text.contains("org.wso2.micro")
        {
            home.scripts.push(StartScript { place, options, refuses_root: text.contains("id -u") });
        }
    }
}

/// Words that begin like options of Java, outside comments.
fn options(text: &str) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with('#')
            || line.starts_with("::")
            || line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("rem "))
        {
            continue;
        }
        for word in line.split_whitespace() {
            let word = word.trim_start_matches(['"', '\'']);
            let word =
                word.rsplit_once("=\"-").map_or(word, |(_, _)| word.split_once("=\"").map_or(word, |(_, rest)| rest));
            let word = word.trim_end_matches(['"', '\'', '\\', '^', ';']);
            if ["-X", "-D", "-agentlib", "-javaagent"].iter().any(|begin| word.starts_with(begin)) {
                found.push((word.replace(['"', '\''], ""), number));
            }
        }
    }
    found
}

/// The name of an option that carries a secret literally.
fn carries_secret(option: &str) -> Option<&str> {
    let (name, value) = option.strip_prefix("-D")?.split_once('=')?;
    let lower = name.to_ascii_lowercase();
    let secret = ["password", "passwd", "secret", "token", "passphrase"].iter().any(|word| lower.contains(word));
    let literal = !value.is_empty() && !value.starts_with(['$', '%', '/']) && !matches!(value, "true" | "false");
    (secret && literal && !lower.ends_with("file") && !lower.ends_with("path")).then_some(name)
}
