//! Gateway environments that are managed here: new, changed, removed. Those of the configuration are only listed.

use std::sync::Arc;

use control::Field as _;
use control::administration::environments as use_case;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError, RouteTable};

use super::{Desk, faulty, fingerprint, text};
use crate::page::PageError;
use crate::ui::{Confirmation, Faults, Field, Form, Link, Page};
use crate::{Portal, get, post};

const MANAGE: &[&str] = &["apim:admin", "apim:environment_manage"];
const LIST: &str = "/admin/gateways";
const NEW: &str = "/admin/environments/new";
const ONE: &str = "/admin/environments/{id}";
const DELETE: &str = "/admin/environments/{id}/delete";
const KINDS: [(&str, &str); 3] =
    [("hybrid", "Production and sandbox"), ("production", "Production"), ("sandbox", "Sandbox")];

pub(super) fn routes() -> RouteTable<Portal> {
    RouteTable::new()
        .page(get("portal.admin.environments.form", NEW, "Form for an environment"), MANAGE, new)
        .page(post("portal.admin.environments.create", NEW, "Add an environment"), MANAGE, create)
        .page(get("portal.admin.environments.edit", ONE, "An environment"), MANAGE, edit)
        .page(post("portal.admin.environments.update", ONE, "Change an environment"), MANAGE, update)
        .page(get("portal.admin.environments.ask", DELETE, "Question before an environment is removed"), MANAGE, ask)
        .page(post("portal.admin.environments.delete", DELETE, "Remove an environment"), MANAGE, delete)
}

/// A virtual host as a line of the form.
pub(super) fn line(host: &Value) -> String {
    let context = match text(host, "httpContext") {
        "" => String::new(),
        context => format!("/{context}"),
    };
    format!("https://{}:{}{context}", text(host, "host"), host.at("httpsPort").as_u64().unwrap_or(443))
}

/// A line of the form as a virtual host; ports that a line does not name stay as they are stored.
fn host(line: &str, stored: &[Value]) -> Option<Value> {
    let address: http::Uri = line.parse().ok()?;
    if address.scheme_str() != Some("https") || address.query().is_some() {
        return None;
    }
    let name = address.host()?;
    let mut host = stored.iter().find(|known| text(known, "host") == name).cloned().unwrap_or_else(|| json!({}));
    let fields = host.as_object_mut()?;
    fields.insert("host".into(), json!(name));
    fields.insert("httpsPort".into(), json!(address.port_u16().unwrap_or(443)));
    fields.insert("httpContext".into(), json!(address.path().trim_matches('/')));
    Some(host)
}

fn form(csrf: &str, environment: &Value, lines: &str, seen: Option<&str>, faults: &Faults) -> Form {
    let (action, submit) = match seen {
        Some(_) => (format!("/admin/environments/{}", text(environment, "id")), "Save the environment"),
        None => (NEW.to_owned(), "Add the environment"),
    };
    let mut form = Form::new(csrf, action, submit).faults(faults);
    form = match seen {
        Some(seen) => form.hidden("seen", seen),
        None => form.field(
            Field::text("name", "Name")
                .value(text(environment, "name"))
                .hint("Letters, digits, '.', '_' and '-'. It cannot be changed.")
                .required()
                .max(255),
        ),
    };
    let mut kinds = Field::select("type", "Kind").value(text(environment, "type"));
    for (value, label) in KINDS {
        kinds = kinds.option(value, label);
    }
    let hint =
        "One on each line, the default first, as in https://api.example.com:443 or https://api.example.com/path.";
    form.field(
        Field::text("displayName", "Name for people")
            .value(text(environment, "displayName"))
            .hint("Not required.")
            .max(255),
    )
    .field(
        Field::text("description", "Description")
            .value(text(environment, "description"))
            .hint("Not required.")
            .max(1024),
    )
    .field(kinds)
    .field(Field::area("vhosts", "Addresses", 4).value(lines).hint(hint).required())
    .back("Cancel", LIST)
}

/// The form's environment over the one that is stored.
fn read(fields: &Fields, stored: Value, faults: &mut Faults) -> Value {
    let mut environment = stored;
    let known = environment.at("vhosts").as_array().cloned().unwrap_or_default();
    let mut hosts = Vec::new();
    for line in fields.text("vhosts").lines().map(str::trim).filter(|line| !line.is_empty()) {
        match host(line, &known) {
            Some(host) => hosts.push(host),
            None => faults.add("vhosts", format!("{line} is no https address.")),
        }
    }
    if let Some(object) = environment.as_object_mut() {
        for name in ["name", "displayName", "description", "type"] {
            if let Some(value) = fields.get(name).map(str::trim) {
                let value = if name == "displayName" && value.is_empty() { Value::Null } else { json!(value) };
                object.insert(name.to_owned(), value);
            }
        }
        object.insert("vhosts".into(), Value::Array(hosts));
    }
    environment
}

async fn new(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    let form = form(desk.csrf(), &json!({}), "", None, &Faults::none());
    desk.frame.answer(new_page().add(&form))
}

fn new_page() -> Page {
    Page::new("Add an environment").crumb("Gateways", LIST).narrow()
}

/// Refusals name parts of a virtual host; the form has one field for all of them.
fn refusal(error: control::ControlError) -> Result<Faults, PageError> {
    let mut error = RestError::from(error);
    for item in &mut error.items {
        if let Some(rest) = item.message.strip_prefix("vhosts.") {
            item.message = format!("vhosts: {rest}");
        }
    }
    Faults::of(error)
}

async fn create(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    let fields = Fields::of(&call)?;
    let mut faults = Faults::none();
    let input = read(&fields, json!({}), &mut faults);
    if faults.is_empty() {
        match use_case::create(&portal.control, &desk.actor, &input).await {
            Ok(made) => return desk.frame.done(LIST, &format!("The environment {} was added.", text(&made, "name"))),
            Err(error) => faults = refusal(error)?,
        }
    }
    let form = form(desk.csrf(), &input, fields.text("vhosts"), None, &faults);
    faulty(&desk, new_page().add(&form))
}

async fn find(desk: &Desk<'_>, call: &Call) -> Result<Value, PageError> {
    let found = use_case::get(&desk.portal.control, &desk.actor, call.path("id")?).await?;
    if found.at("isReadOnly").as_bool().unwrap_or(false) {
        return Err(
            RestError::conflict("This environment follows the configuration. Change it in deployment.toml.").into()
        );
    }
    Ok(found)
}

async fn edit(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    let stored = find(&desk, &call).await?;
    let lines: Vec<String> = stored.at("vhosts").as_array().into_iter().flatten().map(line).collect();
    let page = edit_page(&desk, &stored, &lines.join("\n"), &fingerprint(&stored), &Faults::none());
    desk.frame.answer(page)
}

fn edit_page(desk: &Desk<'_>, environment: &Value, lines: &str, seen: &str, faults: &Faults) -> Page {
    let delete = format!("/admin/environments/{}/delete", text(environment, "id"));
    Page::new(text(environment, "name"))
        .crumb("Gateways", LIST)
        .narrow()
        .add(&form(desk.csrf(), environment, lines, Some(seen), faults))
        .html(Link::html("Remove this environment", delete))
}

async fn update(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    let fields = Fields::of(&call)?;
    let stored = find(&desk, &call).await?;
    let present = fingerprint(&stored);
    let mut faults = Faults::none();
    let input = read(&fields, stored.clone(), &mut faults);
    if fields.text("seen") != present {
        faults.add("", "Somebody changed this environment meanwhile. The form keeps what you typed; save again to replace what is stored.");
    }
    if faults.is_empty() {
        match use_case::update(&portal.control, &desk.actor, call.path("id")?, &input).await {
            Ok(_) => return desk.frame.done(LIST, &format!("The environment {} was saved.", text(&stored, "name"))),
            Err(error) => faults = refusal(error)?,
        }
    }
    faulty(&desk, edit_page(&desk, &input, fields.text("vhosts"), &present, &faults))
}

async fn ask(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    let stored = find(&desk, &call).await?;
    let one = format!("/admin/environments/{}", text(&stored, "id"));
    let label = format!("Remove the environment {}", text(&stored, "name"));
    let confirmation = Confirmation::new(desk.csrf(), format!("{one}/delete"), &label, &one)
        .loses("Its addresses: no API can be deployed to it any more.")
        .loses("It stays while an API is deployed to it; the page says then which.");
    desk.frame.answer(Page::new(format!("{label}?")).crumb("Gateways", LIST).narrow().add(&confirmation))
}

async fn delete(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let desk = Desk::of(&portal, &permit, &call, "gateways");
    find(&desk, &call).await?;
    use_case::delete(&portal.control, &desk.actor, call.path("id")?).await?;
    desk.frame.done(LIST, "The environment was removed.")
}

#[cfg(test)]
mod tests {
    use super::{host, line};
    use serde_json::json;

    #[test]
    fn a_line_is_an_address_and_comes_back() {
        let made = host("https://api.example.com/base", &[]).unwrap();
        assert_eq!(line(&made), "https://api.example.com:443/base");
        let known = json!({"host": "gw", "httpsPort": 1, "wsPort": 9, "httpContext": "x"});
        let changed = host("https://gw:8243", &[known]).unwrap();
        assert_eq!(
            (&changed["httpsPort"], &changed["wsPort"], &changed["httpContext"]),
            (&json!(8243), &json!(9), &json!(""))
        );
        for wrong in ["http://a", "a.example", "https://", "https://a?b=c", "javascript:alert(1)", "https://a b"] {
            assert!(host(wrong, &[]).is_none(), "{wrong}");
        }
    }
}
