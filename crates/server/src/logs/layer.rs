//! From a `tracing` event to one line.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use model::{Clock, Rng};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::escape::{push_human, push_json};
use super::writer::Queue;

/// Longest value of one field, bytes; what is longer is cut.
const VALUE_LIMIT: usize = 8 * 1024;

/// The field that carries the tenant.
const TENANT: &str = "tenant";

/// How records look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people.
    Human {
        /// Whether levels are coloured.
        colour: bool,
    },
    /// One JSON object per line.
    Json,
}

/// Turns events into lines and hands them to the writer.
pub(super) struct RecordLayer {
    style: Style,
    queue: Queue,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl RecordLayer {
    pub(super) fn new(style: Style, queue: Queue, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { style, queue, clock, rng }
    }
}

/// Fields of a span, kept for the events inside it.
#[derive(Default)]
struct SpanFields(Fields);

/// Names and values in order.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn push(&mut self, field: &Field, mut value: String) {
        if value.len() > VALUE_LIMIT {
            let cut = (0..=VALUE_LIMIT).rev().find(|i| value.is_char_boundary(*i)).unwrap_or(0);
            value.truncate(cut);
            value.push_str("...");
        }
        let name = field.name();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(n, _)| *n == name)?;
        Some(self.0.remove(index).1)
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}"));
    }
}

impl<S> Layer<S> for RecordLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields::default();
        attributes.record(&mut fields.0);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(&mut fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        // Spans from the outermost in, so that an inner value wins, and the event's own wins over all.
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(outer)) = span.extensions().get::<SpanFields>() {
                for (name, value) in &outer.0 {
                    fields.take(name);
                    fields.0.push((name, value.clone()));
                }
            }
        }
        event.record(&mut fields);
        let now = self.clock.now();
        let record = Line {
            time: now.rfc3339(),
            level: *event.metadata().level(),
            id: self.rng.uuid_at(now).to_string(),
            tenant: fields.take(TENANT).unwrap_or_else(|| model::TenantId::SUPER.to_string()),
            target: event.metadata().target(),
            message: fields.take("message").unwrap_or_default(),
            fields: &fields.0,
        };
        self.queue.push(match self.style {
            Style::Human { colour } => record.human(colour),
            Style::Json => record.json(),
        });
    }
}

struct Line<'a> {
    time: String,
    level: Level,
    id: String,
    tenant: String,
    target: &'a str,
    message: String,
    fields: &'a [(&'static str, String)],
}

impl Line<'_> {
    fn json(&self) -> String {
        let mut line = String::with_capacity(256 + self.message.len());
        let _ = write!(
            line,
            "{{\"time\":\"{}\",\"level\":\"{}\",\"id\":\"{}\",\"tenant\":",
            self.time, self.level, self.id
        );
        push_json(&mut line, &self.tenant);
        line.push_str(",\"target\":");
        push_json(&mut line, self.target);
        line.push_str(",\"message\":");
        push_json(&mut line, &self.message);
        for (index, (name, value)) in self.fields.iter().enumerate() {
            line.push_str(if index == 0 { ",\"fields\":{" } else { "," });
            push_json(&mut line, name);
            line.push(':');
            push_json(&mut line, value);
        }
        line.push_str(if self.fields.is_empty() { "}\n" } else { "}}\n" });
        line
    }

    fn human(&self, colour: bool) -> String {
        let mut line = String::with_capacity(160 + self.message.len());
        let (before, after) = match (colour, self.level) {
            (false, _) => ("", ""),
            (true, Level::ERROR) => ("\u{1b}[31m", "\u{1b}[0m"),
            (true, Level::WARN) => ("\u{1b}[33m", "\u{1b}[0m"),
            (true, _) => ("\u{1b}[2m", "\u{1b}[0m"),
        };
        let _ = write!(line, "{} {before}{:5}{after} ", self.time, self.level);
        push_human(&mut line, &self.message);
        for (name, value) in self.fields {
            line.push(' ');
            push_human(&mut line, name);
            line.push('=');
            push_human(&mut line, value);
        }
        let _ = write!(line, " tenant=");
        push_human(&mut line, &self.tenant);
        let _ = writeln!(line, " id={}", self.id);
        line
    }
}
