//! The Developer Portal: what there is, how it is called, and the consumer's own applications. One file per page or group
//! of pages; the lists of routes and of the navigation are here.

mod api;
mod api_keys;
mod application;
mod applications;
mod browse;
mod comments;
mod documents;
mod files;
mod keys;
mod markdown;
mod operation;
mod snippet;
mod subscriptions;
mod target;
mod try_it;
mod usage;

use control::Field as _;
use control::devportal::{Consumer, Visit};
use serde_json::Value;
use web::{Answer, Call, Permit, RouteTable};

use crate::console::{Console, Entry, Frame};
use crate::page::PageError;
use crate::{Portal, get, post};

/// Why pages about APIs are open.
const OPEN: &str = "The Developer Portal shows public APIs to everybody unless [apim.devportal] enable_anonymous_mode \
                    is off; what is not public needs a session.";

const SUBSCRIBE: &[&str] = &["apim:subscribe"];
const APPLICATIONS: &[&str] = &["apim:subscribe", "apim:app_manage"];
const SUBSCRIPTIONS: &[&str] = &["apim:subscribe", "apim:sub_manage"];
const API_KEYS: &[&str] = &["apim:subscribe", "apim:app_manage", "apim:api_key"];

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[
    Entry::new("home", "Home", "/devportal", "home", &[]),
    Entry::new("apis", "APIs", "/devportal/apis", "api", &[]),
    Entry::new("applications", "My applications", "/devportal/applications", "app", APPLICATIONS),
];

/// All pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    api_routes().merge(action_routes()).merge(application_routes())
}

fn api_routes() -> RouteTable<Portal> {
    RouteTable::new()
        .visit(get("portal.devportal", "/devportal", "First page of the Developer Portal"), OPEN, browse::home)
        .visit(get("portal.devportal.apis", "/devportal/apis", "APIs"), OPEN, browse::list)
        .visit(get("portal.devportal.api", "/devportal/apis/{api}", "An API"), OPEN, api::overview)
        .visit(get("portal.devportal.picture", "/devportal/apis/{api}/picture", "Its picture"), OPEN, files::picture)
        .visit(
            get("portal.devportal.definition", "/devportal/apis/{api}/definition", "Its definition"),
            OPEN,
            files::definition,
        )
        .visit(
            get("portal.devportal.documents", "/devportal/apis/{api}/documents", "Its documents"),
            OPEN,
            documents::list,
        )
        .visit(
            get("portal.devportal.document", "/devportal/apis/{api}/documents/{document}", "A document"),
            OPEN,
            documents::show,
        )
        .visit(
            get("portal.devportal.file", "/devportal/apis/{api}/documents/{document}/file", "A document's file"),
            OPEN,
            files::document,
        )
        .visit(get("portal.devportal.try", "/devportal/apis/{api}/try", "Its operations"), OPEN, try_it::list)
        .visit(
            get("portal.devportal.try.form", "/devportal/apis/{api}/try/call", "Form and code for a call"),
            OPEN,
            try_it::form,
        )
        .visit(get("portal.devportal.versions", "/devportal/apis/{api}/versions", "Its versions"), OPEN, api::versions)
        .visit(
            get("portal.devportal.comments", "/devportal/apis/{api}/comments", "Comments and ratings"),
            OPEN,
            comments::list,
        )
        .visit(
            get("portal.devportal.access", "/devportal/apis/{api}/subscriptions", "How to subscribe, and who has"),
            OPEN,
            subscriptions::of_api,
        )
}

fn action_routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(
            post("portal.devportal.try.send", "/devportal/apis/{api}/try/call", "Call it").body_limit(try_it::FORM),
            SUBSCRIBE,
            try_it::send,
        )
        .page(
            post("portal.devportal.comment", "/devportal/apis/{api}/comments", "Comment on an API"),
            SUBSCRIBE,
            comments::add,
        )
        .page(
            post("portal.devportal.uncomment", "/devportal/apis/{api}/comments/remove", "Remove a comment"),
            SUBSCRIBE,
            comments::remove,
        )
        .page(post("portal.devportal.rate", "/devportal/apis/{api}/rating", "Rate an API"), SUBSCRIBE, comments::rate)
        .page(
            post("portal.devportal.subscribe", "/devportal/apis/{api}/subscriptions", "Subscribe"),
            SUBSCRIPTIONS,
            subscriptions::subscribe,
        )
}

fn application_routes() -> RouteTable<Portal> {
    macro_rules! below {
        ($tail:literal) => {
            concat!("/devportal/applications/{application}", $tail)
        };
    }
    RouteTable::new()
        .page(
            get("portal.devportal.applications", "/devportal/applications", "My applications"),
            APPLICATIONS,
            applications::list,
        )
        .page(
            get("portal.devportal.applications.new", "/devportal/applications/new", "Form for an application"),
            APPLICATIONS,
            applications::form,
        )
        .page(
            post("portal.devportal.applications.create", "/devportal/applications/new", "Create an application"),
            APPLICATIONS,
            applications::create,
        )
        .page(get("portal.devportal.application", below!(""), "An application"), APPLICATIONS, application::overview)
        .page(get("portal.devportal.application.edit", below!("/edit"), "Form"), APPLICATIONS, application::edit)
        .page(
            post("portal.devportal.application.update", below!("/edit"), "Change it"),
            APPLICATIONS,
            application::update,
        )
        .page(get("portal.devportal.application.delete", below!("/delete"), "Question"), APPLICATIONS, application::ask)
        .page(
            post("portal.devportal.application.remove", below!("/delete"), "Delete"),
            APPLICATIONS,
            application::delete,
        )
        .page(get("portal.devportal.keys", below!("/keys/{kind}"), "OAuth keys of a type"), APPLICATIONS, keys::show)
        .page(post("portal.devportal.keys.make", below!("/keys/{kind}"), "Generate keys"), APPLICATIONS, keys::generate)
        .page(post("portal.devportal.keys.change", below!("/keys/{kind}/change"), "Change"), APPLICATIONS, keys::change)
        .page(
            post("portal.devportal.keys.token", below!("/keys/{kind}/token"), "Issue a token"),
            APPLICATIONS,
            keys::token,
        )
        .page(
            get("portal.devportal.keys.renew", below!("/keys/{kind}/secret"), "Question"),
            APPLICATIONS,
            keys::ask_secret,
        )
        .page(
            post("portal.devportal.keys.secret", below!("/keys/{kind}/secret"), "New secret"),
            APPLICATIONS,
            keys::secret,
        )
        .page(
            get("portal.devportal.keys.delete", below!("/keys/{kind}/delete"), "Question"),
            APPLICATIONS,
            keys::ask_delete,
        )
        .page(post("portal.devportal.keys.remove", below!("/keys/{kind}/delete"), "Delete"), APPLICATIONS, keys::delete)
        .page(get("portal.devportal.api_keys", below!("/api-keys"), "API keys"), API_KEYS, api_keys::list)
        .page(post("portal.devportal.api_keys.make", below!("/api-keys"), "Make an API key"), API_KEYS, api_keys::make)
        .page(
            post("portal.devportal.api_keys.revoke", below!("/api-keys/revoke"), "Revoke an API key"),
            API_KEYS,
            api_keys::revoke,
        )
        .page(get("portal.devportal.usage", below!("/usage"), "Usage"), APPLICATIONS, usage::show)
        .page(
            get("portal.devportal.subscriptions", below!("/subscriptions"), "Subscriptions"),
            SUBSCRIPTIONS,
            subscriptions::of_application,
        )
        .page(
            post("portal.devportal.subscriptions.plan", below!("/subscriptions/plan"), "Change a plan"),
            SUBSCRIPTIONS,
            subscriptions::change_plan,
        )
        .page(
            get("portal.devportal.subscriptions.end", below!("/subscriptions/end"), "Question"),
            SUBSCRIPTIONS,
            subscriptions::ask,
        )
        .page(
            post("portal.devportal.subscriptions.remove", below!("/subscriptions/end"), "Unsubscribe"),
            SUBSCRIPTIONS,
            subscriptions::end,
        )
}

/// A field of a REST object as text; empty when it is not there.
fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.at(field).as_str().unwrap_or_default()
}

/// The entries of a list in a REST object.
fn entries<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object.at(field).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Somebody who looks around, or the way to the sign-in page where the portal is not open to strangers.
async fn visit(portal: &Portal, permit: Option<&Permit>, call: &Call) -> Result<Result<Visit, Answer>, PageError> {
    if permit.is_none() && !portal.control.settings().anonymous_devportal {
        let wanted = call.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        return Ok(Err(portal.identity.ask_to_sign_in(wanted)));
    }
    Ok(Ok(Visit::begin(&portal.control, permit, call.query("tenant")).await?))
}

/// The consumer behind a page, unless it is a visitor or somebody without applications.
async fn consumer(portal: &Portal, permit: Option<&Permit>) -> Result<Option<Consumer>, PageError> {
    match permit.filter(|permit| APPLICATIONS.iter().any(|scope| permit.allows(scope))) {
        Some(permit) => Ok(Some(Consumer::of(&portal.control, permit).await?)),
        None => Ok(None),
    }
}

fn frame(portal: &Portal, permit: Option<&Permit>, call: &Call, here: &'static str) -> Frame {
    Frame::visit(portal, permit, call, Console::DevPortal, here)
}
