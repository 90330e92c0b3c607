//! The form of a policy: a REST object to fields and back. What the form does not show stays as it is stored.

use control::administration::Level;
use control::{ControlError, Field as _};
use serde_json::{Value, json};
use web::{Fields, RestError};

use crate::admin::text;
use crate::page::PageError;
use crate::ui::{Faults, Field, Form};

const KINDS: [(&str, &str); 4] = [
    ("REQUESTCOUNTLIMIT", "Requests"),
    ("BANDWIDTHLIMIT", "Bandwidth"),
    ("EVENTCOUNTLIMIT", "Events (WebSocket, SSE)"),
    ("AIAPIQUOTALIMIT", "Requests and tokens (AI)"),
];
const UNITS: [(&str, &str); 4] = [("min", "Minutes"), ("hour", "Hours"), ("day", "Days"), ("month", "Months")];

/// A new policy.
pub(super) fn blank(level: Level) -> Value {
    let mut policy = json!({
        "policyName": "", "displayName": "", "description": "",
        "defaultLimit": {"type": "REQUESTCOUNTLIMIT", "requestCount": {"timeUnit": "min", "unitTime": 1, "requestCount": 1000}},
    });
    if level == Level::Subscription
        && let Some(fields) = policy.as_object_mut()
    {
        fields.insert("stopOnQuotaReach".into(), json!(true));
        fields.insert("billingPlan".into(), json!("FREE"));
    }
    policy
}

/// The name of a limit's part that holds its numbers.
fn part(kind: &str) -> &'static str {
    match kind {
        "BANDWIDTHLIMIT" => "bandwidth",
        "EVENTCOUNTLIMIT" => "eventCount",
        "AIAPIQUOTALIMIT" => "aiApiQuota",
        _ => "requestCount",
    }
}

fn amount(kind: &str) -> &'static str {
    match kind {
        "BANDWIDTHLIMIT" => "dataAmount",
        "EVENTCOUNTLIMIT" => "eventCount",
        _ => "requestCount",
    }
}

fn digits(value: &Value) -> String {
    value.as_i64().map(|number| number.to_string()).unwrap_or_default()
}

/// `seen` is the fingerprint of the stored policy; `None` for a new one.
pub(super) fn form(csrf: &str, level: Level, policy: &Value, seen: Option<&str>, faults: &Faults) -> Form {
    let base = format!("/admin/throttling/{}", level.as_str());
    let (action, submit) = match seen {
        Some(_) => (format!("{base}/{}", text(policy, "policyId")), "Save the policy"),
        None => (format!("{base}/new"), "Add the policy"),
    };
    let mut form = Form::new(csrf, action, submit).faults(faults);
    form = match seen {
        Some(seen) => form.hidden("seen", seen),
        None => form.field(Field::text("policyName", "Name").value(text(policy, "policyName")).required().max(60)),
    };
    form = form
        .field(
            Field::text("displayName", "Name for people")
                .value(text(policy, "displayName"))
                .hint("Not required.")
                .max(255),
        )
        .field(
            Field::text("description", "Description")
                .value(text(policy, "description"))
                .hint("Not required.")
                .max(1024),
        );
    form = match level {
        Level::Custom => custom(form, policy),
        _ => limit(form, policy),
    };
    form = match level {
        Level::Subscription => plan(form, policy),
        Level::Advanced => groups(form, policy),
        Level::Application | Level::Custom => form,
    };
    form.back("Cancel", base)
}

fn limit(form: Form, policy: &Value) -> Form {
    let limit = policy.at("defaultLimit");
    let kind = text(limit, "type");
    let body = limit.at(part(kind));
    let mut kinds = Field::select("type", "What is counted").value(kind);
    for (value, label) in KINDS {
        kinds = kinds.option(value, label);
    }
    let mut units = Field::select("timeUnit", "Time unit").value(match text(body, "timeUnit").trim_end_matches('s') {
        "minute" => "min",
        unit => unit,
    });
    for (value, label) in UNITS {
        units = units.option(value, label);
    }
    let data = Field::select("dataUnit", "Unit of bandwidth").value(text(body, "dataUnit"));
    form.group("Limit", "")
        .field(kinds)
        .field(Field::number("amount", "How much").value(&digits(body.at(amount(kind)))).required())
        .field(data.option("KB", "KB").option("MB", "MB").hint("For bandwidth only."))
        .field(
            Field::number("tokens", "Tokens")
                .value(&digits(body.at("totalTokenCount")))
                .hint("For AI only: tokens of questions and answers together."),
        )
        .field(Field::number("unitTime", "In how many").value(&digits(body.at("unitTime"))).required())
        .field(units)
}

fn plan(form: Form, policy: &Value) -> Form {
    let burst = Field::select("rateLimitTimeUnit", "Burst time unit").value(text(policy, "rateLimitTimeUnit"));
    let billing = Field::select("billingPlan", "Billing").value(text(policy, "billingPlan"));
    let hint = |text: &'static str| move |field: Field| field.hint(text);
    let count = |name: &str, label: &str| Field::number(name, label).value(&digits(policy.at(name)));
    form.group("Business plan", "")
        .field(Field::check(
            "stopOnQuotaReach",
            "Refuse calls beyond the limit",
            policy.at("stopOnQuotaReach").as_bool().unwrap_or(false),
        ))
        .field(billing.option("FREE", "Free").option("COMMERCIAL", "Commercial"))
        .field(hint("0: no burst limit.")(count("rateLimitCount", "Burst limit")))
        .field(burst.option("", "none").option("sec", "Seconds").option("min", "Minutes").option("hour", "Hours"))
        .field(hint("0: not limited.")(count("graphQLMaxComplexity", "GraphQL: greatest complexity")))
        .field(hint("0: not limited.")(count("graphQLMaxDepth", "GraphQL: greatest depth")))
        .field(hint("0: not limited.")(count("subscriberCount", "WebHooks: most subscribers")))
}

fn groups(form: Form, policy: &Value) -> Form {
    let stored = policy.at("conditionalGroups");
    let shown = match stored {
        Value::String(typed) => typed.clone(),
        Value::Array(list) if !list.is_empty() => serde_json::to_string_pretty(stored).unwrap_or_default(),
        _ => String::new(),
    };
    let hint = "Not required. A JSON list as in the Admin REST API: groups of conditions (IPCONDITION, HEADERCONDITION, \
                JWTCLAIMSCONDITION, QUERYPARAMETERCONDITION), each group with a limit of its own.";
    form.group("Conditional groups", "Another limit for calls that fulfil all conditions of a group.")
        .field(Field::code("conditionalGroups", "Groups", 10).value(&shown).hint(hint))
}

fn custom(form: Form, policy: &Value) -> Form {
    form.field(Field::code("siddhiQuery", "Siddhi query", 10).value(text(policy, "siddhiQuery")).required()).field(
        Field::text("keyTemplate", "Key template")
            .value(text(policy, "keyTemplate"))
            .hint("As in $userId:$apiContext.")
            .required(),
    )
}

/// The form's policy, over the one that is stored, and what cannot be read.
pub(super) fn read(level: Level, fields: &Fields, stored: Value) -> (Value, Faults) {
    let (mut policy, mut faults) = (stored, Faults::none());
    let mut set = |name: &str, value: Value| {
        if let Some(object) = policy.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    for name in ["policyName", "displayName", "description", "siddhiQuery", "keyTemplate"] {
        if let Some(value) = fields.get(name) {
            set(name, json!(value.trim()));
        }
    }
    if fields.text("displayName").trim().is_empty() {
        set("displayName", Value::Null);
    }
    if level != Level::Custom {
        let kind = fields.text("type");
        let mut body = json!({
            "timeUnit": fields.text("timeUnit"),
            "unitTime": count(fields, "unitTime", &mut faults),
        });
        if let Some(object) = body.as_object_mut() {
            object.insert(amount(kind).to_owned(), count(fields, "amount", &mut faults));
            if kind == "BANDWIDTHLIMIT" {
                object.insert("dataUnit".into(), json!(fields.text("dataUnit")));
            }
            if kind == "AIAPIQUOTALIMIT" && !fields.text("tokens").trim().is_empty() {
                object.insert("totalTokenCount".into(), count(fields, "tokens", &mut faults));
            }
        }
        set("defaultLimit", json!({"type": kind, part(kind): body}));
    }
    if level == Level::Subscription {
        for name in ["rateLimitCount", "graphQLMaxComplexity", "graphQLMaxDepth", "subscriberCount"] {
            if !fields.text(name).trim().is_empty() {
                set(name, count(fields, name, &mut faults));
            }
        }
        let unit = fields.text("rateLimitTimeUnit");
        set("rateLimitTimeUnit", if unit.is_empty() { Value::Null } else { json!(unit) });
        set("stopOnQuotaReach", json!(fields.get("stopOnQuotaReach").is_some()));
        set("billingPlan", json!(fields.text("billingPlan")));
    }
    if level == Level::Advanced {
        let typed = fields.text("conditionalGroups").trim();
        match serde_json::from_str::<Value>(if typed.is_empty() { "[]" } else { typed }) {
            Ok(list @ Value::Array(_)) => set("conditionalGroups", list),
            Ok(_) => {
                faults.add("conditionalGroups", "Write a list: it begins with [ and ends with ].");
                set("conditionalGroups", json!(typed));
            }
            Err(error) => {
                faults.add("conditionalGroups", format!("This is not JSON: {error}."));
                set("conditionalGroups", json!(typed));
            }
        }
    }
    (policy, faults)
}

fn count(fields: &Fields, name: &str, faults: &mut Faults) -> Value {
    match fields.text(name).trim().parse::<i64>() {
        Ok(number) => json!(number),
        Err(_) => {
            faults.add(name, "Write a whole number.");
            Value::Null
        }
    }
}

/// Refusals name places of the REST object; the form's fields have shorter names.
pub(super) fn faults(error: ControlError) -> Result<Faults, PageError> {
    let mut error = RestError::from(error);
    for item in &mut error.items {
        for (place, field) in [
            (".unitTime:", "unitTime:"),
            (".timeUnit:", "timeUnit:"),
            (".dataUnit:", "dataUnit:"),
            ("Limit.type:", "type:"),
            ("defaultLimit.", "amount:"),
        ] {
            if item.message.starts_with("defaultLimit") && item.message.contains(place) {
                let rest = item.message.split_once(':').map_or("", |(_, rest)| rest).to_owned();
                item.message = format!("{field}{rest}");
                break;
            }
        }
    }
    Faults::of(error)
}
