//! Who may see and call an API, how much, and how they prove who they are.

use std::sync::Arc;

use model::ApiDocument;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit};

use super::context::Here;
use super::edit::{self, Sent, Values};
use super::{design, text};
use crate::Portal;
use crate::page::PageError;
use crate::ui::{Faults, Field, Form};

const LABELS: [(&str, &str); 12] = [
    ("policies", "Business plans"),
    ("apiThrottlingPolicy", "Limit of the API"),
    ("visibility", "Who sees it"),
    ("visibleRoles", "Roles that see it"),
    ("accessControlRoles", "Roles that manage it"),
    ("securityScheme", "Sign-in of callers"),
    ("authorizationHeader", "Header of the token"),
    ("apiKeyHeader", "Header of the API key"),
    ("cors", "Calls of web pages"),
    ("corsOrigins", "Allowed origins"),
    ("corsMethods", "Allowed methods"),
    ("corsHeaders", "Allowed headers"),
];

/// Schemes that callers may prove themselves by: WSO2's name, label, hint.
const SCHEMES: [(&str, &str, &str); 4] = [
    ("oauth2", "OAuth 2 token", "From the token endpoint, for an application's keys."),
    ("api_key", "API key", "One text that the consumer makes in the Developer Portal."),
    ("basic_auth", "User name and password", "Basic authentication with an account of this tenant."),
    ("mutualssl", "Client certificate", "Mutual TLS with the certificates of this API."),
];

fn cors<'a>(api: &'a ApiDocument, field: &str) -> &'a Value {
    const NONE: &Value = &Value::Null;
    api.get("corsConfiguration").and_then(|c| c.get(field)).unwrap_or(NONE)
}

fn cors_list(api: &ApiDocument, field: &str) -> String {
    cors(api, field).as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn read(api: &ApiDocument) -> Values {
    let schemes = api.texts("securityScheme");
    let known = SCHEMES.iter().map(|(name, ..)| *name).filter(|name| schemes.contains(name));
    let on = cors(api, "corsConfigurationEnabled").as_bool().unwrap_or(false);
    Values::from([
        ("policies", api.plans().join("\n")),
        ("apiThrottlingPolicy", api.text("apiThrottlingPolicy").to_owned()),
        ("visibility", api.visibility().to_owned()),
        ("visibleRoles", api.texts("visibleRoles").join(", ")),
        ("accessControlRoles", api.texts("accessControlRoles").join(", ")),
        ("securityScheme", known.collect::<Vec<_>>().join("\n")),
        ("authorizationHeader", api.text("authorizationHeader").to_owned()),
        ("apiKeyHeader", api.text("apiKeyHeader").to_owned()),
        ("cors", if on { "on" } else { "" }.to_owned()),
        ("corsOrigins", cors_list(api, "accessControlAllowOrigins")),
        ("corsMethods", cors_list(api, "accessControlAllowMethods")),
        ("corsHeaders", cors_list(api, "accessControlAllowHeaders")),
    ])
}

fn write(api: &mut ApiDocument, values: &Values, faults: &mut Faults) {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    let lines = |name: &str| value(name).lines().filter(|l| !l.is_empty()).map(Value::from).collect::<Vec<_>>();
    api.set("policies", lines("policies"));
    let limit = value("apiThrottlingPolicy");
    api.set("apiThrottlingPolicy", if limit.is_empty() { Value::Null } else { limit.into() });
    let (visibility, roles) = (value("visibility"), super::list(value("visibleRoles")));
    if visibility == "RESTRICTED" && roles.is_empty() {
        faults.add("visibleRoles", "Name at least one role, or let everybody see it.");
    }
    api.set("visibility", visibility);
    api.set("visibleRoles", if visibility == "RESTRICTED" { roles } else { Vec::new() });
    let managers = super::list(value("accessControlRoles"));
    api.set("accessControl", if managers.is_empty() { "NONE" } else { "RESTRICTED" });
    api.set("accessControlRoles", managers);
    let mut schemes = lines("securityScheme");
    if schemes.is_empty() {
        faults.add("securityScheme", "Choose at least one. A resource that needs no sign-in says so itself.");
    }
    // What is mandatory among them is not of this form: it stays as it is.
    let kept = api
        .texts("securityScheme")
        .into_iter()
        .filter(|s| !SCHEMES.iter().any(|(name, ..)| name == s))
        .map(Value::from);
    schemes.extend(kept);
    api.set("securityScheme", schemes);
    api.set("authorizationHeader", value("authorizationHeader"));
    api.set("apiKeyHeader", value("apiKeyHeader"));
    let mut cors = api.get("corsConfiguration").and_then(Value::as_object).cloned().unwrap_or_default();
    cors.insert("corsConfigurationEnabled".to_owned(), (value("cors") == "on").into());
    for (name, field) in [
        ("corsOrigins", "accessControlAllowOrigins"),
        ("corsMethods", "accessControlAllowMethods"),
        ("corsHeaders", "accessControlAllowHeaders"),
    ] {
        cors.insert(field.to_owned(), json!(super::list(value(name))));
    }
    api.set("corsConfiguration", Value::Object(cors));
}

/// What can be chosen.
struct Choices {
    plans: Vec<Value>,
    limits: Vec<Value>,
}

impl Choices {
    async fn of(here: &Here) -> Result<Self, PageError> {
        let control = &here.portal.control;
        let streaming = matches!(here.api.kind(), "WS" | "SSE" | "WEBSUB");
        Ok(Self {
            plans: control.business_plans(&here.actor, streaming).await?,
            limits: control.advanced_policies(&here.actor).await?,
        })
    }
}

fn form(here: &Here, choices: &Choices, values: &Values, stored: &Values, faults: &Faults) -> Form {
    let value = |name: &str| values.get(name).map_or("", String::as_str);
    let chosen = |name: &str, one: &str| value(name).lines().any(|line| line == one);
    let plans = choices.plans.iter().fold(
        Field::checks("policies", "Business plans").hint("Consumers choose one when they subscribe."),
        |field, plan| {
            let name = text(plan, "name");
            field.choice(name, text(plan, "displayName"), text(plan, "description"), chosen("policies", name))
        },
    );
    let limit = Field::select("apiThrottlingPolicy", "Limit of the API")
        .value(value("apiThrottlingPolicy"))
        .hint("For all callers together.")
        .option("", "None: each resource has its own");
    let limit =
        choices.limits.iter().fold(limit, |field, one| field.option(text(one, "name"), text(one, "displayName")));
    let schemes =
        SCHEMES.iter().fold(Field::checks("securityScheme", "Sign-in of callers"), |field, (name, label, hint)| {
            field.choice(name, label, hint, chosen("securityScheme", name))
        });
    let seen = Field::radios("visibility", "Who sees it")
        .value(value("visibility"))
        .choice("PUBLIC", "Everybody", "Also without an account.", false)
        .choice("PRIVATE", "People of this tenant", "", false)
        .choice("RESTRICTED", "People with certain roles", "", false);
    let form = Form::new(&here.frame.csrf, here.path("access"), "Save plans and access")
        .faults(faults)
        .field(plans)
        .field(limit)
        .group("In the Developer Portal", "")
        .field(seen)
        .field(
            Field::text("visibleRoles", "Roles that see it").value(value("visibleRoles")).hint("Separated by commas."),
        )
        .group("In the Publisher", "")
        .field(
            Field::text("accessControlRoles", "Roles that manage it")
                .value(value("accessControlRoles"))
                .hint("Separated by commas. Empty: everybody who may manage APIs."),
        )
        .group("At the gateway", "")
        .field(schemes)
        .field(Field::text("authorizationHeader", "Header of the token").value(value("authorizationHeader")))
        .field(Field::text("apiKeyHeader", "Header of the API key").value(value("apiKeyHeader")))
        .group("Calls of web pages (CORS)", "Browsers ask the gateway which pages may call the API.")
        .field(Field::check("cors", "The gateway answers them", value("cors") == "on"))
        .field(
            Field::text("corsOrigins", "Allowed origins")
                .value(value("corsOrigins"))
                .hint("As in https://shop.example.com, separated by commas."),
        )
        .field(Field::text("corsMethods", "Allowed methods").value(value("corsMethods")))
        .field(Field::text("corsHeaders", "Allowed headers").value(value("corsHeaders")));
    edit::remember(form, stored)
}

/// The form.
pub(super) async fn show(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "access").await?;
    let values = edit::normal(read(&here.api));
    let form = form(&here, &Choices::of(&here).await?, &values, &values, &Faults::none());
    here.frame.answer(here.page("Plans and access").lead("Who may see and call it, and how much.").narrow().add(&form))
}

/// Saves it.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let here = Here::of(&portal, &permit, &call, "access").await?;
    let sent = Sent::of(&Fields::of(&call)?, LABELS.map(|(name, _)| name));
    let saved = edit::save(&here, &sent, read, write).await?;
    let choices = Choices::of(&here).await?;
    let page = here.page("Plans and access").narrow();
    let shown = |stored: &Values, faults: &Faults| form(&here, &choices, &sent.given, stored, faults);
    design::answer(
        &here,
        saved,
        page,
        &LABELS,
        &shown,
        read,
        ("access", "Plans and access were saved. Sign-in and CORS count from the next revision on."),
    )
}
