//! Values between messages and databases.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::SqlError;

/// A value of a database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    /// A number with more digits than the others hold, as text.
    Decimal(String),
    Boolean(bool),
    Text(String),
    Date(String),
    Time(String),
    /// `2026-11-22T01:02:03.000+00:00`
    Timestamp(String),
    Uuid(String),
    Bytes(Vec<u8>),
}

impl Cell {
    /// As results write it; nothing for NULL.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Integer(value) => value.to_string(),
            Self::Real(value) => real(*value),
            Self::Boolean(value) => value.to_string(),
            Self::Decimal(text)
            | Self::Text(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Uuid(text) => text.clone(),
            Self::Bytes(bytes) => BASE64.encode(bytes),
        })
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Decimal(text)
            | Self::Text(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Uuid(text) => text.len() + 24,
            Self::Bytes(bytes) => bytes.len() + 24,
            Self::Null | Self::Integer(_) | Self::Real(_) | Self::Boolean(_) => 16,
        }
    }
}

/// As Java writes a double, without exponent.
fn real(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.1}") } else { value.to_string() }
}

/// What an SQL type of an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Real,
    Decimal,
    Boolean,
    Date,
    Time,
    Timestamp,
    Uuid,
    Bytes,
}

/// Reads the name of a type, as data services and `dblookup` write it.
pub(crate) fn kind_of(name: &str) -> Kind {
    match name.to_ascii_uppercase().as_str() {
        "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "LONG" => Kind::Integer,
        "DOUBLE" | "FLOAT" | "REAL" => Kind::Real,
        "NUMERIC" | "DECIMAL" => Kind::Decimal,
        "BIT" | "BOOLEAN" => Kind::Boolean,
        "DATE" => Kind::Date,
        "TIME" => Kind::Time,
        "TIMESTAMP" => Kind::Timestamp,
        "UUID" => Kind::Uuid,
        "BINARY" | "BLOB" | "VARBINARY" | "LONGVARBINARY" => Kind::Bytes,
        _ => Kind::Text,
    }
}

/// Text of a message as a value of a type.
pub(crate) fn cell(text: &str, kind: Kind) -> Result<Cell, SqlError> {
    let trimmed = text.trim();
    let wrong = || SqlError::Value(format!("{:?} is not a value of the type {kind:?}", clipped(text)));
    Ok(match kind {
        Kind::Text => Cell::Text(text.to_owned()),
        Kind::Integer => Cell::Integer(trimmed.parse().map_err(|_| wrong())?),
        Kind::Real => Cell::Real(trimmed.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(wrong)?),
        Kind::Decimal => {
            let digits = trimmed.trim_start_matches(['-', '+']);
            let valid = !digits.is_empty()
                && digits.len() <= 1000
                && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
                && digits.matches('.').count() <= 1
                && digits != ".";
            if valid { Cell::Decimal(trimmed.to_owned()) } else { return Err(wrong()) }
        }
        Kind::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" | "yes" => Cell::Boolean(true),
            "false" | "0" | "f" | "no" => Cell::Boolean(false),
            _ => return Err(wrong()),
        },
        Kind::Date => Cell::Date(date(trimmed).ok_or_else(wrong)?.to_owned()),
        Kind::Time => Cell::Time(time_of_day(trimmed).ok_or_else(wrong)?),
        Kind::Timestamp => Cell::Timestamp(timestamp(trimmed).ok_or_else(wrong)?),
        Kind::Uuid => Cell::Uuid(uuid::Uuid::parse_str(trimmed).map_err(|_| wrong())?.to_string()),
        Kind::Bytes => {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            Cell::Bytes(BASE64.decode(compact).map_err(|_| wrong())?)
        }
    })
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `yyyy-MM-dd` of the Gregorian calendar; a zone of XML Schema may follow and is dropped.
fn date(text: &str) -> Option<&str> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
    time::Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    zone(rest).then_some(date)
}

fn zone(text: &str) -> bool {
    match text.chars().next() {
        None => true,
        Some('Z') => text.len() == 1,
        Some('+' | '-') => {
            text.len() == 6
                && text.char_indices().skip(1).all(|(at, c)| if at == 3 { c == ':' } else { c.is_ascii_digit() })
        }
        Some(_) => false,
    }
}

/// `hh:mm[:ss[.fraction]]`
fn time_of_day(text: &str) -> Option<String> {
    let end = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, rest) = text.split_at_checked(end)?;
    let mut parts = clock.split(':');
    let (hour, minute) = (parts.next()?.parse::<u8>().ok()?, parts.next()?.parse::<u8>().ok()?);
    let second = parts.next().unwrap_or("00");
    let whole: u8 = second.split('.').next()?.parse().ok()?;
    let digits = second.chars().all(|c| c.is_ascii_digit() || c == '.') && second.len() <= 12;
    (hour < 24 && minute < 60 && whole < 61 && digits && parts.next().is_none() && zone(rest))
        .then(|| format!("{hour:02}:{minute:02}:{second}{rest}"))
}

fn timestamp(text: &str) -> Option<String> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = date(day)?;
    let clock = match rest.strip_prefix(['T', ' ']) {
        Some(rest) => time_of_day(rest)?,
        None if rest.is_empty() => "00:00:00".to_owned(),
        None => return None,
    };
    Some(format!("{day}T{clock}"))
}

#[cfg(test)]
mod tests {
    use super::{Cell, cell, kind_of};

    #[test]
    fn text_becomes_what_its_type_says_or_is_refused() {
        for (text, kind, expected) in [
            (" 12 ", "INTEGER", Some(Cell::Integer(12))),
            ("12; drop table x", "INTEGER", None),
            ("1e400", "DOUBLE", None),
            ("NaN", "DOUBLE", None),
            ("1.50", "NUMERIC", Some(Cell::Decimal("1.50".into()))),
            ("1.5.0", "NUMERIC", None),
            ("2024-02-30", "DATE", None),
            ("2024-02-29+05:30", "DATE", Some(Cell::Date("2024-02-29".into()))),
            ("2024-02-29 10:11:12.5", "TIMESTAMP", Some(Cell::Timestamp("2024-02-29T10:11:12.5".into()))),
            ("2024-02-29T25:11:12", "TIMESTAMP", None),
            ("2024-02-29T10:11:12Z", "TIMESTAMP", Some(Cell::Timestamp("2024-02-29T10:11:12Z".into()))),
            ("aGk=", "BINARY", Some(Cell::Bytes(b"hi".to_vec()))),
            ("aGk", "BINARY", None),
            ("x' or 1=1", "STRING", Some(Cell::Text("x' or 1=1".into()))),
            ("maybe", "BIT", None),
            ("é2024-02-", "DATE", None),
        ] {
            assert_eq!(cell(text, kind_of(kind)).ok(), expected, "{text} {kind}");
        }
    }
}
