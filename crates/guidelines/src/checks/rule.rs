//! Checks that look at one setting of a WSO2 product, or at one option of its start script.

use crate::{Fault, Judgement, Posture, TlsEndpoint, Wso2Product};

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
