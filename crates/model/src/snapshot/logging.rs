//! How much a gateway writes down of the calls of single APIs (WSO2: per-API logging).

use serde::{Deserialize, Serialize};

use crate::ApiId;

/// The level of an API, or of one of its operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiLog {
    /// Which API.
    pub api: ApiId,
    /// Verb and template of the operation; `None` is the API as a whole, for operations without a level of their own.
    pub resource: Option<(String, String)>,
    /// How much.
    pub level: LogLevel,
}

/// How much is written of a call besides its access record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Nothing.
    #[default]
    Off,
    /// One line when a call comes, and one when it is answered.
    Basic,
    /// Also one when the upstream is called, and one when it answers.
    Standard,
    /// Also the headers, without what credentials are in.
    Full,
}

impl LogLevel {
    /// WSO2's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Basic => "BASIC",
            Self::Standard => "STANDARD",
            Self::Full => "FULL",
        }
    }

    /// A level by WSO2's name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let levels = [Self::Off, Self::Basic, Self::Standard, Self::Full];
        levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::LogLevel;

    #[test]
    fn names_are_read_as_they_are_written() {
        for level in [LogLevel::Off, LogLevel::Basic, LogLevel::Standard, LogLevel::Full] {
            assert_eq!(LogLevel::parse(&level.as_str().to_lowercase()), Some(level));
        }
        assert_eq!(LogLevel::parse("LOUD"), None);
        assert!(LogLevel::Off < LogLevel::Basic && LogLevel::Standard < LogLevel::Full);
    }
}
