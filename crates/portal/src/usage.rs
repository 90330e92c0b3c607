//! Usage as a page of any console shows it: calls over time by their outcome, how long they took, and who made them.

use control::{UsageReport, UsageShare, UsageSpan};

use crate::ui::{Card, Chart, Chip, Column, Empty, Facts, Html, Page, Series, Shape, Table};

/// Outcomes in the order of the totals.
const OUTCOMES: [&str; 4] = ["Success (2xx)", "Redirect (3xx)", "Refused (4xx)", "Failed (5xx)"];

/// How far back, with the value of the query parameter `span` and a name for people.
const SPANS: [(UsageSpan, &str, &str); 4] = [
    (UsageSpan::Day, "day", "Last 24 hours"),
    (UsageSpan::Week, "week", "Last 7 days"),
    (UsageSpan::Month, "month", "Last 30 days"),
    (UsageSpan::Year, "year", "Last year"),
];

/// The span that a query parameter asks for; a week for any other value.
pub(crate) fn span(text: Option<&str>) -> UsageSpan {
    SPANS.into_iter().find(|(_, key, _)| text == Some(*key)).map_or(UsageSpan::Week, |(span, _, _)| span)
}

/// The choice of the span. `path` is the page's own, without a query.
pub(crate) fn chips(path: &str, chosen: UsageSpan) -> Vec<Chip> {
    let chip =
        |(span, key, label): (UsageSpan, &str, &str)| Chip::new(label, format!("{path}?span={key}"), span == chosen);
    SPANS.into_iter().map(chip).collect()
}

/// Adds a report to a page. `path` is the page's own, without a query; `empty` says what to do when nothing was called.
pub(crate) fn show(page: Page, report: &UsageReport, chosen: UsageSpan, path: &str, empty: Empty) -> Page {
    let page = page.add(&Table::new("Time", Vec::new()).chips(chips(path, chosen)));
    if report.totals.calls() == 0 {
        return page.add(&empty);
    }
    let hours = matches!(chosen, UsageSpan::Day | UsageSpan::Week);
    let label = |rfc3339: String| -> String {
        let wanted = if hours { 16 } else { 10 };
        rfc3339.chars().take(wanted).collect::<String>().replace('T', " ")
    };
    let labels = report.points.iter().map(|point| label(point.start.rfc3339())).collect();
    let series = OUTCOMES.into_iter().enumerate().map(|(index, name)| {
        let counts = report.points.iter().map(|point| count(point.totals.answers.get(index).copied().unwrap_or(0)));
        Series::new(name, counts.collect())
    });
    let chart = Chart::new(Shape::Stacked, "Calls by outcome", "calls", labels, series.collect());
    let facts = Facts::new()
        .text("Calls", &report.totals.calls().to_string())
        .text("Refused or failed", &report.totals.errors().to_string())
        .text("Mean time", &time(report.totals.mean_micros()))
        // Without a bound: slower than what is told apart.
        .text("95 % are faster than", &report.totals.quantile_micros(0.95).map(time).unwrap_or_default());
    let page = page.html(chart.html()).add(&Card::new("Together").add(&facts));
    [("APIs", &report.apis), ("Applications", &report.applications), ("Plans", &report.plans)]
        .into_iter()
        .filter(|(_, shares)| shares.len() > 1)
        .fold(page, |page, (title, list)| page.heading(title, "").add(&shares(title, list)))
}

/// Who is behind the calls: applications, plans or APIs.
pub(crate) fn shares(title: &str, shares: &[UsageShare]) -> Table {
    let columns = vec![
        Column::new(title),
        Column::number("Calls"),
        Column::number("Refused or failed"),
        Column::number("Mean time"),
    ];
    let mut table = Table::new(title, columns);
    for share in shares {
        table.row(vec![
            Html::text(&share.name),
            Html::text(share.totals.calls()),
            Html::text(share.totals.errors()),
            Html::text(time(share.totals.mean_micros())),
        ]);
    }
    table
}

/// A count as a height. Beyond 2^32 a picture shows no difference.
fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// As in `2.5 ms`.
pub(crate) fn time(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}
