//! Who calls an API, how often, how fast, and how it is answered.

use std::sync::Arc;

use control::{UsageQuery, UsageReport, UsageSpan, UsageSubject};
use model::{Timestamp, USAGE_BOUNDS, UsageTotals};
use web::{Answer, Call, Permit};

use super::context::Here;
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Card, Chart, Chips, Empty, Facts, Html, Series, Shape, day, minute};
use crate::usage::{shares, time};

/// Classes of answers, as they are counted.
const CLASSES: [&str; 4] = ["Good (2xx)", "Redirected (3xx)", "Refused (4xx)", "Failed (5xx)"];

/// Numbers, pictures, and who is behind them.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "usage").await?;
    let span = crate::usage::span(call.query("span"));
    let query = UsageQuery { subject: UsageSubject::Api(here.id), span };
    let report = portal.control.usage(&here.actor, &query).await?;
    let page = here
        .page("Usage")
        .lead("What the gateways counted. It is up to date within 15 seconds.")
        .add(&Chips::new("Time", crate::usage::chips(&here.path("usage"), span)));
    if report.totals.calls() == 0 {
        let empty = Empty::new(
            "No calls in this time",
            "Calls are counted once an application is subscribed, or a test key is used.",
        )
        .action("Test it", here.path("test"));
        return here.frame.answer(page.add(&empty));
    }
    let page = page
        .add(&Card::new("In this time").add(&facts(&report.totals)))
        .html(answers(&report, span).html())
        .html(times(&report, span).html())
        .html(speed(&report.totals).html())
        .add(&shares("Applications", &report.applications))
        .add(&shares("Business plans", &report.plans));
    here.frame.answer(page)
}

fn facts(totals: &UsageTotals) -> Facts {
    let (calls, errors) = (totals.calls(), totals.errors());
    let tenths = errors.saturating_mul(1000).checked_div(calls).unwrap_or_default();
    let share = format!("{errors}, {}.{} %", tenths / 10, tenths % 10);
    let quantile = |share: f64| {
        totals.quantile_micros(share).map_or_else(|| "over 5 s".to_owned(), |m| format!("at most {}", time(m)))
    };
    Facts::new()
        .fact("Calls", Html::text(calls))
        .fact("Refused or failed", Html::text(share))
        .fact("Mean time", Html::text(time(totals.mean_micros())))
        .fact("95 of 100 took", Html::text(quantile(0.95)))
        .fact("Received", Html::text(bytes(totals.bytes_in)))
        .fact("Sent", Html::text(bytes(totals.bytes_out)))
}

/// As in `1.2 MiB`.
fn bytes(count: u64) -> String {
    let mut unit = 1_u64;
    let mut name = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if count / unit < 1024 {
            break;
        }
        unit = unit.saturating_mul(1024);
        name = next;
    }
    if unit == 1 {
        return format!("{count} B");
    }
    let tenths = count.saturating_mul(10).checked_div(unit).unwrap_or_default();
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// The names of the points: hours or days.
fn labels(report: &UsageReport, span: UsageSpan) -> Vec<String> {
    let label = |start: Timestamp| match span {
        UsageSpan::Day | UsageSpan::Week => minute(start),
        UsageSpan::Month | UsageSpan::Year => day(start),
    };
    report.points.iter().map(|point| label(point.start)).collect()
}

fn times(report: &UsageReport, span: UsageSpan) -> Chart {
    let means = report.points.iter().map(|point| point.totals.mean_micros() / 1000);
    let series = vec![Series::counts("Mean time", means)];
    Chart::new(Shape::Line, "Mean time of a call", "ms", labels(report, span), series)
}

fn answers(report: &UsageReport, span: UsageSpan) -> Chart {
    let labels = labels(report, span);
    let series = |(index, name): (usize, &&str)| {
        Series::counts(*name, report.points.iter().map(|p| p.totals.answers.get(index).copied().unwrap_or_default()))
    };
    Chart::new(Shape::Stacked, "Calls by answer", "calls", labels, CLASSES.iter().enumerate().map(series).collect())
}

fn speed(totals: &UsageTotals) -> Chart {
    let mut labels: Vec<String> = USAGE_BOUNDS.iter().map(|bound| format!("up to {}", time(*bound))).collect();
    labels.push("longer".to_owned());
    let series = Series::counts("Calls", totals.buckets.iter().copied());
    Chart::new(Shape::Histogram, "Calls by time", "calls", labels, vec![series])
}

#[cfg(test)]
mod tests {
    use super::bytes;
    use crate::usage::time;

    #[test]
    fn numbers_have_their_units() {
        assert_eq!([0, 999, 2_500, 12_000, 5_000_000].map(time), ["0.0 ms", "0.9 ms", "2.5 ms", "12 ms", "5.0 s"]);
        assert_eq!([0, 1023, 1024, 1_572_864].map(bytes), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
        assert!(bytes(u64::MAX).ends_with("TiB"));
    }
}
