//! Backups: which there are, when the next one is made, and how one is put back.

use std::sync::Arc;

use web::{Answer, Call, Permit, RouteTable};

use super::{ADMIN, Desk, bytes, refused};
use crate::page::PageError;
use crate::ui::{Actions, Badge, Button, Card, Code, Column, Empty, Facts, Html, Notice, Page, Table, Tone, minute};
use crate::{BackupState, Portal, get, post};

const LIST: &str = "/admin/backups";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new().page(get("portal.admin.backups", LIST, "Backups"), ADMIN, list).page(
        post("portal.admin.backups.make", LIST, "Make a backup"),
        ADMIN,
        make,
    )
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "backups");
    let state = desk.operations()?.backups().await.map_err(refused)?;
    let columns = vec![Column::new("File"), Column::new("Made"), Column::new("Holds"), Column::number("Size")];
    let mut table = Table::new("Backups", columns).empty(
        Empty::new("No backup yet", "A backup holds database, keys and configuration in one sealed file.")
            .command("portcullis backup create"),
    );
    for file in &state.files {
        table.row(vec![
            Html::mono(&file.name),
            match file.made {
                Some(at) => Html::text(minute(at)),
                None => Badge::html("Cannot be read", Tone::Bad),
            },
            Html::text(&file.holds),
            Html::text(bytes(file.size)),
        ]);
    }
    let make = Button::new(desk.csrf(), LIST, "Make a backup now").primary().html();
    let page = Page::new("Backups")
        .lead(
            "Only the master key of the vault opens a backup. Keep a copy of that key somewhere else than the backups.",
        )
        .add(&about(&state).add(&Actions::new().action(make, "While the server goes on serving.")))
        .add(&table)
        .add(&restore());
    desk.frame.answer(page)
}

fn about(state: &BackupState) -> Card {
    let schedule = if state.is_scheduled {
        Html::text(format!("every {}", state.every))
    } else {
        Html::join([Badge::html("Off", Tone::Warn), Html::text("set enable = true in [backup]")])
    };
    let drill = match &state.drill {
        Some((at, file, true)) => Html::text(format!("{}: {} can be restored", minute(*at), name_of(file))),
        Some((at, file, false)) => {
            let text = format!("{}: {} could not be restored", minute(*at), name_of(file));
            Html::join([Badge::html("Failed", Tone::Bad), Html::text(text)])
        }
        None => Html::text("never: a backup that was never restored is a hope"),
    };
    let facts = Facts::new()
        .fact("By the clock", schedule)
        .fact("Kept", Html::text(state.keep))
        .fact("Folder", Html::mono(&state.directory))
        .fact("Last drill", drill);
    Card::new("How backups are made").add(&facts)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn restore() -> Card {
    Card::new("Put one back")
        .text("Restoring replaces everything, so it is done on the machine, with the server stopped. A drill tries it in a scratch folder.")
        .add(&Code::new("Try a restore", "portcullis backup drill"))
        .add(&Code::new("Restore", "portcullis restore FILE"))
}

async fn make(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "backups");
    let operations = desk.operations()?;
    match operations.back_up().await {
        Ok(file) => {
            desk.note("portal.backups.create", &format!("backup/{file}")).await?;
            desk.frame.done(LIST, &format!("{file} was made."))
        }
        Err(why) => {
            let notice = Notice::new(Tone::Bad, "No backup was made", why);
            let page = Page::new("Backups").crumb("Backups", LIST).narrow().add(&notice);
            desk.frame.answer_with(http::StatusCode::SERVICE_UNAVAILABLE, page)
        }
    }
}
