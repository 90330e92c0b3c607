//! The Publisher, for those who offer APIs. One file per page or group of pages; the lists of routes and of the navigation
//! are here.

mod access;
mod apis;
mod certificates;
mod context;
mod definition;
mod deploy;
mod design;
mod documents;
mod edit;
mod endpoints;
mod lifecycle;
mod new;
mod overview;
mod policies;
mod scopes;
mod subscribers;
mod test;
mod usage;

use serde_json::Value;
use web::RouteTable;

use crate::console::Entry;
use crate::{Portal, get, post};

/// Scopes that may see APIs.
const VIEW: &[&str] =
    &["apim:api_view", "apim:api_manage", "apim:api_create", "apim:api_publish", "apim:api_list_view"];
/// Scopes that may create and design APIs, as REST has them.
const CREATE: &[&str] = &["apim:api_create", "apim:api_manage"];
/// Scopes that may change APIs.
const CHANGE: &[&str] = &["apim:api_create", "apim:api_publish", "apim:api_manage"];
/// Scopes that may publish APIs.
const PUBLISH: &[&str] = &["apim:api_publish", "apim:api_manage"];
/// Scopes that may remove APIs.
const DELETE: &[&str] = &["apim:api_delete", "apim:api_manage"];
/// Scopes that may write documents.
const DOCUMENT: &[&str] =
    &["apim:document_create", "apim:document_manage", "apim:api_create", "apim:api_publish", "apim:api_manage"];
/// Scopes that may trust backends.
const CERTIFICATE: &[&str] =
    &["apim:ep_certificates_add", "apim:ep_certificates_manage", "apim:api_create", "apim:api_manage"];
/// Scopes that may let callers in by certificate.
const CLIENT_CERTIFICATE: &[&str] =
    &["apim:client_certificates_add", "apim:client_certificates_manage", "apim:api_create", "apim:api_manage"];
/// Scopes that may take that back.
const CLIENT_CERTIFICATE_CHANGE: &[&str] =
    &["apim:client_certificates_update", "apim:client_certificates_manage", "apim:api_create", "apim:api_manage"];
/// Scopes that may stop to trust backends.
const CERTIFICATE_CHANGE: &[&str] =
    &["apim:ep_certificates_update", "apim:ep_certificates_manage", "apim:api_create", "apim:api_manage"];
/// Scopes that may see who is subscribed.
const SUBSCRIBERS: &[&str] = &["apim:subscription_view", "apim:subscription_manage", "apim:api_manage"];
/// Scopes that may block subscriptions.
const BLOCK: &[&str] = &["apim:subscription_block", "apim:subscription_manage", "apim:api_manage"];
/// Scopes that may make test keys.
const TEST: &[&str] = &["apim:api_generate_key", "apim:api_create", "apim:api_publish", "apim:api_manage"];

/// Largest upload, bytes: a definition, a project, a document.
const UPLOAD: usize = 16 * 1024 * 1024;

/// The left navigation.
pub(crate) const NAV: &[Entry] = &[Entry::new("apis", "APIs", "/publisher/apis", "api", VIEW)];

/// The console's pages.
pub(crate) fn routes() -> RouteTable<Portal> {
    let upload = |id, path, summary| post(id, path, summary).body_limit(UPLOAD);
    RouteTable::new()
        .page(get("portal.publisher", "/publisher", "First page of the Publisher"), VIEW, apis::first)
        .page(get("portal.publisher.apis", "/publisher/apis", "APIs"), VIEW, apis::list)
        .page(get("portal.publisher.new", "/publisher/apis/new", "Form for an import"), CREATE, new::import)
        .page(upload("portal.publisher.import", "/publisher/apis/new", "Import an API"), CREATE, new::send_import)
        .page(get("portal.publisher.scratch", "/publisher/apis/new/scratch", "Form for an API"), CREATE, new::scratch)
        .page(
            post("portal.publisher.create", "/publisher/apis/new/scratch", "Create an API"),
            CREATE,
            new::send_scratch,
        )
        .page(get("portal.publisher.api", "/publisher/apis/{api}", "One API"), VIEW, overview::show)
        .page(
            get("portal.publisher.ask_delete", "/publisher/apis/{api}/delete", "Question before the end"),
            DELETE,
            overview::ask_delete,
        )
        .page(
            post("portal.publisher.delete", "/publisher/apis/{api}/delete", "Delete an API"),
            DELETE,
            overview::delete,
        )
        .merge(design_routes())
        .merge(gateway_routes())
        .merge(around_routes())
        .merge(certificate_routes())
}

/// What an API is.
fn design_routes() -> RouteTable<Portal> {
    let upload = |id, path, summary| post(id, path, summary).body_limit(UPLOAD);
    let (resources, one, gone) = (
        "/publisher/apis/{api}/resources",
        "/publisher/apis/{api}/resources/edit",
        "/publisher/apis/{api}/resources/delete",
    );
    let (scopes, no_scope) = ("/publisher/apis/{api}/scopes", "/publisher/apis/{api}/scopes/delete");
    let (definition, design) = ("/publisher/apis/{api}/definition", "/publisher/apis/{api}/design");
    RouteTable::new()
        .page(get("portal.publisher.design", design, "Form for what consumers read"), VIEW, design::show)
        .page(post("portal.publisher.set_design", design, "Change what consumers read"), CHANGE, design::send)
        .page(get("portal.publisher.resources", resources, "Resources of an API"), VIEW, design::resources)
        .page(post("portal.publisher.add_resource", resources, "Add a resource"), CREATE, design::add)
        .page(get("portal.publisher.resource", one, "Form for a resource"), VIEW, design::show_resource)
        .page(post("portal.publisher.set_resource", one, "Change a resource"), CREATE, design::send_resource)
        .page(
            get("portal.publisher.ask_resource", gone, "Question before a resource is removed"),
            CREATE,
            design::ask_delete,
        )
        .page(post("portal.publisher.delete_resource", gone, "Remove a resource"), CREATE, design::delete)
        .page(get("portal.publisher.scopes", scopes, "Scopes of an API"), VIEW, scopes::show)
        .page(post("portal.publisher.add_scope", scopes, "Add a scope"), CREATE, scopes::add)
        .page(
            get("portal.publisher.ask_scope", no_scope, "Question before a scope is removed"),
            CREATE,
            scopes::ask_delete,
        )
        .page(post("portal.publisher.delete_scope", no_scope, "Remove a scope"), CREATE, scopes::delete)
        .page(get("portal.publisher.definition", definition, "Definition of an API"), VIEW, definition::show)
        .page(upload("portal.publisher.set_definition", definition, "Replace a definition"), CREATE, definition::send)
}

/// What the gateway does with it.
fn gateway_routes() -> RouteTable<Portal> {
    let (endpoints, policies, access) =
        ("/publisher/apis/{api}/endpoints", "/publisher/apis/{api}/policies", "/publisher/apis/{api}/access");
    let (deploy, policy) = ("/publisher/apis/{api}/deploy", "/publisher/apis/{api}/policies/{policy}");
    let (restore, delete) = ("/publisher/apis/{api}/deploy/restore", "/publisher/apis/{api}/deploy/delete");
    RouteTable::new()
        .page(get("portal.publisher.endpoints", endpoints, "Form for endpoints"), VIEW, endpoints::show)
        .page(post("portal.publisher.set_endpoints", endpoints, "Change endpoints"), CHANGE, endpoints::send)
        .page(
            post("portal.publisher.test_endpoint", "/publisher/apis/{api}/endpoints/test", "Ask an endpoint"),
            CREATE,
            endpoints::test,
        )
        .page(get("portal.publisher.policies", policies, "Policies of an API"), VIEW, policies::show)
        .page(get("portal.publisher.policy", policy, "Form for a policy"), VIEW, policies::choose)
        .page(post("portal.publisher.attach", policy, "Attach a policy"), CREATE, policies::attach)
        .page(
            post("portal.publisher.detach", "/publisher/apis/{api}/policies/remove", "Take a policy off"),
            CREATE,
            policies::remove,
        )
        .page(get("portal.publisher.access", access, "Form for plans and access"), VIEW, access::show)
        .page(post("portal.publisher.set_access", access, "Change plans and access"), CHANGE, access::send)
        .page(get("portal.publisher.deploy", deploy, "Deployments and revisions"), VIEW, deploy::show)
        .page(post("portal.publisher.revise", deploy, "Make a revision"), CHANGE, deploy::send)
        .page(
            post("portal.publisher.redeploy", "/publisher/apis/{api}/deploy/again", "Deploy a revision"),
            CHANGE,
            deploy::again,
        )
        .page(
            post("portal.publisher.undeploy", "/publisher/apis/{api}/deploy/undeploy", "Take a revision off"),
            CHANGE,
            deploy::undeploy,
        )
        .page(
            get("portal.publisher.ask_restore", restore, "Question before the working copy is lost"),
            CHANGE,
            deploy::ask_restore,
        )
        .page(post("portal.publisher.restore", restore, "Make a revision the working copy"), CHANGE, deploy::restore)
        .page(
            get("portal.publisher.ask_revision", delete, "Question before a revision is removed"),
            CHANGE,
            deploy::ask_delete,
        )
        .page(post("portal.publisher.delete_revision", delete, "Remove a revision"), CHANGE, deploy::delete)
}

/// What is around it.
fn around_routes() -> RouteTable<Portal> {
    let upload = |id, path, summary| post(id, path, summary).body_limit(UPLOAD);
    let (documents, new_document, document) = (
        "/publisher/apis/{api}/documents",
        "/publisher/apis/{api}/documents/new",
        "/publisher/apis/{api}/documents/{document}",
    );
    let (lifecycle, subscribers) = ("/publisher/apis/{api}/lifecycle", "/publisher/apis/{api}/subscribers");
    let no_document = "/publisher/apis/{api}/documents/{document}/delete";
    RouteTable::new()
        .page(get("portal.publisher.documents", documents, "Documents of an API"), VIEW, documents::show)
        .page(get("portal.publisher.new_document", new_document, "Form for a document"), DOCUMENT, documents::new)
        .page(upload("portal.publisher.add_document", new_document, "Add a document"), DOCUMENT, documents::send)
        .page(get("portal.publisher.document", document, "Form for a document that is there"), VIEW, documents::edit)
        .page(upload("portal.publisher.set_document", document, "Change a document"), DOCUMENT, documents::send)
        .page(
            get(
                "portal.publisher.document_file",
                "/publisher/apis/{api}/documents/{document}/file",
                "File of a document",
            ),
            VIEW,
            documents::file,
        )
        .page(
            get("portal.publisher.ask_document", no_document, "Question before a document is removed"),
            DOCUMENT,
            documents::ask_delete,
        )
        .page(post("portal.publisher.delete_document", no_document, "Remove a document"), DOCUMENT, documents::delete)
        .page(get("portal.publisher.test", "/publisher/apis/{api}/test", "Test of an API"), VIEW, test::show)
        .page(post("portal.publisher.test_key", "/publisher/apis/{api}/test", "Make a test key"), TEST, test::make)
        .page(get("portal.publisher.lifecycle", lifecycle, "Lifecycle of an API"), VIEW, lifecycle::show)
        .page(
            get(
                "portal.publisher.ask_lifecycle",
                "/publisher/apis/{api}/lifecycle/ask",
                "Question before a grave action",
            ),
            PUBLISH,
            lifecycle::ask,
        )
        .page(post("portal.publisher.set_lifecycle", lifecycle, "Carry an action out"), PUBLISH, lifecycle::send)
        .page(
            post("portal.publisher.withdraw", "/publisher/apis/{api}/lifecycle/withdraw", "Withdraw a request"),
            PUBLISH,
            lifecycle::withdraw,
        )
        .page(
            post("portal.publisher.version", "/publisher/apis/{api}/lifecycle/version", "Make the next version"),
            CREATE,
            lifecycle::version,
        )
        .page(get("portal.publisher.usage", "/publisher/apis/{api}/usage", "Usage of an API"), VIEW, usage::show)
        .page(get("portal.publisher.subscribers", subscribers, "Subscribers of an API"), SUBSCRIBERS, subscribers::show)
        .page(post("portal.publisher.block", subscribers, "Block or unblock a subscription"), BLOCK, subscribers::send)
}

/// Whom it trusts.
fn certificate_routes() -> RouteTable<Portal> {
    let upload = |id, path, summary| post(id, path, summary).body_limit(UPLOAD);
    let (certificates, no_certificate) =
        ("/publisher/apis/{api}/certificates", "/publisher/apis/{api}/certificates/delete");
    let no_caller = "/publisher/apis/{api}/certificates/callers/delete";
    RouteTable::new()
        .page(get("portal.publisher.certificates", certificates, "Certificates of backends"), VIEW, certificates::show)
        .page(
            upload("portal.publisher.add_certificate", certificates, "Add a certificate"),
            CERTIFICATE,
            certificates::add,
        )
        .page(
            upload(
                "portal.publisher.add_caller",
                "/publisher/apis/{api}/certificates/callers",
                "Add a caller's certificate",
            ),
            CLIENT_CERTIFICATE,
            certificates::add_caller,
        )
        .page(
            get("portal.publisher.ask_certificate", no_certificate, "Question before a certificate is removed"),
            CERTIFICATE_CHANGE,
            certificates::ask_delete,
        )
        .page(
            post("portal.publisher.delete_certificate", no_certificate, "Remove a certificate"),
            CERTIFICATE_CHANGE,
            certificates::delete,
        )
        .page(
            get("portal.publisher.ask_caller", no_caller, "Question before a caller's certificate is removed"),
            CLIENT_CERTIFICATE_CHANGE,
            certificates::ask_delete_caller,
        )
        .page(
            post("portal.publisher.delete_caller", no_caller, "Remove a caller's certificate"),
            CLIENT_CERTIFICATE_CHANGE,
            certificates::delete_caller,
        )
}

/// A field of a REST object as text; empty when it is not there.
fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The parts of a list that people separate with commas.
fn list(text: &str) -> Vec<Value> {
    text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect()
}

/// A time as REST objects have it, RFC 3339, as people read it.
fn when(time: &str) -> String {
    let text: String = time.chars().take(16).collect();
    if text.is_empty() { text } else { format!("{} UTC", text.replace('T', " ")) }
}
