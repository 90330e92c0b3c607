//! Pages for people: the set-up of the first administrator, sign-in, one's own account, new passwords and new accounts by
//! mail, and the three consoles: Publisher, Developer Portal, Admin.
//!
//! A page is a struct with a template and a sample; every answer goes through `page`, which sets the headers. Forms go
//! through `web::Fields`, which checks where they come from. May depend on `control`, `identity`, `web` and `model`; what
//! the set-up needs from elsewhere is the port [`FirstAdministrator`].
//!
//! To add a page outside the consoles: a file in `pages/` with its template, one route line in [`routes`], one line in the
//! sweep test. To add one to a console: a file in `publisher/`, `devportal/` or `admin/` that gives a `ui::Page` to its
//! `console::Frame`, and one route line in the console's own list.

mod admin;
mod assets;
mod console;
mod devportal;
mod operations;
mod page;
mod pages;
mod port;
mod publisher;
mod qr;
mod ui;
mod usage;

use std::sync::Arc;

use control::Control;
use identity::Identity;
use model::{Clock, Rng};
use web::{Egress, Operation, RouteTable};

pub use operations::{
    Acceptance, AuditReport, AuditRun, AuditStatus, BackupFile, BackupState, CertificateState, CheckState,
    FindingState, GatewayState, GuidelineState, Health, KeptAudit, Operations, SettingState,
};
pub use port::{Field, FieldFault, FirstAdministrator, SetUpFault};

/// What the pages need.
pub struct Portal {
    identity: Arc<Identity>,
    control: Arc<Control>,
    first: Arc<dyn FirstAdministrator>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    console: String,
    gateway: String,
    operations: Option<Arc<dyn Operations>>,
    calls: Option<Egress>,
}

impl Portal {
    /// `console` and `gateway` are base URLs as people type them, without a slash at the end.
    pub fn new(
        identity: Arc<Identity>,
        control: Arc<Control>,
        first: Arc<dyn FirstAdministrator>,
        (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>),
        console: String,
        gateway: String,
    ) -> Self {
        Self { identity, control, first, clock, rng, console, gateway, operations: None, calls: None }
    }

    /// With pages about the installation as a whole; without it they answer 503.
    #[must_use]
    pub fn with_operations(mut self, operations: Arc<dyn Operations>) -> Self {
        self.operations = Some(operations);
        self
    }

    /// Lets consumers call APIs from their pages, through a client that reaches the gateways.
    #[must_use]
    pub fn with_calls(mut self, calls: Egress) -> Self {
        self.calls = Some(calls);
        self
    }
}

const LINK: &str = "the one-time link itself is the proof";
const NOTHING: &str = "shows nothing that a visitor may not know";
const DOOR: &str = "this is where people prove who they are";
/// Largest form, bytes.
const FORM: usize = 16 * 1024;

const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "GET", path, summary)
}

const fn post(id: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "POST", path, summary).body_limit(FORM)
}

/// All pages.
pub fn routes() -> RouteTable<Portal> {
    let mut table = RouteTable::new()
        .merge(pages::oauth::routes())
        .public(
            get("portal.set_up.show", "/setup/{token}", "Form for the first administrator"),
            LINK,
            pages::set_up::show,
        )
        .public(
            post("portal.set_up.send", "/setup/{token}", "Create the first administrator"),
            LINK,
            pages::set_up::send,
        )
        .public(get("portal.set_up.pending", "/setup", "Where the set-up link is"), NOTHING, pages::set_up::pending)
        .public(get("portal.asset", "/assets/{hash}/{name}", "Style sheets and pictures"), NOTHING, assets::serve)
        .merge(sign_in_routes())
        .merge(account_routes())
        .merge(publisher::routes())
        .merge(devportal::routes())
        .merge(admin::routes());
    for path in CONSOLES {
        table = table.public(get("portal.home", path, "Start page"), NOTHING, pages::home::show);
    }
    for path in REST_OF_CONSOLES {
        table = table.public(get("portal.nothing", path, "What is at no address"), NOTHING, pages::home::nothing);
    }
    table.refuse_pages(console::refusal)
}

fn sign_in_routes() -> RouteTable<Portal> {
    use pages::{federation, recover, sign_in, sign_up};
    RouteTable::new()
        .public(get("portal.sign_in.show", "/signin", "Form for name and password"), DOOR, sign_in::show)
        .public(post("portal.sign_in.send", "/signin", "Sign in"), DOOR, sign_in::send)
        .public(get("portal.sign_in.code", "/signin/code", "Form for the second factor"), DOOR, sign_in::show_code)
        .public(post("portal.sign_in.send_code", "/signin/code", "Check the second factor"), DOOR, sign_in::send_code)
        .public(
            get("portal.sign_in.set_up", "/signin/second-factor", "Form for a first second factor"),
            DOOR,
            sign_in::show_set_up,
        )
        .public(
            post("portal.sign_in.send_set_up", "/signin/second-factor", "Set a first second factor up"),
            DOOR,
            sign_in::send_set_up,
        )
        .public(
            get("portal.sign_in.provider", "/signin/provider", "Goes to an identity provider to sign in"),
            DOOR,
            federation::leave,
        )
        .public(
            get("portal.sign_in.callback", "/signin/callback", "Comes back from an identity provider"),
            DOOR,
            federation::come_back,
        )
        .page(post("portal.sign_out", "/signout", "Sign out"), &[], sign_in::sign_out)
        .public(get("portal.recover.show", "/recover", "Form for a new password by mail"), DOOR, recover::show)
        .public(post("portal.recover.send", "/recover", "Send a link for a new password"), DOOR, recover::send)
        .public(get("portal.recover.link", "/recover/{token}", "Form for a new password"), LINK, recover::show_link)
        .public(post("portal.recover.use", "/recover/{token}", "Set a new password"), LINK, recover::send_link)
        .public(get("portal.sign_up.show", "/signup", "Form for an account of one's own"), DOOR, sign_up::show)
        .public(post("portal.sign_up.send", "/signup", "Send a link for an account"), DOOR, sign_up::send)
        .public(get("portal.sign_up.link", "/signup/{token}", "Question before an account"), LINK, sign_up::show_link)
        .public(post("portal.sign_up.use", "/signup/{token}", "Make an account"), LINK, sign_up::send_link)
}

fn account_routes() -> RouteTable<Portal> {
    use pages::account as own;
    RouteTable::new()
        .page(get("portal.account", "/account", "One's own account"), &[], own::overview)
        .page(get("portal.account.password", "/account/password", "Form for one's password"), &[], own::password)
        .page(post("portal.account.change", "/account/password", "Change one's password"), &[], own::change_password)
        .page(
            get("portal.account.factor", "/account/second-factor", "One's own second factor"),
            &[],
            own::second_factor,
        )
        .page(
            get("portal.account.offer", "/account/second-factor/new", "Form for an authenticator"),
            &[],
            own::authenticator,
        )
        .page(
            post("portal.account.set_factor", "/account/second-factor/new", "Set an authenticator up"),
            &[],
            own::set_authenticator,
        )
        .page(
            post("portal.account.codes", "/account/second-factor/codes", "Make new recovery codes"),
            &[],
            own::renew_codes,
        )
        .page(
            post("portal.account.remove_factor", "/account/second-factor/remove", "Remove one's second factor"),
            &[],
            own::remove_factor,
        )
        .page(get("portal.account.sessions", "/account/sessions", "One's own sessions"), &[], own::sessions)
        .page(post("portal.account.end", "/account/sessions", "End one's own sessions"), &[], own::end_session)
}

/// Paths that show the start page. WSO2's users know `/carbon`.
const CONSOLES: [&str; 4] = ["/", "/carbon", "/carbon/{*rest}", "/console"];
/// What has no page of its own in a console.
const REST_OF_CONSOLES: [&str; 3] = ["/publisher/{*rest}", "/devportal/{*rest}", "/admin/{*rest}"];

#[cfg(test)]
mod tests;
