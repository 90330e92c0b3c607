//! Charts as SVG, drawn here: line, stacked bars, histogram. Each has its table for those who cannot see it, and the table
//! has what the picture has.

use askama::Template;

use super::Html;

/// What kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line for each series.
    Line,
    /// A bar for each label, the series on top of each other.
    Stacked,
    /// Bars without gaps, of the first series.
    Histogram,
}

/// Numbers with a name. There are at most six colours: later series repeat them.
pub(crate) struct Series {
    name: String,
    values: Vec<f64>,
}

impl Series {
    /// A value for each label; what is missing counts as none.
    pub(crate) fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values }
    }

    /// The same of counts.
    pub(crate) fn counts(name: impl Into<String>, values: impl Iterator<Item = u64>) -> Self {
        // A picture of more than four thousand million calls in an hour says the same as one of so many.
        Self::new(name, values.map(|v| f64::from(u32::try_from(v).unwrap_or(u32::MAX))).collect())
    }

    fn value(&self, index: usize) -> f64 {
        self.values.get(index).copied().filter(|v| v.is_finite() && *v > 0.0).unwrap_or(0.0)
    }
}

/// A rectangle or a line, in the picture's units.
struct Mark {
    class: usize,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    points: String,
    title: String,
}

/// A picture with its table.
#[derive(Template)]
#[template(path = "components/chart.html")]
pub(crate) struct Chart {
    title: String,
    unit: String,
    labels: Vec<String>,
    series: Vec<Series>,
    marks: Vec<Mark>,
    top: String,
    first: String,
    last: String,
}

/// Size of the plot, in the picture's units; CSS scales it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;
const COLOURS: usize = 6;

impl Chart {
    /// `labels` are those of the horizontal axis, `unit` is what is counted, as in `calls` or `ms`.
    pub(crate) fn new(
        shape: Shape,
        title: impl Into<String>,
        unit: impl Into<String>,
        labels: Vec<String>,
        series: Vec<Series>,
    ) -> Self {
        let top = top(shape, labels.len(), &series);
        let marks = match shape {
            Shape::Line => lines(labels.len(), &series, top),
            Shape::Stacked => bars(&labels, &series, top, 0.7),
            Shape::Histogram => bars(&labels, series.get(..1).unwrap_or(&series), top, 0.98),
        };
        let first = labels.first().cloned().unwrap_or_default();
        let last = if labels.len() > 1 { labels.last().cloned().unwrap_or_default() } else { String::new() };
        let (title, unit) = (title.into(), unit.into());
        Self { title, unit, labels, series, marks, top: number(top), first, last }
    }

    /// Rendered.
    pub(crate) fn html(&self) -> Html {
        Html::of(self)
    }

    /// Name and value of each series for a label.
    fn row(&self, index: &usize) -> Vec<(&str, String)> {
        self.series.iter().map(|s| (s.name.as_str(), number(s.value(*index)))).collect()
    }
}

/// As in `12` or `0.5`.
fn number(value: f64) -> String {
    if (value - value.round()).abs() < 0.005 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The value at the top of the plot, never 0.
fn top(shape: Shape, labels: usize, series: &[Series]) -> f64 {
    let of_label = |i: usize| match shape {
        Shape::Stacked => series.iter().map(|s| s.value(i)).sum::<f64>(),
        Shape::Line | Shape::Histogram => series.iter().map(|s| s.value(i)).fold(0.0, f64::max),
    };
    let highest = (0..labels).map(of_label).fold(0.0, f64::max);
    if highest > 0.0 { highest } else { 1.0 }
}

/// An index as a coordinate: lists here have far fewer than 2^32 entries.
fn coordinate(index: usize) -> f64 {
    f64::from(u32::try_from(index).unwrap_or(u32::MAX))
}

fn lines(labels: usize, series: &[Series], top: f64) -> Vec<Mark> {
    let step = WIDTH / coordinate(labels.saturating_sub(1).max(1));
    let line = |(class, one): (usize, &Series)| {
        let point = |i: usize| format!("{:.1},{:.1}", coordinate(i) * step, HEIGHT - one.value(i) / top * HEIGHT);
        let points = (0..labels).map(point).collect::<Vec<_>>().join(" ");
        Mark { class: class % COLOURS, x: 0.0, y: 0.0, width: 0.0, height: 0.0, points, title: one.name.clone() }
    };
    series.iter().enumerate().map(line).collect()
}

fn bars(labels: &[String], series: &[Series], top: f64, share: f64) -> Vec<Mark> {
    let step = WIDTH / coordinate(labels.len().max(1));
    let mut marks = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let mut y = HEIGHT;
        for (class, one) in series.iter().enumerate() {
            let value = one.value(index);
            let height = value / top * HEIGHT;
            y -= height;
            let x = coordinate(index).mul_add(step, step * (1.0 - share) / 2.0);
            let title = format!("{label}: {} {}", number(value), one.name);
            let class = class % COLOURS;
            if value > 0.0 {
                marks.push(Mark { class, x, y, width: step * share, height, points: String::new(), title });
            }
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::{Chart, Series, Shape};

    fn chart(shape: Shape, values: &[&[f64]]) -> String {
        let labels = (0..values[0].len()).map(|i| format!("<{i}>")).collect();
        let series = values.iter().enumerate().map(|(i, v)| Series::new(format!("s{i}"), v.to_vec())).collect();
        Chart::new(shape, "Calls", "calls", labels, series).html().to_string()
    }

    #[test]
    fn the_highest_reaches_the_top_and_nothing_goes_beyond() {
        let html = chart(Shape::Line, &[&[0.0, 5.0, 10.0]]);
        assert!(html.contains("points=\"0.0,160.0 300.0,80.0 600.0,0.0\""), "{html}");
        let html = chart(Shape::Stacked, &[&[1.0, 0.0], &[3.0, 2.0]]);
        assert!(
            html.contains("y=\"120.0\"") && html.contains("y=\"0.0\"") && html.contains("height=\"80.0\""),
            "{html}"
        );
        let (_, plot) = html.split_once("class=\"grid\"").unwrap();
        assert_eq!(plot.matches("<rect").count(), 3, "what is nothing is not drawn");
    }

    #[test]
    fn broken_numbers_and_empty_lists_draw_nothing() {
        let html = chart(Shape::Histogram, &[&[f64::NAN, f64::INFINITY, -1.0]]);
        assert!(!html.contains("NaN") && !html.contains("inf") && !html.contains("<rect"), "{html}");
        let html = Chart::new(Shape::Line, "Calls", "calls", Vec::new(), Vec::new()).html().to_string();
        assert!(html.contains("Calls") && !html.contains("NaN"), "{html}");
    }

    #[test]
    fn the_table_has_every_number() {
        let html = chart(Shape::Stacked, &[&[1.0, 0.5]]);
        let (_, table) = html.split_once("<table").unwrap();
        assert!(table.contains("<td class=\"number\" data-label=\"s0\">1</td>") && table.contains(">0.50<"), "{table}");
        assert!(table.contains("&#60;0&#62;"), "labels are escaped: {table}");
    }
}
