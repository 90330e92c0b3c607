//! A list: columns that sort by links, filter chips, pages by cursor, and what to do when there is nothing. Under 640 px
//! every row is a card.

use askama::Template;

use super::{Empty, Html};

/// A column.
pub(crate) struct Column {
    label: String,
    /// Link that sorts by it, and what it is sorted by now: `ascending`, `descending` or nothing.
    sort: Option<(String, &'static str)>,
    number: bool,
    hidden: bool,
}

impl Column {
    /// A column of text.
    pub(crate) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), sort: None, number: false, hidden: false }
    }

    /// A column of numbers, which stand to the right.
    pub(crate) fn number(label: impl Into<String>) -> Self {
        Self { number: true, ..Self::new(label) }
    }

    /// A column of buttons: its heading is only read out.
    pub(crate) fn actions() -> Self {
        Self { hidden: true, ..Self::new("Actions") }
    }

    /// Sorts by a link. `key` is what the query parameter `sort` has for it, `sorted` its value now: the key, or the key
    /// after a minus. `base` is path and query up to the parameter, as in `/publisher/apis?query=x&`.
    #[must_use]
    pub(crate) fn sorts(mut self, base: &str, key: &str, sorted: &str) -> Self {
        let state = match sorted.strip_prefix('-') {
            Some(rest) if rest == key => "descending",
            None if sorted == key => "ascending",
            _ => "",
        };
        let next = if state == "ascending" { format!("-{key}") } else { key.to_owned() };
        self.sort = Some((format!("{base}sort={next}"), state));
        self
    }
}

/// A filter that is a link.
pub(crate) struct Chip {
    pub(crate) label: String,
    pub(crate) path: String,
    pub(crate) on: bool,
}

impl Chip {
    /// A chip; `on` when the list is filtered by it.
    pub(crate) fn new(label: impl Into<String>, path: impl Into<String>, on: bool) -> Self {
        Self { label: label.into(), path: path.into(), on }
    }
}

/// Filters that stand alone, above something that is no list.
#[derive(Template)]
#[template(path = "components/chips.html")]
pub(crate) struct Chips {
    label: String,
    chips: Vec<Chip>,
}

impl Chips {
    /// Filters with what they are about.
    pub(crate) fn new(label: impl Into<String>, chips: Vec<Chip>) -> Self {
        Self { label: label.into(), chips }
    }
}

/// Links to the pages before and after.
#[derive(Default)]
pub(crate) struct Pager {
    /// As in `1 to 25 of 1 024`.
    pub(crate) place: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Pager {
    /// Cuts one page out of a list. `base` is path and query up to the parameter `from`, as in `/publisher/apis?`.
    pub(crate) fn cut<T>(list: Vec<T>, from: usize, size: usize, base: &str) -> (Vec<T>, Self) {
        let total = list.len();
        let from = if from < total { from } else { 0 };
        let shown: Vec<T> = list.into_iter().skip(from).take(size).collect();
        let pager = Self::of(from, shown.len(), size, total, base);
        (shown, pager)
    }

    /// For a list that was cut already: `shown` of `total` from `from` on.
    pub(crate) fn of(from: usize, shown: usize, size: usize, total: usize, base: &str) -> Self {
        let end = from.saturating_add(shown);
        let link = |at: usize| format!("{base}from={at}");
        let place = match total {
            0 => String::new(),
            _ => format!("{} to {end} of {total}", from.saturating_add(1)),
        };
        let before = (from > 0).then(|| link(from.saturating_sub(size)));
        let after = (end < total).then(|| link(end));
        Self { place, before, after }
    }
}

/// The list.
#[derive(Default, Template)]
#[template(path = "components/table.html")]
pub(crate) struct Table {
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Html>>,
    chips: Option<Chips>,
    pager: Pager,
    empty: Option<Empty>,
}

impl Table {
    /// A list; the caption names it for those who hear it.
    pub(crate) fn new(caption: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { caption: caption.into(), columns, ..Self::default() }
    }

    /// Filters above.
    #[must_use]
    pub(crate) fn chips(mut self, chips: Vec<Chip>) -> Self {
        self.chips = Some(Chips::new("Filters", chips));
        self
    }

    /// Pages below.
    #[must_use]
    pub(crate) fn pager(mut self, pager: Pager) -> Self {
        self.pager = pager;
        self
    }

    /// What stands there instead of no rows.
    #[must_use]
    pub(crate) fn empty(mut self, empty: Empty) -> Self {
        self.empty = Some(empty);
        self
    }

    /// A row: a cell for each column. The first cell is the heading of the row.
    pub(crate) fn row(&mut self, cells: Vec<Html>) {
        self.rows.push(cells);
    }

    /// The cells of a row with their columns.
    fn cells<'a>(&'a self, row: &'a [Html]) -> impl Iterator<Item = (&'a Column, &'a Html)> {
        self.columns.iter().zip(row)
    }
}
