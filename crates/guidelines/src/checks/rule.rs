//! Checks that differ in what they name alone: one setting of a WSO2 product, one option of its start script, the modes of one
//! kind of file.

use crate::{
    Attempt, EgressRule, Fault, FileKind, Judgement, Observed, Posture, TlsEndpoint, WebApplication, Wso2Product,
};

/// What one setting of `deployment.toml` must be.
pub(super) struct SettingRule {
    /// The product that has it; `None` = both.
    pub(super) product: Option<Wso2Product>,
    /// Its dotted path.
    pub(super) key: &'static str,
    /// What is in effect when it is left out.
    pub(super) shipped: &'static str,
    /// Whether a value, as WSO2's templates write it, is right.
    pub(super) holds: fn(&str) -> bool,
    /// The section to write it in.
    pub(super) section: &'static str,
    /// The line to write.
    pub(super) line: &'static str,
}

impl SettingRule {
    /// Applies the rule to a home.
    pub(super) fn judge(&self, posture: &Posture) -> Judgement {
        posture.wso2.judge(|home| {
            if let Some(other) = self.product.filter(|product| *product != home.product) {
                return Judgement::NotApplicable(format!("a setting of {}", other.name()));
            }
            let value = home.text_or(self.key, self.shipped);
            if (self.holds)(value.trim()) {
                return Judgement::Holds(format!("{} = {value}", self.key));
            }
            let observed = match (home.setting(self.key), self.shipped) {
                (Some(_), _) => format!("{} is {value:?}", self.key),
                (None, "") => format!("{} is left out", self.key),
                (None, shipped) => format!("{} is left out, which means {shipped:?}", self.key),
            };
            let fix = format!("write `{}` below [{}] in deployment.toml", self.line, self.section);
            Judgement::Broken(vec![Fault::new(observed, fix).at(home.place_of(self.key))])
        })
    }
}

/// What one property given to Java (`-Dname=value`) must be.
pub(super) struct ScriptRule {
    /// The product whose script it concerns; `None` = both.
    pub(super) product: Option<Wso2Product>,
    /// Its name.
    pub(super) property: &'static str,
    /// What is in effect when it is left out.
    pub(super) shipped: &'static str,
    /// Whether a value is right.
    pub(super) holds: fn(&str) -> bool,
    /// The value to write.
    pub(super) wanted: &'static str,
}

impl ScriptRule {
    /// Applies the rule to every start script of a home.
    pub(super) fn judge(&self, posture: &Posture) -> Judgement {
        posture.wso2.judge(|home| {
            if let Some(other) = self.product.filter(|product| *product != home.product) {
                return Judgement::NotApplicable(format!("an option of {}", other.name()));
            }
            if home.scripts.is_empty() {
                return no_script();
            }
            let faults = home.scripts.iter().filter_map(|script| {
                let (value, line) = script.property(self.property).unwrap_or((self.shipped, 0));
                if (self.holds)(value) {
                    return None;
                }
                let (observed, place) = match line {
                    0 => (format!("-D{} is not given", self.property), script.place.clone()),
                    line => (format!("-D{}={value}", self.property), format!("{}:{line}", script.place)),
                };
                let fix = format!("write `-D{}={} \\` beside the other -D options", self.property, self.wanted);
                Some(Fault::new(observed, fix).at(place))
            });
            Judgement::of(faults.collect(), format!("-D{} in {} start scripts", self.property, home.scripts.len()))
        })
    }
}

/// What no file of one kind may be like.
pub(super) struct FileRule {
    /// The kind.
    pub(super) kind: FileKind,
    /// Bits of the mode of which none may be on; all of them: the file may not be there.
    pub(super) bits: u32,
    /// What is said of one; `{mode}` stands for its mode.
    pub(super) says: &'static str,
    /// The command that mends it, before the path.
    pub(super) fix: &'static str,
}

impl FileRule {
    /// No group and nobody else may change it.
    pub(super) const fn not_written_by_others(kind: FileKind) -> Self {
        Self { kind, bits: 0o022, says: "mode {mode} lets others write", fix: "chmod go-w" }
    }

    /// No group and nobody else may do anything with it.
    pub(super) const fn closed(kind: FileKind, fix: &'static str) -> Self {
        Self { kind, bits: 0o077, says: "mode {mode}", fix }
    }

    /// None of the kind may lie about.
    pub(super) const fn absent(kind: FileKind, says: &'static str, fix: &'static str) -> Self {
        Self { kind, bits: u32::MAX, says, fix }
    }

    /// Applies the rule to every file.
    pub(super) fn judge(&self, posture: &Posture) -> Judgement {
        posture.files.judge(|all| {
            let kind: Vec<_> = all.iter().filter(|file| file.kind == self.kind).collect();
            let faults = kind.iter().filter(|file| file.mode & self.bits != 0).map(|file| {
                let mode = format!("{:04o}", file.mode & 0o7777);
                Fault::new(self.says.replace("{mode}", &mode), format!("{} {}", self.fix, file.path)).at(&file.path)
            });
            Judgement::of(faults.collect(), format!("{} files", kind.len()))
        })
    }
}

/// Which options no start script may have.
pub(super) struct OptionRule {
    /// Whether an option is one of them.
    pub(super) found: fn(&str) -> bool,
    /// What is said behind the option.
    pub(super) says: &'static str,
    /// What to do.
    pub(super) fix: &'static str,
}

impl OptionRule {
    /// Applies the rule to every start script of a home.
    pub(super) fn judge(&self, posture: &Posture) -> Judgement {
        posture.wso2.judge(|home| {
            if home.scripts.is_empty() {
                return no_script();
            }
            let faults = home.scripts.iter().flat_map(|script| {
                let found = script.options.iter().filter(|(option, _)| (self.found)(option));
                found.map(|(option, line)| {
                    let place = format!("{}:{line}", script.place);
                    Fault::new(format!("{option}{}", self.says), self.fix).at(place)
                })
            });
            Judgement::of(faults.collect(), format!("{} start scripts", home.scripts.len()))
        })
    }
}

impl SettingRule {
    /// Applies the rule to a home whose users are in a directory.
    pub(super) fn judge_with_directory(&self, posture: &Posture) -> Judgement {
        posture.wso2.judge(|home| {
            let integrator = home.product == Wso2Product::MicroIntegrator;
            let kind =
                home.text_or("user_store.type", if integrator { "read_only_ldap" } else { "database_unique_id" });
            if kind.contains("ldap") || kind.contains("active_directory") {
                self.judge(posture)
            } else {
                Judgement::NotApplicable(format!("the user store is {kind}"))
            }
        })
    }
}

/// Patterns for callback addresses: what uses one below a section needs one.
pub(super) fn callbacks(posture: &Posture, section: &str) -> Judgement {
    posture.wso2.judge(|home| {
        let below = |key: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        let open = home.callbacks.iter().filter(|c| below(&c.key) && c.in_use && c.pattern.is_none());
        let faults = open.map(|c| {
            let fix = format!("write `callback_url = \"^https://portal\\\\.example\\\\.com/.*$\"` below [{section}]");
            Fault::new(format!("{} is left out, so any address is allowed", c.key), fix).at(&c.place)
        });
        Judgement::of(faults.collect(), "a pattern, or not in use")
    })
}

/// Attempts of strangers that went through.
pub(super) fn attempts(found: &Observed<Vec<Attempt>>, noun: &str) -> Judgement {
    found.each(noun, |attempt| {
        (!attempt.refused).then(|| {
            let observed = format!("{}: {}", attempt.what, attempt.observed);
            Fault::new(observed, "report it, and put the console on 127.0.0.1 until it is repaired")
                .at(attempt.place.clone())
        })
    })
}

/// Web applications that lack something.
pub(super) fn web_applications(
    posture: &Posture,
    has: fn(&WebApplication) -> bool,
    lacks: &str,
    fix: &str,
) -> Judgement {
    posture.wso2.judge(|home| {
        let bare = home.webapps.iter().filter(|app| !has(app));
        let faults = bare.map(|app| Fault::new(lacks, fix).at(&app.place));
        Judgement::of(faults.collect(), format!("{} web applications", home.webapps.len()))
    })
}

/// Exceptions for outgoing calls that go too far.
pub(super) fn exceptions(posture: &Posture, is_bad: impl Fn(&EgressRule) -> bool, says: &str, fix: &str) -> Judgement {
    posture.egress.judge(|egress| {
        let bad = egress.rules.iter().filter(|rule| is_bad(rule));
        let faults = bad.map(|rule| Fault::new(format!("{:?} {says}", rule.text), fix).at("egress.allow"));
        Judgement::of(faults.collect(), format!("{} exceptions", egress.rules.len()))
    })
}

/// Logs, audit logs or the others, whose records have no id of their own.
pub(super) fn record_ids(posture: &Posture, audit: bool) -> Judgement {
    posture.logs.each("log files", |log| {
        (log.audit == audit && !log.record_id).then(|| {
            let fix = format!("begin `{}.layout.pattern` with [%u]", log.prefix);
            Fault::new(format!("{} has no unique id", log.name), fix).at(&log.place)
        })
    })
}

/// What is said when a home has no start script.
pub(super) fn no_script() -> Judgement {
    Judgement::Unknown(crate::Gap::new("the home has no start script", "bin/api-manager.sh, or the one that starts it"))
}

/// A fault for protocols before TLS 1.2.
pub(super) fn old_protocols(endpoint: &TlsEndpoint) -> Option<Fault> {
    let current = |name: &str| matches!(name.trim_start_matches('+'), "TLSv1.2" | "TLSv1.3");
    let old: Vec<&str> = endpoint.protocols.iter().map(String::as_str).filter(|name| !current(name)).collect();
    (!old.is_empty()).then(|| {
        let fix = format!("write \"TLSv1.2,TLSv1.3\" into {}", endpoint.protocol_key);
        Fault::new(format!("{} speaks {}", endpoint.name, old.join(", ")), fix).at(&endpoint.protocol_place)
    })
}

/// A fault for an endpoint that leaves its ciphers to the platform.
pub(super) fn no_ciphers(endpoint: &TlsEndpoint) -> Fault {
    let fix = format!(
        "write \"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_AES_256_GCM_SHA384\" into {}",
        endpoint.cipher_key
    );
    Fault::new(format!("{} leaves its ciphers to the Java version", endpoint.name), fix).at(&endpoint.cipher_place)
}

/// Whether a header value tells an attacker what answers: a product, or a version number.
pub(super) fn names_product(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let products = ["wso2", "carbon", "tomcat", "coyote", "synapse", "portcullis", "jetty", "apache", "axis"];
    products.iter().any(|product| value.contains(product)) || value.chars().any(|letter| letter.is_ascii_digit())
}

/// The shortest text that a WSO2 password pattern admits, by its last counted repetition; 0 when it has none.
pub(super) fn least_length(pattern: &str) -> u32 {
    let counted = pattern.rsplit_once('{').and_then(|(_, rest)| rest.split(['}', ',']).next());
    counted.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// WSO2's time spans in minutes: `15m`, `30`, `8h`, `14d`. Negative ones have no end and are `None`.
pub(super) fn minutes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.trim().parse().ok()?;
    match text.get(digits.len()..)?.trim().to_ascii_lowercase().as_str() {
        "" | "m" => Some(number),
        "s" => Some(number.div_ceil(60)),
        "h" => number.checked_mul(60),
        "d" => number.checked_mul(60 * 24),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{least_length, minutes, names_product};

    #[test]
    fn spans_are_minutes() {
        assert_eq!(minutes("15m"), Some(15));
        assert_eq!(minutes("8h"), Some(480));
        assert_eq!(minutes("14d"), Some(20_160));
        assert_eq!(minutes("30"), Some(30));
        assert_eq!(minutes("-1"), None);
        assert_eq!(minutes("soon"), None);
    }

    #[test]
    fn lengths_are_read_from_patterns() {
        assert_eq!(least_length("^[\\S]{5,30}$"), 5);
        assert_eq!(least_length("^.{12,}$"), 12);
        assert_eq!(least_length("^.*$"), 0);
    }

    #[test]
    fn products_and_versions_are_told() {
        assert!(names_product("WSO2 Carbon Server") && names_product("gw/2") && !names_product("server"));
    }
}
