//! Dates as Java formats them.

use model::Timestamp;
use time::OffsetDateTime;

/// The format of `SYSTEM_DATE` without a pattern, `yyyy-MM-dd'T'HH:mm:ss.SSSZ` in UTC.
pub(crate) fn default_date(now: Timestamp) -> String {
    format(now, "yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
}

/// `java.text.SimpleDateFormat`, English, UTC. Letters it does not know are left as they are.
pub(crate) fn format(at: Timestamp, pattern: &str) -> String {
    let date = at.to_utc();
    let chars: Vec<char> = pattern.chars().take(256).collect();
    let mut out = String::new();
    let mut index = 0;
    while let Some(c) = chars.get(index).copied() {
        if c == '\'' {
            index = quoted(&chars, index, &mut out);
            continue;
        }
        let run = chars.iter().skip(index).take_while(|other| **other == c).count();
        if c.is_ascii_alphabetic() {
            field(date, c, run, &mut out);
        } else {
            out.extend(std::iter::repeat_n(c, run));
        }
        index += run;
    }
    out
}

/// Reads year, month, day, and what follows of hour, minute, second and milliseconds, in this order.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let numbers: Vec<i64> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map_while(|part| part.parse().ok())
        .collect();
    let at = |index: usize| numbers.get(index).copied();
    let month = u8::try_from(at(1)?).ok().and_then(|month| time::Month::try_from(month).ok())?;
    let date = time::Date::from_calendar_date(i32::try_from(at(0)?).ok()?, month, u8::try_from(at(2)?).ok()?).ok()?;
    let part = |index: usize| u8::try_from(at(index).unwrap_or(0)).ok();
    let clock = time::Time::from_hms(part(3)?, part(4)?, part(5)?).ok()?;
    let seconds = time::PrimitiveDateTime::new(date, clock).assume_utc().unix_timestamp();
    Some(Timestamp::from_millis(seconds * 1000 + at(6).filter(|millis| *millis < 1000).unwrap_or(0)))
}

fn quoted(chars: &[char], from: usize, out: &mut String) -> usize {
    let mut index = from + 1;
    if chars.get(index) == Some(&'\'') {
        out.push('\'');
        return index + 1;
    }
    while let Some(c) = chars.get(index).copied() {
        index += 1;
        if c == '\'' {
            if chars.get(index) == Some(&'\'') {
                out.push('\'');
                index += 1;
                continue;
            }
            break;
        }
        out.push(c);
    }
    index
}

fn field(date: OffsetDateTime, letter: char, width: usize, out: &mut String) {
    let padded = |value: i32| format!("{value:0width$}");
    let hour = i32::from(date.hour());
    let text = match letter {
        'y' | 'u' | 'Y' if width == 2 => format!("{:02}", date.year().rem_euclid(100)),
        'y' | 'u' | 'Y' => padded(date.year()),
        'M' | 'L' if width >= 4 => date.month().to_string(),
        'M' | 'L' if width == 3 => date.month().to_string().chars().take(3).collect(),
        'M' | 'L' => padded(i32::from(u8::from(date.month()))),
        'd' => padded(i32::from(date.day())),
        'D' => padded(i32::from(date.ordinal())),
        'E' if width >= 4 => date.weekday().to_string(),
        'E' => date.weekday().to_string().chars().take(3).collect(),
        'e' => padded(i32::from(date.weekday().number_from_monday())),
        'w' => padded(i32::from(date.iso_week())),
        'H' => padded(hour),
        'k' => padded(if hour == 0 { 24 } else { hour }),
        'h' => padded(if hour % 12 == 0 { 12 } else { hour % 12 }),
        'K' => padded(hour % 12),
        'm' => padded(i32::from(date.minute())),
        's' => padded(i32::from(date.second())),
        'S' => padded(i32::from(date.millisecond())),
        'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        'z' => "UTC".to_owned(),
        'Z' => "+0000".to_owned(),
        'X' => "Z".to_owned(),
        'G' => "AD".to_owned(),
        other => std::iter::repeat_n(other, width).collect(),
    };
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use super::format;
    use model::Timestamp;

    #[test]
    fn java_patterns() {
        let at = Timestamp::from_millis(1_795_288_511_042);
        for (pattern, expected) in [
            ("yyyy.MM.dd", "2026.11.21"),
            ("HH:mm:ss", "19:15:11"),
            ("EEE, d MMM yyyy hh:mm a", "Sat, 21 Nov 2026 07:15 PM"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2026-11-21T19:15:11.042Z"),
            ("''yy''", "'26'"),
        ] {
            assert_eq!(format(at, pattern), expected);
        }
    }
}
