//! Forms over an API's object that lose nobody's change. A form carries what it showed; what is saved is the difference,
//! applied to what is stored now. Only where two people changed the same field, the second one is asked.

use std::collections::BTreeMap;

use control::FaultKind;
use model::ApiDocument;
use web::Fields;

use super::context::Here;
use crate::page::PageError;
use crate::ui::{Column, Faults, Form, Html, Notice, Page, Table, Tone};

/// The fields of a form with their values as text; several values of one field are lines.
pub(super) type Values = BTreeMap<&'static str, String>;

/// How often a save is tried again when others save at the same time.
const TRIES: usize = 4;

/// A field that two people changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    field: &'static str,
    was: String,
    stored: String,
    given: String,
}

/// How a save ended.
pub(super) enum Saved {
    /// Saved.
    Done,
    /// The form needs a change.
    Refused(Faults),
    /// Others changed the same fields; these are the values now.
    Conflicts(Vec<Conflict>, Values),
}

/// What was sent, field by field.
pub(super) struct Sent {
    was: Values,
    /// What the person wants.
    pub(super) given: Values,
}

/// One form of line ends, no blanks around.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

impl Sent {
    /// The named fields of a form.
    pub(super) fn of(fields: &Fields, names: impl IntoIterator<Item = &'static str>) -> Self {
        let (mut was, mut given) = (Values::new(), Values::new());
        for name in names {
            was.insert(name, plain(fields.text(&format!("was.{name}"))));
            given.insert(name, plain(&fields.all(name).collect::<Vec<_>>().join("\n")));
        }
        Self { was, given }
    }

    /// What to store where this is stored now, or what two people disagree on.
    fn merged(&self, stored: &Values) -> Result<Values, Vec<Conflict>> {
        let (mut merged, mut conflicts) = (stored.clone(), Vec::new());
        for (field, given) in &self.given {
            let was = self.was.get(field).map_or("", String::as_str);
            let now = stored.get(field).map_or("", String::as_str);
            if given == was {
                continue;
            }
            if now != was && now != given {
                let conflict = Conflict { field, was: was.to_owned(), stored: now.to_owned(), given: given.clone() };
                conflicts.push(conflict);
            }
            merged.insert(field, given.clone());
        }
        if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
    }
}

/// Saves what was sent. `read` gives the values of an object, `write` puts them into it and says what is wrong with them.
pub(super) async fn save(
    here: &Here,
    sent: &Sent,
    read: impl Fn(&ApiDocument) -> Values,
    write: impl Fn(&mut ApiDocument, &Values, &mut Faults),
) -> Result<Saved, PageError> {
    let control = &here.portal.control;
    for _ in 0..TRIES {
        let mut api = control.api(&here.actor, &here.id.to_string()).await?;
        let seen = api.text("lastUpdatedTime").to_owned();
        let stored = normal(read(&api));
        let merged = match sent.merged(&stored) {
            Ok(merged) => merged,
            Err(conflicts) => return Ok(Saved::Conflicts(conflicts, stored)),
        };
        let mut faults = Faults::none();
        write(&mut api, &merged, &mut faults);
        if !faults.is_empty() {
            return Ok(Saved::Refused(faults));
        }
        match control.update_api_since(&here.actor, here.id, api, Some(&seen)).await {
            Ok(_) => return Ok(Saved::Done),
            Err(error) if error.kind == FaultKind::Precondition => {}
            Err(error) => return Ok(Saved::Refused(Faults::of(error)?)),
        }
    }
    Err(web::RestError::conflict("Others are saving this API all the time. Try again in a moment.").into())
}

/// Values in the form in which they come back.
pub(super) fn normal(values: Values) -> Values {
    values.into_iter().map(|(name, value)| (name, plain(&value))).collect()
}

/// Adds what the form shows, as it is stored now.
pub(super) fn remember(form: Form, stored: &Values) -> Form {
    stored.iter().fold(form, |form, (name, value)| form.hidden(format!("was.{name}"), value.clone()))
}

/// Says who else changed what, above the form, which still has what the person wants. `labels` are the fields' names.
pub(super) fn explain(
    page: Page,
    here: &Here,
    conflicts: &[Conflict],
    labels: &[(&'static str, &'static str)],
) -> Page {
    let columns = ["Field", "When you began", "Now", "Yours"].map(Column::new);
    let mut table = Table::new("What both of you changed", columns.into());
    for conflict in conflicts {
        let label = labels.iter().find(|(field, _)| *field == conflict.field).map_or(conflict.field, |(_, l)| *l);
        let cells = [label, &conflict.was, &conflict.stored, &conflict.given];
        table.row(cells.map(Html::text).into());
    }
    let who = here.api.text("updatedBy");
    let notice = Notice::new(
        Tone::Warn,
        "Nothing was saved yet",
        format!(
            "{who} changed the same fields while you were editing. The form has yours: save again to keep it, or take over what is there now."
        ),
    );
    page.add(&notice).add(&table)
}

#[cfg(test)]
mod tests {
    use super::{Conflict, Sent, Values};

    fn values(pairs: &[(&'static str, &str)]) -> Values {
        pairs.iter().map(|(n, v)| (*n, (*v).to_owned())).collect()
    }

    #[test]
    fn changes_of_different_fields_are_both_kept() {
        let sent = Sent { was: values(&[("a", "1"), ("b", "1")]), given: values(&[("a", "2"), ("b", "1")]) };
        let merged = sent.merged(&values(&[("a", "1"), ("b", "9")])).unwrap();
        assert_eq!(merged, values(&[("a", "2"), ("b", "9")]));
    }

    #[test]
    fn changes_of_one_field_are_asked_about_unless_they_agree() {
        let sent = Sent { was: values(&[("a", "1")]), given: values(&[("a", "2")]) };
        assert_eq!(sent.merged(&values(&[("a", "2")])).unwrap(), values(&[("a", "2")]));
        let conflicts = sent.merged(&values(&[("a", "3")])).unwrap_err();
        let expected = Conflict { field: "a", was: "1".into(), stored: "3".into(), given: "2".into() };
        assert_eq!(conflicts, [expected]);
    }
}
