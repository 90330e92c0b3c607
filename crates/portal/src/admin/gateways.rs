//! Gateways with what they serve, and the environments that APIs are deployed to.

use std::sync::Arc;

use control::Field as _;
use control::administration::environments as use_case;
use serde_json::Value;
use web::{Answer, Call, Permit, RouteTable};

use super::{Desk, entries, number, text};
use crate::page::PageError;
use crate::ui::{Badge, Card, Column, Empty, Facts, Html, Link, Page, Table, Tone, minute};
use crate::{GatewayState, Portal, get};

/// As the Admin REST API asks for environments.
pub(super) const VIEW: &[&str] = &["apim:admin", "apim:environment_read"];
const LIST: &str = "/admin/gateways";

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new().page(get("portal.admin.gateways", LIST, "Gateways and environments"), VIEW, list)
}

async fn list(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::with_defaults(&portal, &permit, &call, "gateways").await?;
    let mut page = Page::new("Gateways").lead(
        "A gateway answers calls from a snapshot, which it gets whole or by changes. An environment is the name and the \
         addresses under which APIs are deployed.",
    );
    // Gateways serve all tenants; how they are is the business of those who run them.
    if desk.is_super() && permit.allows("apim:admin") {
        page = page.heading("Gateways", "");
        let gateways = desk.operations()?.gateways();
        if gateways.is_empty() {
            page = page.add(&Empty::new(
                "No gateway listens",
                "Both listeners are off: [transport.passthru_https.listener] in deployment.toml.",
            ));
        }
        for gateway in &gateways {
            page = page.add(&card(&desk, gateway).await?);
        }
    }
    let environments = entries(use_case::list(&portal.control, &desk.actor).await?);
    desk.frame.answer(
        page.heading("Environments", "")
            .add(&table(&environments))
            .html(Link::html("Add an environment", "/admin/environments/new")),
    )
}

/// How much a gateway lacks. Changes come within seconds: it is normal for a moment.
pub(super) fn behind(changes: u64) -> String {
    if changes == 1 { "Gets a change".to_owned() } else { format!("{} changes behind", number(changes)) }
}

async fn card(desk: &Desk<'_>, gateway: &GatewayState) -> Result<Card, PageError> {
    let age = desk.portal.control.snapshot_age(gateway.version).await?;
    let state = match (gateway.is_ready, age.behind) {
        (false, _) => Badge::html("Not ready", Tone::Bad),
        (true, 0) => Badge::html("Up to date", Tone::Ok),
        (true, lacking) => Badge::html(behind(lacking), Tone::Warn),
    };
    let snapshot = match age.changed_at {
        Some(at) => format!("version {} of {}", gateway.version, minute(at)),
        None => format!("version {}", gateway.version),
    };
    let facts = Facts::new()
        .fact("Listens on", Html::mono(gateway.addresses.join("  ")))
        .fact("Snapshot", Html::text(snapshot))
        .fact("Last change", Html::text(format!("version {}", age.latest)))
        .fact("Open connections", Html::text(number(gateway.connections)))
        .fact("Calls since the start", Html::text(number(gateway.calls)))
        .fact("Answers from 500 on", Html::text(number(gateway.errors)))
        .fact("Failures of backends", Html::text(number(gateway.upstream_failures)));
    Ok(Card::new(&gateway.name).aside(state).add(&facts))
}

fn table(environments: &[Value]) -> Table {
    let columns =
        vec![Column::new("Environment"), Column::new("Kind"), Column::new("Addresses"), Column::new("Description")];
    let mut table = Table::new("Environments", columns);
    for one in environments {
        let hosts: Vec<String> =
            one.at("vhosts").as_array().into_iter().flatten().map(super::environments::line).collect();
        let fixed = one.at("isReadOnly").as_bool().unwrap_or(false);
        let name = text(one, "name");
        table.row(vec![
            if fixed { Html::text(name) } else { Link::html(name, format!("/admin/environments/{}", text(one, "id"))) },
            if fixed { Badge::html("Configured", Tone::Plain) } else { Html::text(text(one, "type")) },
            Html::mono(hosts.join("  ")),
            Html::text(text(one, "description")),
        ]);
    }
    table
}
