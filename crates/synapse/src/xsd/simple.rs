//! Simple types: built in, restricted by facets, lists and unions (XSD 1.0 part 2).

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Content, DEPTH, NAMESPACE, Qualified, Schema, Type, TypeOf};
use crate::pattern::Pattern;
use crate::xml::Element;

/// A simple type.
#[derive(Clone, Debug)]
pub(super) enum Simple {
    /// `anySimpleType`, and what has no type.
    Text,
    Named(Qualified),
    Restricted(Box<Simple>, Facets),
    List(Box<Simple>),
    Union(Vec<Simple>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Facets {
    enumeration: Vec<String>,
    /// Of one step of derivation: one of them has to match.
    patterns: Vec<Pattern>,
    length: Option<usize>,
    least: Option<usize>,
    most: Option<usize>,
    /// Whether the bound itself belongs to the type.
    minimum: Option<(String, bool)>,
    maximum: Option<(String, bool)>,
    digits: Option<usize>,
    fraction: Option<usize>,
}

impl Facets {
    pub(super) fn read(step: Element<'_>) -> Result<Self, String> {
        let mut facets = Self::default();
        for child in step.children() {
            let value = child.attribute("value").unwrap_or_default();
            let number = || {
                let wrong = |_| format!("line {} of the schema: {} is {value:?}", child.line(), child.name());
                value.trim().parse::<usize>().map_err(wrong)
            };
            match child.name() {
                "enumeration" => facets.enumeration.push(value.to_owned()),
                "pattern" => facets
                    .patterns
                    .push(Pattern::new(&java(value)).map_err(|e| format!("line {} of the schema: {e}", child.line()))?),
                "length" => facets.length = Some(number()?),
                "minLength" => facets.least = Some(number()?),
                "maxLength" => facets.most = Some(number()?),
                "minInclusive" => facets.minimum = Some((value.trim().to_owned(), true)),
                "minExclusive" => facets.minimum = Some((value.trim().to_owned(), false)),
                "maxInclusive" => facets.maximum = Some((value.trim().to_owned(), true)),
                "maxExclusive" => facets.maximum = Some((value.trim().to_owned(), false)),
                "totalDigits" => facets.digits = Some(number()?),
                "fractionDigits" => facets.fraction = Some(number()?),
                // The white space of built-in types is fixed or follows from the type.
                "whiteSpace" | "annotation" | "simpleType" => {}
                "attribute" | "attributeGroup" | "anyAttribute" => {}
                other => return Err(format!("line {} of the schema: {other} is not available", child.line())),
            }
        }
        Ok(facets)
    }

    fn check(&self, value: &str, length: usize) -> Result<(), String> {
        if !self.enumeration.is_empty() && !self.enumeration.iter().any(|one| one.trim() == value.trim()) {
            return Err(format!("{} is not one of {}", short(value), short(&self.enumeration.join(", "))));
        }
        if !self.patterns.is_empty() {
            let mut fits = false;
            for pattern in &self.patterns {
                fits |= pattern.matches(value)?;
            }
            if !fits {
                return Err(format!("{} does not match its pattern", short(value)));
            }
        }
        let bounds = [(self.length, Ordering::Equal), (self.least, Ordering::Greater), (self.most, Ordering::Less)];
        for (bound, wanted) in bounds {
            let Some(bound) = bound else { continue };
            let found = length.cmp(&bound);
            if found != Ordering::Equal && found != wanted {
                return Err(format!("{} has the length {length}, not {bound}", short(value)));
            }
        }
        for (bound, side) in [(&self.minimum, Ordering::Greater), (&self.maximum, Ordering::Less)] {
            let Some((bound, inclusive)) = bound else { continue };
            let found =
                order(value, bound).ok_or_else(|| format!("{} cannot be compared with {bound}", short(value)))?;
            if found != side && !(found == Ordering::Equal && *inclusive) {
                return Err(format!("{} is beyond {bound}", short(value)));
            }
        }
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
        let plain = value.trim().trim_start_matches(['-', '+']).trim_start_matches('0');
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let fraction = fraction.trim_end_matches('0');
        if self.digits.is_some_and(|most| digits(whole) + digits(fraction) > most)
            || self.fraction.is_some_and(|most| digits(fraction) > most)
        {
            return Err(format!("{} has too many digits", short(value)));
        }
        Ok(())
    }
}

/// A pattern of XSD as Java writes it: the classes of XML names are spelled out.
fn java(pattern: &str) -> String {
    let (mut out, mut escaped) = (String::with_capacity(pattern.len()), false);
    let mut inside = 0_u32;
    for c in pattern.chars() {
        let class = match (escaped, c) {
            (true, 'i') => Some("_:A-Za-z\u{c0}-\u{2fff}"),
            (true, 'c') => Some("-._:A-Za-z0-9\u{b7}-\u{2fff}"),
            _ => None,
        };
        if let Some(class) = class {
            out.pop();
            out.push_str(&if inside > 0 {
                class.replace('-', "\\-").replace("\\-Z", "-Z")
            } else {
                format!("[{class}]")
            });
            escaped = false;
            continue;
        }
        if !escaped {
            match c {
                '[' => inside += 1,
                ']' => inside = inside.saturating_sub(1),
                // Ordinary characters in a pattern of XSD.
                '^' if inside == 0 => out.push('\\'),
                '$' => out.push('\\'),
                _ => {}
            }
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

/// The order of numbers, else of dates and times that are written in the same form.
fn order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (left.trim(), right.trim());
    if let (Ok(left), Ok(right)) = (left.parse::<i128>(), right.parse::<i128>()) {
        return Some(left.cmp(&right));
    }
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.partial_cmp(&right);
    }
    let form = |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    (form(left) == form(right)).then(|| left.cmp(right))
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut:?}..") } else { format!("{cut:?}") }
}

impl Simple {
    /// Whether a name is one of the types that XSD brings.
    pub(super) fn is_built_in(name: &Qualified) -> bool {
        &*name.0 == NAMESPACE && (form_of(&name.1).is_some() || &*name.1 == "anyType")
    }

    /// Whether a text is of the type.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn check(&self, text: &str, schema: &Schema, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err("the type is derived from itself".to_owned());
        }
        match self {
            Self::Text => Ok(()),
            Self::Named(name) if &*name.0 == NAMESPACE => match form_of(&name.1) {
                Some(form) if form.fits(text) => Ok(()),
                Some(_) => Err(format!("{} is not of the type {}", short(text), name.1)),
                None => Ok(()),
            },
            Self::Named(name) => match schema.types.get(name).map(|kind| &**kind) {
                Some(Type::Simple(simple)) => simple.check(text, schema, depth + 1),
                // The base of a simple content may be a complex type with simple content.
                Some(Type::Complex(complex)) => match (&complex.content, &complex.base) {
                    (Content::Simple(simple), _) => simple.check(text, schema, depth + 1),
                    (_, Some((TypeOf::Named(base), _))) => Self::Named(base.clone()).check(text, schema, depth + 1),
                    _ => Ok(()),
                },
                None => Err(format!("the type {} is not declared", name.1)),
            },
            Self::Restricted(base, facets) => {
                base.check(text, schema, depth + 1)?;
                let value = if base.keeps_space(schema, 0) { text.to_owned() } else { collapse(text) };
                facets.check(&value, base.length(&value, schema, 0))
            }
            Self::List(item) => text.split_whitespace().try_for_each(|one| item.check(one, schema, depth + 1)),
            Self::Union(members) => {
                if members.iter().any(|member| member.check(text, schema, depth + 1).is_ok()) {
                    return Ok(());
                }
                Err(format!("{} is of none of the types of a union", short(text)))
            }
        }
    }

    /// The type that a restriction begins with.
    fn origin<'a>(&'a self, schema: &'a Schema, depth: usize) -> &'a Self {
        match self {
            _ if depth > DEPTH => self,
            Self::Restricted(base, _) => base.origin(schema, depth + 1),
            Self::Named(name) => match schema.types.get(name).map(|kind| &**kind) {
                Some(Type::Simple(simple)) => simple.origin(schema, depth + 1),
                Some(Type::Complex(complex)) => match &complex.content {
                    Content::Simple(simple) => simple.origin(schema, depth + 1),
                    _ => self,
                },
                None => self,
            },
            _ => self,
        }
    }

    fn keeps_space(&self, schema: &Schema, depth: usize) -> bool {
        matches!(self.origin(schema, depth), Self::Text)
            || matches!(self.origin(schema, depth), Self::Named(name) if matches!(&*name.1, "string" | "normalizedString"))
    }

    /// Characters, bytes or items, whatever the length of this type is.
    fn length(&self, text: &str, schema: &Schema, depth: usize) -> usize {
        match self.origin(schema, depth) {
            Self::List(_) => text.split_whitespace().count(),
            Self::Named(name) => match form_of(&name.1) {
                Some(Form::Hex) => text.len() / 2,
                Some(Form::Base64) => decoded(text).map_or(0, |bytes| bytes.len()),
                Some(Form::Words) => text.split_whitespace().count(),
                _ => text.chars().count(),
            },
            _ => text.chars().count(),
        }
    }
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.split_whitespace().collect::<String>()).ok()
}

/// What a built-in type looks like.
enum Form {
    Text,
    Token(fn(&str) -> bool),
    Integer(Option<i128>, Option<i128>),
    Decimal,
    Double,
    Boolean,
    /// `0` stands for a digit; a time zone may follow.
    Calendar(&'static str),
    Duration,
    Hex,
    Base64,
    Words,
}

fn form_of(name: &str) -> Option<Form> {
    let (byte, short, int, long) =
        (i128::from(i8::MAX), i128::from(i16::MAX), i128::from(i32::MAX), i128::from(i64::MAX));
    Some(match name {
        "string" | "normalizedString" | "token" | "anySimpleType" | "anyURI" => Form::Text,
        "NMTOKEN" => Form::Token(|text| text.chars().all(of_name)),
        "Name" => Form::Token(|text| begins_name(text) && text.chars().all(of_name)),
        "NCName" | "ID" | "IDREF" | "ENTITY" => Form::Token(is_local_name),
        "QName" | "NOTATION" => Form::Token(|text| text.split(':').all(is_local_name) && text.split(':').count() <= 2),
        "language" => Form::Token(|text| {
            let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
            text.split('-').all(part)
        }),
        "NMTOKENS" | "IDREFS" | "ENTITIES" => Form::Words,
        "integer" => Form::Integer(None, None),
        "nonNegativeInteger" => Form::Integer(Some(0), None),
        "positiveInteger" => Form::Integer(Some(1), None),
        "nonPositiveInteger" => Form::Integer(None, Some(0)),
        "negativeInteger" => Form::Integer(None, Some(-1)),
        "byte" => Form::Integer(Some(-byte - 1), Some(byte)),
        "short" => Form::Integer(Some(-short - 1), Some(short)),
        "int" => Form::Integer(Some(-int - 1), Some(int)),
        "long" => Form::Integer(Some(-long - 1), Some(long)),
        "unsignedByte" => Form::Integer(Some(0), Some(i128::from(u8::MAX))),
        "unsignedShort" => Form::Integer(Some(0), Some(i128::from(u16::MAX))),
        "unsignedInt" => Form::Integer(Some(0), Some(i128::from(u32::MAX))),
        "unsignedLong" => Form::Integer(Some(0), Some(i128::from(u64::MAX))),
        "decimal" => Form::Decimal,
        "double" | "float" => Form::Double,
        "boolean" => Form::Boolean,
        "date" => Form::Calendar("0000-00-00"),
        "dateTime" => Form::Calendar("0000-00-00T00:00:00"),
        "time" => Form::Calendar("00:00:00"),
        "gYear" => Form::Calendar("0000"),
        "gYearMonth" => Form::Calendar("0000-00"),
        "gMonth" => Form::Calendar("--00"),
        "gMonthDay" => Form::Calendar("--00-00"),
        "gDay" => Form::Calendar("---00"),
        "duration" => Form::Duration,
        "hexBinary" => Form::Hex,
        "base64Binary" => Form::Base64,
        _ => return None,
    })
}

fn of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')
}

fn begins_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':')
}

fn is_local_name(text: &str) -> bool {
    begins_name(text) && !text.contains(':') && text.chars().all(of_name)
}

impl Form {
    fn fits(&self, text: &str) -> bool {
        if matches!(self, Self::Text) {
            return true;
        }
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        match self {
            Self::Text => true,
            Self::Token(fits) => !text.is_empty() && fits(text),
            Self::Words => !text.is_empty() && text.split_whitespace().all(|word| word.chars().all(of_name)),
            Self::Integer(least, most) => match text.strip_prefix('+').unwrap_or(text).parse::<i128>() {
                Ok(value) => least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most),
                // Longer than any of the bounded types.
                Err(_) => {
                    let digits = text.trim_start_matches(['-', '+']);
                    let long = digits.len() > 30 && digits.bytes().all(|c| c.is_ascii_digit());
                    long && if text.starts_with('-') { least.is_none() } else { most.is_none() }
                }
            },
            Self::Decimal => {
                let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
                let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
                (!whole.is_empty() || !fraction.is_empty())
                    && whole.bytes().chain(fraction.bytes()).all(|c| c.is_ascii_digit())
            }
            Self::Double => {
                let word = text.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
                matches!(text, "INF" | "-INF" | "NaN") || !word && text.parse::<f64>().is_ok()
            }
            Self::Boolean => matches!(text, "true" | "false" | "1" | "0"),
            Self::Calendar(form) => calendar(text, form),
            Self::Duration => duration(text),
            Self::Hex => text.len().is_multiple_of(2) && text.bytes().all(|c| c.is_ascii_hexdigit()),
            Self::Base64 => decoded(text).is_some(),
        }
    }
}

/// A date or time: its form, years of more than four digits, fractions of seconds, a time zone, and values in their range.
fn calendar(text: &str, form: &str) -> bool {
    let text = if form.starts_with("0000") { text.strip_prefix('-').unwrap_or(text) } else { text };
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    let extra = if form.starts_with("0000") { year.saturating_sub(4) } else { 0 };
    let Some(text) = text.get(extra..) else { return false };
    let (Some(head), Some(rest)) = (text.get(..form.len()), text.get(form.len()..)) else { return false };
    let same = head.bytes().zip(form.bytes()).all(|(c, f)| if f == b'0' { c.is_ascii_digit() } else { c == f });
    let rest = match rest.strip_prefix('.') {
        Some(fraction) if form.ends_with(":00") => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        _ => rest,
    };
    let zone = rest.is_empty()
        || rest == "Z"
        || rest.strip_prefix(['+', '-']).is_some_and(|zone| {
            let (hours, minutes) = zone.split_once(':').unwrap_or(("", ""));
            let number = |text: &str| if text.len() == 2 { text.parse::<u32>().ok() } else { None };
            number(hours).is_some_and(|hours| hours <= 14) && number(minutes).is_some_and(|minutes| minutes < 60)
        });
    same && zone && ranges(head, form)
}

fn ranges(text: &str, form: &str) -> bool {
    let (date, time) = match form.split_once('T') {
        Some((date, _)) => (text.get(..date.len()).unwrap_or_default(), text.get(date.len() + 1..).unwrap_or_default()),
        None if form.contains(':') => ("", text),
        None => (text, ""),
    };
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
    if !time.is_empty() {
        let mut parts = time.split(':');
        let (hour, minute, second) = (number(parts.next()), number(parts.next()), number(parts.next()));
        if hour.is_none_or(|v| v > 24) || minute.is_none_or(|v| v > 59) || second.is_none_or(|v| v > 60) {
            return false;
        }
    }
    let date_form = form.split('T').next().unwrap_or_default();
    let month = match date_form {
        "0000-00-00" | "0000-00" => number(date.get(5..7)),
        "--00" | "--00-00" => number(date.get(2..4)),
        _ => Some(1),
    };
    let day = match date_form {
        "0000-00-00" => number(date.get(8..10)),
        "--00-00" => number(date.get(5..7)),
        "---00" => number(date.get(3..5)),
        _ => Some(1),
    };
    let longest = match month {
        Some(4 | 6 | 9 | 11) => 30,
        Some(2) => 29,
        _ => 31,
    };
    month.is_some_and(|month| (1..=12).contains(&month)) && day.is_some_and(|day| (1..=longest).contains(&day))
}

fn duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('-').unwrap_or(text).strip_prefix('P') else { return false };
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    let parts = |mut text: &str, units: &str| {
        let mut units = units.chars();
        while !text.is_empty() {
            let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let (number, unit) = (text.len() - digits.len(), digits.chars().next());
            let Some(unit) = unit.filter(|_| number > 0) else { return false };
            if !units.any(|known| known == unit) {
                return false;
            }
            text = digits.get(1..).unwrap_or_default();
        }
        true
    };
    !rest.is_empty() && parts(date, "YMD") && time.is_none_or(|time| !time.is_empty() && parts(time, "HMS"))
}
