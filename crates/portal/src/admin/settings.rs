//! Every setting with its value, where that comes from, and where to change it.

use std::sync::Arc;

use web::{Answer, Call, Permit, RouteTable};

use super::{ADMIN, Desk, address};
use crate::page::PageError;
use crate::ui::{Chip, Code, Column, Empty, Field, Form, Html, Page, Pager, Table};
use crate::{Portal, get};

const LIST: &str = "/admin/settings";
/// The origin of a value that no file sets.
const DEFAULT: &str = "default";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new().page(get("portal.admin.settings", LIST, "Settings"), ADMIN, list)
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "settings");
    let query = call.query("query").unwrap_or_default().trim().to_lowercase();
    let shown = call.query("show").unwrap_or_default();
    let mut settings = desk.operations()?.settings();
    let all = settings.len();
    let changed = settings.iter().filter(|setting| setting.origin != DEFAULT).count();
    settings.retain(|setting| {
        let fits = setting.path.to_lowercase().contains(&query) || setting.summary.to_lowercase().contains(&query);
        fits && (shown != "changed" || setting.origin != DEFAULT)
    });
    let base = address(LIST, &[("query", &query), ("show", shown)]);
    let (part, pager) = Pager::cut(settings, call.query_or("from", 0)?, 50, &base);
    let chips = vec![
        Chip::new(
            format!("All {all}"),
            address(LIST, &[("query", &query)]).trim_end_matches(['?', '&']),
            shown != "changed",
        ),
        Chip::new(
            format!("Set in a file {changed}"),
            address(LIST, &[("query", &query), ("show", "changed")]).trim_end_matches('&'),
            shown == "changed",
        ),
    ];
    let columns = vec![Column::new("Setting"), Column::new("Value"), Column::new("From"), Column::new("What it does")];
    let mut table = Table::new("Settings", columns).chips(chips).pager(pager).empty(
        Empty::new("No setting found", "Neither a name nor a description contains this text.")
            .action("All settings", LIST),
    );
    for setting in &part {
        let value = if setting.value.is_empty() { Html::muted("not set") } else { Html::mono(&setting.value) };
        let origin = setting.origin.rsplit('/').next().unwrap_or(&setting.origin);
        let cells = [Html::mono(&setting.path), value, Html::text(origin), Html::muted(&setting.summary)];
        table.row(cells.into());
    }
    let search = Form::search(LIST, "Search").field(Field::text("query", "Name or description").value(&query));
    let lead = "Settings are read at the start, from deployment.toml. Nothing of it can be changed from here: whoever takes \
                over this page must not be able to weaken the server. Secrets are references and never shown.";
    let page = Page::new("Settings")
        .lead(lead)
        .add(&search)
        .add(&table)
        .heading(
            "Change a setting",
            "Write it in the file that the column From names, check the file, and start the server again.",
        )
        .add(&Code::new("Check the file", "portcullis config check"));
    desk.frame.answer(page)
}
