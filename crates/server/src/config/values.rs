//! The types a setting can have: each can hold only what is right.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

mod web;

pub(super) use web::split_port;
pub use web::{EgressRule, Endpoint, HeaderName, HeaderText, HostName, Method, Origin};

use super::context::Context;
use super::section::{Kind, Parse};
use super::tree::{Node, Value};

/// Longest text of a setting in bytes.
const MAX_TEXT: usize = 4096;

/// Text of 1 to 4096 bytes on one line.
fn text_of(node: &Node, cx: &mut Context<'_>, wanted: &str) -> Option<String> {
    let plain = cx.plain(node)?;
    let Value::Text(text) = plain.value else {
        cx.wrong_type(node, &format!("{wanted} in quotes"));
        return None;
    };
    let text = text.trim().to_owned();
    if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        cx.bad_value(
            node.at,
            &format!("empty text, control characters and more than {MAX_TEXT} bytes are not accepted"),
            &format!("write {wanted}, or remove the line"),
        );
        return None;
    }
    Some(text)
}

impl Parse for String {
    const KIND: Kind = Kind::Text("text");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text_of(node, cx, "text")
    }
}

impl Parse for PathBuf {
    const KIND: Kind = Kind::Text("path");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text_of(node, cx, "a path").map(Self::from)
    }
}

impl Parse for bool {
    const KIND: Kind = Kind::Bool;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let plain = cx.plain(node)?;
        match &plain.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if plain.loose && text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if plain.loose && text.eq_ignore_ascii_case("false") => Some(false),
            _ => {
                cx.wrong_type(node, "true or false without quotes");
                None
            }
        }
    }
}

impl Parse for IpAddr {
    const KIND: Kind = Kind::Text("IP address");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "an IP address")?;
        let text = if text.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { &text };
        let parsed = text.parse().ok();
        if parsed.is_none() {
            cx.bad_value(
                node.at,
                "this is no IP address; names are not resolved for listeners",
                "write an address of this machine, 127.0.0.1 for this machine only, or 0.0.0.0 for every interface",
            );
        }
        parsed
    }
}

/// A network (CIDR), or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(ipnet::IpNet);

impl Network {
    /// The network.
    #[must_use]
    pub const fn get(&self) -> ipnet::IpNet {
        self.0
    }
}

impl Parse for Network {
    const KIND: Kind = Kind::Text("network");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a network")?;
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(ipnet::IpNet::from));
        if network.is_err() {
            cx.bad_value(
                node.at,
                "this is neither a network nor an address",
                "write a network such as 10.0.0.0/8 or an address such as 10.0.0.5",
            );
        }
        network.ok().map(Self)
    }
}

/// A whole number between bounds that are part of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Parse for Whole<MIN, MAX> {
    const KIND: Kind = Kind::Integer { min: MIN, max: MAX };
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        whole_number(node, cx, MIN, MAX).map(Self)
    }
}

/// A [`Whole`] that WSO2 documents as text, so that quotes around it are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuotedWhole<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> QuotedWhole<MIN, MAX> {
    pub(super) const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> Parse for QuotedWhole<MIN, MAX> {
    const KIND: Kind = Kind::Integer { min: MIN, max: MAX };
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let mut node = cx.follow(node)?;
        node.loose = true;
        whole_number(&node, cx, MIN, MAX).map(Self)
    }
}

/// A list that WSO2 also takes as one text with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T>(Vec<T>);

impl<T> Listed<T> {
    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Parse> Parse for Listed<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let plain = cx.plain(node)?;
        let Value::Text(text) = &plain.value else { return Vec::parse(node, cx).map(Self) };
        let items =
            text.split(',').map(|part| Node { value: Value::Text(part.trim().to_owned()), at: node.at, loose: false });
        Vec::parse(&Node { value: Value::List(items.collect()), at: node.at, loose: false }, cx).map(Self)
    }
}

fn whole_number(node: &Node, cx: &mut Context<'_>, min: u64, max: u64) -> Option<u64> {
    let mut plain = cx.plain(node)?;
    plain.loose |= node.loose;
    let number = match &plain.value {
        Value::Integer(number) => *number,
        Value::Text(text) if plain.loose => {
            let Ok(number) = text.trim().parse() else {
                cx.bad_value(node.at, "this text is no whole number", &format!("write a number from {min} to {max}"));
                return None;
            };
            number
        }
        _ => {
            cx.wrong_type(node, &format!("a whole number from {min} to {max} without quotes"));
            return None;
        }
    };
    let inside = u64::try_from(number).ok().filter(|number| (min..=max).contains(number));
    if inside.is_none() {
        cx.bad_value(
            node.at,
            &format!("{number} is outside {min} to {max}"),
            &format!("write a number from {min} to {max}"),
        );
    }
    inside
}

/// A TCP port from 1 to 65535, before `[server] offset` is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(NonZeroU16);

impl Port {
    /// The port with the offset added; `None` above 65535.
    pub(super) fn shifted(self, offset: u16) -> Option<u16> {
        self.0.get().checked_add(offset)
    }

    /// The port as written.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl Parse for Port {
    const KIND: Kind = Kind::Integer { min: 1, max: 65_535 };
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let number = whole_number(node, cx, 1, 65_535)?;
        u16::try_from(number).ok().and_then(NonZeroU16::new).map(Self)
    }
}

/// A time such as `500ms`, `30s`, `15m`, `12h` or `14d`; at least a millisecond, at most 3650 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// The time.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Parse for Span {
    const KIND: Kind = Kind::Duration;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a time such as \"15m\"")?;
        let parsed = with_unit(&text, &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]);
        let inside = parsed.filter(|millis| (1..=3650 * 86_400_000).contains(millis));
        if inside.is_none() {
            cx.bad_value(
                node.at,
                "a time is a whole number and a unit, more than nothing and at most 3650 days",
                "write for example \"500ms\", \"30s\", \"15m\", \"12h\" or \"14d\"",
            );
        }
        inside.map(|millis| Self(Duration::from_millis(millis)))
    }
}

/// A number of bytes such as `64KB` (1000-based) or `32KiB` (1024-based); at least 1 byte, at most 1 TiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(u64);

impl Size {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl Parse for Size {
    const KIND: Kind = Kind::Size;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let text = text_of(node, cx, "a size such as \"10MB\"")?;
        let units = [
            ("kib", 1 << 10),
            ("mib", 1 << 20),
            ("gib", 1 << 30),
            ("kb", 1000),
            ("mb", 1_000_000),
            ("gb", 1_000_000_000),
            ("b", 1),
        ];
        let parsed = with_unit(&text.to_ascii_lowercase(), &units).filter(|bytes| (1..=1 << 40).contains(bytes));
        if parsed.is_none() {
            cx.bad_value(
                node.at,
                "a size is a whole number and a unit, more than nothing and at most 1024GiB",
                "write for example \"32KiB\" or \"10MB\"",
            );
        }
        parsed.map(Self)
    }
}

/// A number with one of the units, multiplied out.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Which log records are written: `level`, or `level,target=level,...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter in the syntax of `tracing_subscriber::EnvFilter`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Parse for LogFilter {
    const KIND: Kind = Kind::Text("log filter");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let text = text_of(node, cx, "a log level")?.to_ascii_lowercase();
        let directive = |directive: &str| {
            let (target, level) = directive.rsplit_once('=').unwrap_or(("any", directive));
            let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
            LEVELS.contains(&level) && !target.is_empty() && target.bytes().all(named)
        };
        if !text.split(',').all(directive) {
            let fix = super::nearest::nearest(&text, LEVELS).unwrap_or_else(|| "info".to_owned());
            cx.bad_value(
                node.at,
                &format!("a level is one of {}; several directives have commas between them", LEVELS.join(", ")),
                &format!("write \"{fix}\""),
            );
            return None;
        }
        Some(Self(text))
    }
}

/// Declares an enumeration that is written as one word.
macro_rules! words {
    ($(#[doc = $doc:literal])+ $vis:vis $name:ident { $($(#[doc = $line:literal])+ $word:literal $(| $other:literal)* => $variant:ident,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[doc = $line])+ $variant,)+ }

        impl $crate::config::section::Parse for $name {
            const KIND: $crate::config::section::Kind = $crate::config::section::Kind::OneOf(&[$($word $(, $other)*),+]);
            fn parse(
                node: &$crate::config::tree::Node,
                cx: &mut $crate::config::context::Context<'_>,
            ) -> Option<Self> {
                const NAMES: &[(&str, $name)] = &[$(($word, $name::$variant) $(, ($other, $name::$variant))*),+];
                $crate::config::values::one_of(node, cx, NAMES)
            }
        }
    };
}
pub(super) use words;

/// Reads one word of a list, in any case.
pub(super) fn one_of<T: Copy>(node: &Node, cx: &mut Context<'_>, names: &[(&str, T)]) -> Option<T> {
    let text = text_of(node, cx, "one word")?;
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map(|(_, value)| *value);
    if found.is_none() {
        let all: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let nearest = super::nearest::nearest(&text, all.iter().copied());
        cx.bad_value(
            node.at,
            &format!("\"{text}\" is not one of {}", all.join(", ")),
            &format!("write \"{}\"", nearest.unwrap_or_else(|| all.join("\" or \""))),
        );
    }
    found
}

/// A word that WSO2 knows more values of than Portcullis; the section that holds it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) String);

impl Parse for Word {
    const KIND: Kind = Kind::Text("word");
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        text_of(node, cx, "one word").map(|text| Self(text.to_ascii_lowercase()))
    }
}
