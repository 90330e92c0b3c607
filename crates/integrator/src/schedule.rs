//! When tasks and processors run: intervals, and cron expressions of Quartz.

use std::time::Duration;

use model::Timestamp;
use time::{Date, Month, OffsetDateTime, Weekday};

/// Years that are searched for the next run.
const YEARS: i32 = 100;

/// A cron expression: second, minute, hour, day of the month, month, day of the week, and maybe year. UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: Days,
    months: u64,
    weekdays: Weekdays,
    years: Option<Vec<i32>>,
}

/// Days of the month.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Any,
    Of(u64),
    /// `L`, or `L-3`.
    Last(u8),
    /// `LW`: the last working day.
    LastWorking,
    /// `15W`: the working day nearest to it.
    Nearest(u8),
}

/// Days of the week; 1 is Sunday.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Weekdays {
    Any,
    Of(u64),
    /// `6L`: the last Friday.
    Last(u8),
    /// `6#3`: the third Friday.
    Nth(u8, u8),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (head, year) = match fields[..] {
            [a, b, c, d, e, f] => ([a, b, c, d, e, f], None),
            [a, b, c, d, e, f, g] => ([a, b, c, d, e, f], Some(g)),
            _ => return Err(format!("the cron expression {text:?} has {} fields, not 6 or 7", fields.len())),
        };
        let [seconds, minutes, hours, days, months, weekdays] = head;
        let wrong = |field: &str, reason: String| format!("the cron expression {text:?}: {field}: {reason}");
        let set = |field: &str, name: &str, low, high, names: &[&str], base| {
            set(field, low, high, names, base).map_err(|reason| wrong(name, reason))
        };
        let years = match year {
            None | Some("*") => None,
            Some(field) => Some(years(field).map_err(|reason| wrong("year", reason))?),
        };
        let days = days_of(days).map_err(|reason| wrong("day of the month", reason))?;
        let weekdays = weekdays_of(weekdays).map_err(|reason| wrong("day of the week", reason))?;
        Ok(Self {
            seconds: set(seconds, "second", 0, 59, &[], 0)?,
            minutes: set(minutes, "minute", 0, 59, &[], 0)?,
            hours: set(hours, "hour", 0, 23, &[], 0)?,
            days,
            months: set(months, "month", 1, 12, &MONTHS, 1)?,
            weekdays,
            years,
        })
    }

    /// The first time after this one; none when there is no more.
    pub(crate) fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let start = Timestamp::from_seconds(now.seconds().saturating_add(1)).to_utc();
        let mut date = start.date();
        let last = start.year().saturating_add(YEARS);
        let mut floor = (start.hour(), start.minute(), start.second());
        while date.year() <= last {
            if self.years.as_ref().is_some_and(|years| years.iter().all(|year| *year < date.year())) {
                return None;
            }
            if self.has_day(date)
                && let Some((hour, minute, second)) = self.time_from(floor)
            {
                let time = time::Time::from_hms(hour, minute, second).ok()?;
                let at: OffsetDateTime = date.with_time(time).assume_utc();
                return Some(Timestamp::from_seconds(at.unix_timestamp()));
            }
            floor = (0, 0, 0);
            date = date.next_day()?;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let bit = |set: u64, at: u8| set >> at & 1 == 1;
        let year = self.years.as_ref().is_none_or(|years| years.contains(&date.year()));
        year && bit(self.months, u8::from(date.month())) && self.has_day_of_month(date) && self.has_weekday(date)
    }

    fn has_day_of_month(&self, date: Date) -> bool {
        let length = date.month().length(date.year());
        match self.days {
            Days::Any => true,
            Days::Of(set) => set >> date.day() & 1 == 1,
            Days::Last(before) => date.day() + before == length,
            Days::LastWorking => date.day() == working(date.year(), date.month(), length, length),
            Days::Nearest(day) => day <= length && date.day() == working(date.year(), date.month(), day, length),
        }
    }

    fn has_weekday(&self, date: Date) -> bool {
        let own = date.weekday().number_from_sunday();
        match self.weekdays {
            Weekdays::Any => true,
            Weekdays::Of(set) => set >> own & 1 == 1,
            Weekdays::Last(day) => own == day && date.day() + 7 > date.month().length(date.year()),
            Weekdays::Nth(day, count) => own == day && (date.day() - 1) / 7 + 1 == count,
        }
    }

    fn time_from(&self, floor: (u8, u8, u8)) -> Option<(u8, u8, u8)> {
        let from = |set: u64, low: u8, high: u8| (low..=high).find(|at| set >> *at & 1 == 1);
        let mut hour = floor.0;
        let (mut minute_floor, mut second_floor) = (floor.1, floor.2);
        loop {
            let next = from(self.hours, hour, 23)?;
            if next != hour {
                (minute_floor, second_floor) = (0, 0);
            }
            hour = next;
            let mut minute = minute_floor;
            while let Some(found) = from(self.minutes, minute, 59) {
                let seconds = if found == minute_floor { second_floor } else { 0 };
                if let Some(second) = from(self.seconds, seconds, 59) {
                    return Some((hour, found, second));
                }
                minute = found + 1;
            }
            if hour == 23 {
                return None;
            }
            hour += 1;
            (minute_floor, second_floor) = (0, 0);
        }
    }
}

/// The working day of the same month that is nearest.
fn working(year: i32, month: Month, day: u8, length: u8) -> u8 {
    match Date::from_calendar_date(year, month, day).map(Date::weekday) {
        Ok(Weekday::Saturday) if day == 1 => 3,
        Ok(Weekday::Saturday) => day - 1,
        Ok(Weekday::Sunday) if day == length => day - 2,
        Ok(Weekday::Sunday) => day + 1,
        _ => day,
    }
}

fn number(text: &str, low: u8, high: u8, names: &[&str], base: u8) -> Result<u8, String> {
    let named = names.iter().zip(base..).find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, at)| at);
    match named.or_else(|| text.parse().ok()) {
        Some(at) if (low..=high).contains(&at) => Ok(at),
        _ => Err(format!("{text:?} is not one of {low} to {high}")),
    }
}

/// Lists, ranges and steps as bits.
fn set(field: &str, low: u8, high: u8, names: &[&str], base: u8) -> Result<u64, String> {
    let mut bits = 0_u64;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u8 = step.parse().map_err(|_| format!("{step:?} is not a step"))?;
                (range, Some(step).filter(|step| *step > 0).ok_or("a step of 0")?)
            }
            None => (part, 1),
        };
        let (from, to) = match range {
            "*" | "?" => (low, high),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from, low, high, names, base)?, number(to, low, high, names, base)?),
                // 5/15 is every 15 from 5 on.
                None => {
                    let from = number(range, low, high, names, base)?;
                    (from, if part.contains('/') { high } else { from })
                }
            },
        };
        let span = if from <= to { to - from } else { high - low + 1 - (from - to) };
        for offset in (0..=span).step_by(usize::from(step)) {
            let at = from + offset;
            // A range that goes over the end begins again: FRI-MON.
            bits |= 1 << if at > high { at - (high - low + 1) } else { at };
        }
    }
    Ok(bits)
}

fn days_of(field: &str) -> Result<Days, String> {
    let upper = field.to_ascii_uppercase();
    Ok(match upper.as_str() {
        "*" | "?" => Days::Any,
        "L" => Days::Last(0),
        "LW" => Days::LastWorking,
        other => {
            if let Some(before) = other.strip_prefix("L-") {
                return Ok(Days::Last(number(before, 1, 30, &[], 0)?));
            }
            match other.strip_suffix('W') {
                Some(day) => Days::Nearest(number(day, 1, 31, &[], 0)?),
                None => Days::Of(set(other, 1, 31, &[], 1)?),
            }
        }
    })
}

fn weekdays_of(field: &str) -> Result<Weekdays, String> {
    let upper = field.to_ascii_uppercase();
    if matches!(upper.as_str(), "*" | "?") {
        return Ok(Weekdays::Any);
    }
    if upper == "L" {
        return Ok(Weekdays::Of(1 << 7));
    }
    if let Some((day, count)) = upper.split_once('#') {
        return Ok(Weekdays::Nth(number(day, 1, 7, &WEEKDAYS, 1)?, number(count, 1, 5, &[], 0)?));
    }
    match upper.strip_suffix('L') {
        Some(day) => Ok(Weekdays::Last(number(day, 1, 7, &WEEKDAYS, 1)?)),
        None => Ok(Weekdays::Of(set(&upper, 1, 7, &WEEKDAYS, 1)?)),
    }
}

fn years(field: &str) -> Result<Vec<i32>, String> {
    let mut found = Vec::new();
    let year = |text: &str| match text.parse::<i32>() {
        Ok(year) if (1970..=2199).contains(&year) => Ok(year),
        _ => Err(format!("{text:?} is not one of 1970 to 2199")),
    };
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0).ok_or("a step of 0")?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (year(from)?, year(to)?),
            None if range == "*" => (1970, 2199),
            None if part.contains('/') => (year(range)?, 2199),
            None => (year(range)?, year(range)?),
        };
        found.extend((from..=to).step_by(step));
    }
    Ok(found)
}

/// When something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// At once, and then every so often.
    Every(Duration),
    /// When the expression says so.
    Cron(Cron),
}

impl Schedule {
    /// How long to wait for the next run; none when there is no more. `first` is true for the first run.
    pub(crate) fn wait(&self, now: Timestamp, first: bool) -> Option<Duration> {
        match self {
            Self::Every(_) if first => Some(Duration::ZERO),
            // Without a pause a schedule would take a core for itself.
            Self::Every(every) => Some((*every).max(Duration::from_millis(1))),
            Self::Cron(cron) => cron.after(now).map(|at| at.since(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cron;
    use model::Timestamp;

    fn next(expression: &str, from: &str) -> String {
        let at = time::OffsetDateTime::parse(from, &time::format_description::well_known::Rfc3339).unwrap();
        let cron = Cron::parse(expression).unwrap_or_else(|error| panic!("{error}"));
        match cron.after(Timestamp::from_seconds(at.unix_timestamp())) {
            Some(at) => at.rfc3339().replace(".000Z", "Z"),
            None => "never".to_owned(),
        }
    }

    #[test]
    fn the_next_time_is_the_one_of_quartz() {
        // 2026-11-22 is a Sunday.
        for (expression, from, expected) in [
            ("0/5 * * * * ?", "2026-11-22T01:02:03Z", "2026-11-22T01:02:05Z"),
            ("0/5 * * * * ?", "2026-11-22T01:02:05Z", "2026-11-22T01:02:10Z"),
            ("0 0 12 * * ?", "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"),
            ("0 15 10 ? * MON-FRI", "2026-11-22T01:00:00Z", "2026-11-23T10:15:00Z"),
            ("0 15 10 L * ?", "2026-02-22T01:00:00Z", "2026-02-28T10:15:00Z"),
            ("0 15 10 L-3 * ?", "2026-02-22T01:00:00Z", "2026-02-25T10:15:00Z"),
            ("0 0 0 ? * 6#3", "2026-11-22T01:00:00Z", "2026-12-18T00:00:00Z"),
            ("0 0 0 ? * 6L", "2026-11-22T01:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 0 15W * ?", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z"),
            ("0 0 0 LW * ?", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z"),
            ("0 0 0 29 2 ?", "2026-11-22T01:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 0 31 2 ?", "2026-11-22T01:00:00Z", "never"),
            ("59 59 23 31 DEC ? 2026", "2026-11-22T01:00:00Z", "2026-12-31T23:59:59Z"),
            ("0 0 0 1 1 ? 2020", "2026-11-22T01:00:00Z", "never"),
            ("0 0 0 ? * FRI-MON", "2026-11-23T01:00:00Z", "2026-11-27T00:00:00Z"),
            ("30 10,20 3-4 * * ?", "2026-11-22T04:20:30Z", "2026-11-23T03:10:30Z"),
        ] {
            assert_eq!(next(expression, from), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_not_cron_is_told() {
        for expression in [
            "",
            "* * * * *",
            "60 * * * * ?",
            "0 0 0 32 * ?",
            "0/0 * * * * ?",
            "0 0 0 ? * 8",
            "a * * * * ?",
            "0 0 0 ? * MON#6",
            "0 0 0 * FOO ?",
            "0 0 0 é * ?",
        ] {
            assert!(Cron::parse(expression).is_err(), "{expression}");
        }
    }
}
