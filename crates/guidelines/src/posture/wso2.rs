//! What is known of the home directory of a WSO2 product only.

use std::collections::BTreeMap;

/// Which product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wso2Product {
    /// API Manager, whole or one of its profiles.
    #[default]
    ApiManager,
    /// Micro Integrator.
    MicroIntegrator,
}

impl Wso2Product {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiManager => "API Manager",
            Self::MicroIntegrator => "Micro Integrator",
        }
    }
}

/// A home directory, read.
#[derive(Clone, Debug, Default)]
pub struct Wso2Home {
    /// Which product.
    pub product: Wso2Product,
    /// Its version, as in `4.3.0`.
    pub version: Option<String>,
    /// Whether an update was ever applied; `None` = the home does not say.
    pub updated: Option<bool>,
    /// `deployment.toml` as the operator knows it.
    pub config_place: String,
    /// Every setting of it, by dotted path; elements of arrays of tables have their index, as in `datasource.0.url`.
    pub settings: BTreeMap<String, Setting>,
    /// Files that could not be used: place and reason.
    pub unreadable: Vec<(String, String)>,
    /// Start scripts.
    pub scripts: Vec<StartScript>,
    /// `log4j2.properties`; `None` = there is none.
    pub log: Option<LogConfiguration>,
    /// Users of the file user store.
    pub users: Vec<Wso2User>,
    /// Patterns for callback addresses.
    pub callbacks: Vec<CallbackPattern>,
    /// Web applications that are deployed.
    pub webapps: Vec<WebApplication>,
    /// Length of session ids in bytes, from Tomcat's `context.xml`; `None` = the file is not there.
    pub session_id_bytes: Option<(u64, String)>,
    /// Accounts that parts of the product use among themselves: setting, place, and whether it is the super administrator's.
    pub service_accounts: Vec<(String, String, bool)>,
    /// Samples and applications that production does not need: path and why.
    pub unneeded: Vec<(String, String)>,
}

/// A setting of `deployment.toml`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its value.
    pub value: SettingValue,
    /// `file:line`.
    pub place: String,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// Text; references such as `$ref{..}` are resolved where their target is known.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A list of texts.
    List(Vec<String>),
}

impl SettingValue {
    /// The value as WSO2's templates would write it.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::List(items) => items.join(","),
        }
    }

    /// A truth value, also when it is written as a text.
    pub fn is_true(&self) -> bool {
        self.text().trim().eq_ignore_ascii_case("true")
    }
}

/// A start script with the options that it gives to Java.
#[derive(Clone, Debug, Default)]
pub struct StartScript {
    /// The file.
    pub place: String,
    /// Options, as in `-Xmx1024m`, with their lines.
    pub options: Vec<(String, u32)>,
    /// Whether it looks which user starts it.
    pub refuses_root: bool,
}

impl StartScript {
    /// The value of `-Dname=value`, the last one given, with its line.
    pub fn property(&self, name: &str) -> Option<(&str, u32)> {
        let of =
            |option: &'_ str| option.strip_prefix("-D").and_then(|rest| rest.split_once('=')).map(|(n, _)| n == name);
        let (option, line) = self.options.iter().rev().find(|(option, _)| of(option) == Some(true))?;
        option.split_once('=').map(|(_, value)| (value, *line))
    }
}

/// `log4j2.properties`.
#[derive(Clone, Debug, Default)]
pub struct LogConfiguration {
    /// The file.
    pub place: String,
    /// Loggers with their levels and lines.
    pub levels: Vec<(String, String, u32)>,
    /// Whether any pattern masks sensitive values.
    pub masks: bool,
}

/// A user of the file user store.
#[derive(Clone, Debug, Default)]
pub struct Wso2User {
    /// Name.
    pub name: String,
    /// Whether it is a super administrator.
    pub admin: bool,
    /// `file:line`.
    pub place: String,
}

/// A web application.
#[derive(Clone, Debug, Default)]
pub struct WebApplication {
    /// Its `web.xml`.
    pub place: String,
    /// Whether a filter forbids browsers to keep its pages.
    pub cache_filter: bool,
    /// Whether a filter adds the security headers.
    pub header_filter: bool,
}

/// A pattern for callback addresses.
#[derive(Clone, Debug)]
pub struct CallbackPattern {
    /// The setting.
    pub key: String,
    /// `file:line`, or the file when the setting is left out.
    pub place: String,
    /// Whether what uses it is switched on.
    pub in_use: bool,
    /// The pattern; `None` = the shipped one, which lets any address pass.
    pub pattern: Option<String>,
}

impl Wso2Home {
    /// A setting.
    pub fn setting(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// The text of a setting, or the shipped default.
    pub fn text_or(&self, key: &str, default: &str) -> String {
        self.setting(key).map_or_else(|| default.to_owned(), |setting| setting.value.text())
    }

    /// `file:line` of a setting, or the file when it is left out.
    pub fn place_of(&self, key: &str) -> String {
        self.setting(key).map_or_else(|| self.config_place.clone(), |setting| setting.place.clone())
    }
}
