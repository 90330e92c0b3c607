//! What an application has called.

use std::sync::Arc;

use control::{Actor, UsageQuery, UsageSubject};
use web::{Answer, Call, Permit};

use super::application::Own;
use super::frame;
use crate::page::PageError;
use crate::ui::Empty;
use crate::{Portal, usage};

/// Calls of an application over time.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let own = Own::load(&portal, &permit, &call).await?;
    let span = usage::span(call.query("span"));
    let query = UsageQuery { subject: UsageSubject::Application(own.id), span };
    let report = portal.control.usage(&Actor::of(&permit), &query).await?;
    let empty = Empty::new("No calls", "Calls are counted here some seconds after they were made.")
        .action("Try an API", own.path("/subscriptions"));
    let page = usage::show(own.page("/usage"), &report, span, &own.path("/usage"), empty);
    frame(&portal, Some(&permit), &call, "applications").answer(page)
}
