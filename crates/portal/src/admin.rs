//! The Admin console, for those who run the place.
//!
//! Pages call the use cases of the Admin REST API (`control::administration`) and those of identity; what only the process
//! around them knows comes through [`crate::Operations`]. Pages about the installation as a whole are for administrators
//! of the super tenant.

mod approvals;
mod audit_log;
mod backups;
mod deny;
mod environments;
mod gateways;
mod governance;
mod hardening;
mod key_managers;
mod overview;
mod roles;
mod scopes;
mod sessions;
mod settings;
mod tenants;
mod throttling;
mod users;

use control::{Actor, Field as _};
use identity::Identity;
use serde_json::Value;
use web::{Answer, Call, Permit, RestError, RouteTable};

use crate::console::{Console, Entry, Frame};
use crate::page::PageError;
use crate::ui::Pager;
use crate::{Operations, Portal};

/// Who may do everything in the tenant. Users, roles and sessions need it: whoever changes those can become anybody.
pub(crate) const ADMIN: &[&str] = &["apim:admin"];

/// Lines of a list on one page.
const SIZE: usize = 25;

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[
    Entry::new("overview", "Overview", "/admin", "home", ADMIN),
    Entry::new("hardening", "Hardening", "/admin/hardening", "shield", ADMIN),
    Entry::new("users", "Users", "/admin/users", "people", ADMIN),
    Entry::new("roles", "Roles", "/admin/roles", "person", ADMIN),
    Entry::new("scopes", "Scope mapping", "/admin/scopes", "scope", scopes::MANAGE),
    Entry::new("sessions", "Sessions", "/admin/sessions", "session", ADMIN),
    Entry::new("tenants", "Tenants", "/admin/tenants", "tenant", ADMIN),
    Entry::new("throttling", "Throttling policies", "/admin/throttling", "limit", throttling::VIEW),
    Entry::new("deny", "Deny list", "/admin/deny", "policy", deny::VIEW),
    Entry::new("key-managers", "Key managers", "/admin/key-managers", "key", key_managers::MANAGE),
    Entry::new("gateways", "Gateways", "/admin/gateways", "gateway", gateways::VIEW),
    Entry::new("governance", "Governance", "/admin/governance", "scope", governance::VIEW),
    Entry::new("approvals", "Approvals", "/admin/approvals", "inbox", approvals::VIEW),
    Entry::new("audit-log", "Audit log", "/admin/audit-log", "log", ADMIN),
    Entry::new("backups", "Backups", "/admin/backups", "archive", ADMIN),
    Entry::new("settings", "Settings", "/admin/settings", "settings", ADMIN),
];

/// The console's pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .merge(overview::routes())
        .merge(hardening::routes())
        .merge(users::routes())
        .merge(roles::routes())
        .merge(scopes::routes())
        .merge(sessions::routes())
        .merge(tenants::routes())
        .merge(throttling::routes())
        .merge(deny::routes())
        .merge(key_managers::routes())
        .merge(gateways::routes())
        .merge(environments::routes())
        .merge(governance::routes())
        .merge(approvals::routes())
        .merge(audit_log::routes())
        .merge(backups::routes())
        .merge(settings::routes())
}

/// What a page of the console works with.
struct Desk<'a> {
    portal: &'a Portal,
    frame: Frame,
    actor: Actor,
}

impl<'a> Desk<'a> {
    /// `here` is the key of the entry of [`NAV`] that the page belongs to.
    fn of(portal: &'a Portal, permit: &Permit, call: &Call, here: &'static str) -> Self {
        let frame = Frame::of(portal, permit, call, Console::Admin, here);
        Self { portal, frame, actor: Actor::of(permit) }
    }

    /// The same in a tenant that has its default policies, as the Admin REST API sees to it.
    async fn with_defaults(
        portal: &'a Portal,
        permit: &Permit,
        call: &Call,
        here: &'static str,
    ) -> Result<Self, PageError> {
        let desk = Self::of(portal, permit, call, here);
        portal.control.ensure_tenant_defaults(desk.actor.tenant()).await?;
        Ok(desk)
    }

    fn csrf(&self) -> &str {
        &self.frame.csrf
    }

    /// The use cases of identity, on behalf of the person.
    fn identity(&self) -> Identity {
        self.portal.identity.on_behalf_of(&self.actor.name())
    }

    fn is_super(&self) -> bool {
        self.actor.tenant().is_super()
    }

    /// The installation around the console.
    ///
    /// # Errors
    /// 403 for administrators of other tenants: nothing of it is theirs.
    fn operations(&self) -> Result<&'a dyn Operations, PageError> {
        self.need_super()?;
        let found = self.portal.operations.as_deref();
        Ok(found.ok_or_else(|| RestError::unavailable("this process shows nothing of its installation"))?)
    }

    /// # Errors
    /// 403 for administrators of other tenants.
    fn need_super(&self) -> Result<(), PageError> {
        if self.is_super() {
            return Ok(());
        }
        Err(RestError::forbidden("This page is about the whole installation. Only its own administrators see it.")
            .into())
    }

    /// Writes a record about something that is no change of a row.
    async fn note(&self, action: &'static str, target: &str) -> Result<(), PageError> {
        let control = &self.portal.control;
        let work = control.begin().await?;
        Ok(control.commit(work, &self.actor, control::Change::managed(action, target)).await?)
    }
}

/// What the process around the console could not do, as the person reads it.
fn refused(text: String) -> PageError {
    let mut error = RestError::unavailable(text.clone());
    error.description = text;
    error.into()
}

/// A field of a REST object as text; empty when it is none.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.at(name).as_str().unwrap_or_default()
}

/// The entries of an answer `{count, list}`.
fn entries(mut answer: Value) -> Vec<Value> {
    match answer.get_mut("list").map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// A path with parameters, those that are empty left out. It ends with `?` or `&`, ready for one more.
fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { format!("{path}?") } else { format!("{path}?{query}&") }
}

/// The links below a page of a list that the database cuts.
fn pager(base: &str, from: usize, shown: usize, total: i64) -> Pager {
    let total = usize::try_from(total).unwrap_or(0);
    let end = from.saturating_add(shown);
    let place = if shown == 0 { String::new() } else { format!("{} to {end} of {total}", from.saturating_add(1)) };
    Pager {
        place,
        before: (from > 0).then(|| format!("{base}from={}", from.saturating_sub(SIZE))),
        after: (end < total).then(|| format!("{base}from={end}")),
    }
}

/// Offset and size of a page for the database.
fn window(from: usize) -> (i64, i64) {
    (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(SIZE).unwrap_or(i64::MAX))
}

/// A number of bytes as people read it.
fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut value = size;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024 {
            break;
        }
        // Rounded up, so that nothing looks smaller than it is.
        value = value.div_ceil(1024);
        unit = next;
    }
    format!("{value} {unit}")
}

/// A number with thin spaces between thousands.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// What a page was found changed by: another text for another object.
fn fingerprint(value: &Value) -> String {
    crate::assets::hash(value.to_string().as_bytes())
}

/// 422 for a form that needs a change.
fn faulty(desk: &Desk<'_>, page: crate::ui::Page) -> Result<Answer, PageError> {
    desk.frame.answer_with(http::StatusCode::UNPROCESSABLE_ENTITY, page.faulty(true))
}

#[cfg(test)]
mod tests {
    use super::{address, bytes, number, pager};

    #[test]
    fn addresses_carry_what_is_not_empty_and_nothing_breaks_out() {
        assert_eq!(address("/admin/users", &[("query", "")]), "/admin/users?");
        assert_eq!(address("/a", &[("query", "a&b=c\"><b>"), ("x", "1")]), "/a?query=a%26b%3Dc%22%3E%3Cb%3E&x=1&");
    }

    #[test]
    fn pages_end_where_the_list_ends() {
        let first = pager("/a?", 0, 25, 30);
        assert_eq!(
            (first.place.as_str(), first.before, first.after),
            ("1 to 25 of 30", None, Some("/a?from=25".into()))
        );
        let last = pager("/a?", 25, 5, 30);
        assert_eq!((last.place.as_str(), last.before, last.after), ("26 to 30 of 30", Some("/a?from=0".into()), None));
        assert_eq!(pager("/a?", 0, 0, 0).place, "");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            (number(999), number(1000), number(1_234_567)),
            ("999".into(), "1\u{2009}000".into(), "1\u{2009}234\u{2009}567".into())
        );
        assert_eq!((bytes(10), bytes(2048), bytes(3 << 30)), ("10 B".into(), "2 KiB".into(), "3 GiB".into()));
    }
}
