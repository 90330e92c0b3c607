//! Calling an API from the page, and the call as code.
//!
//! The call goes out from here, not from the browser: it works without JavaScript, the page's policy stays as narrow as it
//! is, and an API needs no CORS to be tried. Where it goes is not the visitor's choice: only to addresses at which the
//! gateway announces the API, below the API's own context.

use std::sync::Arc;
use std::time::Duration;

use control::Field as _;
use control::devportal::{Consumer, Part};
use http::StatusCode;
use serde_json::{Value, json};
use web::{Answer, Call, Fields, Permit, RestError};

use super::api::{Shown, shown};
use super::operation::{self, Operation, Place};
use super::snippet::{self, HeaderValue, Language, Request};
use super::{consumer, entries, frame, target, text};
use crate::Portal;
use crate::console::Frame;
use crate::page::PageError;
use crate::ui::{
    Badge, Card, Code, Column, Empty, Facts, Faults, Field, Form, Html, Link, Notice, Page, Tab, Table, Tone,
};

/// Largest form, bytes: a body of an API with the encoding of forms around it.
pub(super) const FORM: usize = 512 * 1024;
/// Longest answer that is shown, bytes.
const SHOWN: usize = 64 * 1024;
/// Seconds that a token for a call lasts.
const TOKEN_SECONDS: i64 = 900;

/// All operations.
pub(super) async fn list(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let document = shown.visit.openapi(shown.id).await?;
    let mut table =
        Table::new("Operations", vec![Column::new("Operation"), Column::new("About"), Column::new("Credential")])
            .empty(Empty::new("No operations", "The definition of this API declares none."));
    for one in operation::all(&document) {
        let name = format!("{} {}", one.verb, one.target);
        table.row(vec![
            Link::html(name, shown.path(&format!("/try/call?{}", address(&one, Language::Curl)))),
            Html::text(&one.summary),
            if one.guarded { Html::text("needed") } else { Badge::html("Open", Tone::Accent) },
        ]);
    }
    frame.answer(shown.page("/try").add(&table))
}

/// The query that names an operation.
fn address(one: &Operation, language: Language) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("verb", &one.verb)
        .append_pair("target", &one.target)
        .append_pair("code", language.key())
        .finish()
}

/// One operation of an API that somebody looks at.
struct Chosen {
    shown: Shown,
    operation: Operation,
    /// Where the API is announced: name of the environment and address.
    bases: Vec<(String, String)>,
    language: Language,
}

impl Chosen {
    async fn of(shown: Shown, call: &Call) -> Result<Self, PageError> {
        let document = shown.visit.openapi(shown.id).await?;
        let wanted = |name: &str| call.query(name).unwrap_or_default();
        let found = operation::all(&document)
            .into_iter()
            .find(|one| one.verb.eq_ignore_ascii_case(wanted("verb")) && one.target == wanted("target"));
        let operation = found.ok_or_else(|| RestError::not_found("The API has no such operation any more."))?;
        let mut bases = Vec::new();
        for environment in entries(&shown.api, "endpointURLs") {
            let urls = environment.at("URLs");
            let url = urls.at("https").as_str().or_else(|| urls.at("http").as_str());
            bases.extend(
                url.map(|url| (text(environment, "environmentName").to_owned(), url.trim_end_matches('/').to_owned())),
            );
        }
        Ok(Self { shown, operation, bases, language: Language::of(wanted("code")) })
    }

    fn path(&self, language: Language) -> String {
        self.shown.path(&format!("/try/call?{}", address(&self.operation, language)))
    }

    fn page(&self) -> Page {
        let title = format!("{} {}", self.operation.verb, self.operation.target);
        let about =
            if self.operation.description.is_empty() { &self.operation.summary } else { &self.operation.description };
        let page = self.shown.below("/try", &title, "Try it");
        Page { beside_title: Html::default(), ..page }.lead(about.chars().take(1000).collect::<String>())
    }

    /// The call with what the operation takes by example, as code.
    fn code(&self, request: &Request) -> Html {
        let tabs =
            Language::ALL.map(|language| Tab::new(language.label(), self.path(language), language == self.language));
        let links = Html::join(tabs.into_iter().map(|tab| {
            if tab.current { Badge::html(tab.label, Tone::Accent) } else { Link::html(tab.label, tab.path) }
        }));
        let card = Card::new("As code")
            .html(links)
            .add(&Code::new(self.language.label(), snippet::write(self.language, request)));
        Html::of(&card)
    }

    /// The example of a parameter, or its name where there is none.
    fn example(&self, place: Place, name: &str) -> Option<String> {
        let one = self.operation.parameters.iter().find(|p| p.place == place && p.name == name)?;
        if !one.value.is_empty() {
            return Some(one.value.clone());
        }
        let first = one.choices.first().cloned();
        first.or_else(|| one.required.then(|| name.to_owned()))
    }

    fn example_request(&self) -> Request {
        let base = self.bases.first().map_or("https://gateway.example", |(_, url)| url.as_str());
        let body = self.operation.body.as_ref().map_or("", |body| body.sample.as_str());
        let made = target::request(base, &self.operation, &|place, name| self.example(place, name), body);
        let mut request = made.unwrap_or_else(|_| Request {
            method: self.operation.verb.clone(),
            url: format!("{base}{}", self.operation.target),
            ..Request::default()
        });
        if self.operation.guarded {
            request.headers.insert(0, self.bearer());
        }
        request
    }

    /// The header of a token, under the name that the API takes it by.
    fn bearer(&self) -> (String, HeaderValue) {
        let own = Some(text(&self.shown.api, "authorizationHeader")).filter(|name| is_name(name));
        (own.unwrap_or("Authorization").to_owned(), HeaderValue::Secret("Bearer ", "TOKEN"))
    }

    fn api_key(&self) -> (String, HeaderValue) {
        let own = Some(text(&self.shown.api, "apiKeyHeader")).filter(|name| is_name(name));
        (own.unwrap_or("ApiKey").to_owned(), HeaderValue::Secret("", "API_KEY"))
    }
}

fn is_name(text: &str) -> bool {
    http::HeaderName::from_bytes(text.as_bytes()).is_ok()
}

/// The form for a call, and the call as code.
pub(super) async fn form(portal: Arc<Portal>, permit: Option<Permit>, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, permit.as_ref(), &call);
    let chosen = Chosen::of(shown, &call).await?;
    let frame = frame(&portal, permit.as_ref(), &call, "apis");
    let code = chosen.code(&chosen.example_request());
    let mut page = chosen.page();
    page = match callable(&portal, permit.as_ref(), &chosen) {
        Ok(()) => {
            let consumer = consumer(&portal, permit.as_ref()).await?;
            page.add(
                &call_form(&frame, &chosen, consumer.as_ref(), &|name| default(&chosen, name), &Faults::none()).await?,
            )
        }
        Err(notice) => page.add(&notice),
    };
    frame.answer(page.html(code))
}

/// Whether the page can make the call, or why not.
fn callable(portal: &Portal, permit: Option<&Permit>, chosen: &Chosen) -> Result<(), Notice> {
    if !permit.is_some_and(|permit| permit.allows("apim:subscribe")) {
        return Err(Notice::new(Tone::Accent, "Sign in to call it from here", "The code below works without.")
            .html(Link::html("Sign in", "/signin")));
    }
    if chosen.bases.is_empty() {
        return Err(Notice::new(Tone::Warn, "Not deployed", "There is no gateway yet that serves this API."));
    }
    if portal.calls.is_none() {
        return Err(Notice::new(Tone::Warn, "This server makes no calls", "Use the code below."));
    }
    Ok(())
}

/// What a field of an untouched form holds.
fn default(chosen: &Chosen, name: &str) -> String {
    if name == "body" {
        return chosen.operation.body.as_ref().map(|body| body.sample.clone()).unwrap_or_default();
    }
    let parameter = chosen.operation.parameters.iter().find(|p| target::field_name(p.place, &p.name) == name);
    parameter.map(|p| p.value.clone()).unwrap_or_default()
}

async fn call_form(
    frame: &Frame,
    chosen: &Chosen,
    consumer: Option<&Consumer>,
    typed: &(dyn Fn(&str) -> String + Sync),
    faults: &Faults,
) -> Result<Form, PageError> {
    let mut form = Form::new(&frame.csrf, chosen.path(chosen.language), "Send the call").faults(faults);
    if chosen.operation.guarded {
        let mut credential = Field::select("credential", "Credential").value(&typed("credential"));
        if let Some(consumer) = consumer {
            for (value, label) in applications(consumer, chosen).await? {
                credential = credential.option(&value, &label);
            }
        }
        credential = credential
            .option("token", "An access token that I enter")
            .option("api-key", "An API key that I enter")
            .option("none", "None");
        form = form
            .field(
                credential.hint("A subscribed application with keys can call at once: a short token is issued for it."),
            )
            .field(Field::secret("secret", "Access token or API key").hint("Only if you enter one yourself."));
    }
    if chosen.bases.len() > 1 {
        let mut environment = Field::select("environment", "Gateway").value(&typed("environment"));
        for (name, url) in &chosen.bases {
            environment = environment.option(name, &format!("{name}: {url}"));
        }
        form = form.field(environment);
    }
    for (index, parameter) in chosen.operation.parameters.iter().enumerate() {
        let name = target::field_name(parameter.place, &parameter.name);
        let hint = if parameter.hint.is_empty() {
            place(parameter.place).to_owned()
        } else {
            format!("{}: {}", place(parameter.place), parameter.hint)
        };
        let mut field = if parameter.choices.is_empty() {
            Field::text(&name, &parameter.name)
        } else {
            let mut field = Field::select(&name, &parameter.name);
            if !parameter.required {
                field = field.option("", "not sent");
            }
            parameter.choices.iter().fold(field, |field, choice| field.option(choice, choice))
        };
        // Names of parameters may have blanks; ids may not.
        field = field.hint(&hint).value(&typed(&name)).id(&format!("parameter-{index}"));
        form = form.field(if parameter.required { field.required() } else { field });
    }
    if let Some(body) = &chosen.operation.body {
        let field = Field::code("body", "Body", 10).hint(&body.media_type).value(&typed("body"));
        form = form.field(if body.required { field.required() } else { field });
    }
    Ok(form)
}

const fn place(place: Place) -> &'static str {
    match place {
        Place::Path => "Part of the path",
        Place::Query => "In the query",
        Place::Header => "Header",
        Place::Form => "In the form",
    }
}

/// Applications with keys that are subscribed to the API, as `<application>/<mapping>` with a name for people.
async fn applications(consumer: &Consumer, chosen: &Chosen) -> Result<Vec<(String, String)>, PageError> {
    let mine = consumer.subscriptions_to(chosen.shown.id).await?;
    let all = consumer.applications(Part::ALL).await?;
    let mut found = Vec::new();
    for application in entries(&all, "list") {
        let id = text(application, "applicationId");
        if !entries(&mine, "list").iter().any(|s| text(s, "applicationId") == id) {
            continue;
        }
        let Ok(application_id) = id.parse() else { continue };
        let keys = consumer.keys(application_id).await?;
        for key in entries(&keys, "list").iter().filter(|key| text(key, "mode") == "CREATED") {
            let kind = text(key, "keyType").to_lowercase();
            found.push((
                format!("{id}/{}", text(key, "keyMappingId")),
                format!("{}, {kind} keys", text(application, "name")),
            ));
        }
    }
    Ok(found)
}

/// Makes the call and shows what came back.
pub(super) async fn send(portal: Arc<Portal>, permit: Permit, call: Call) -> Result<Answer, PageError> {
    let shown = shown!(&portal, Some(&permit), &call);
    let chosen = Chosen::of(shown, &call).await?;
    let frame = frame(&portal, Some(&permit), &call, "apis");
    let fields = Fields::of(&call)?;
    let typed = |name: &str| fields.text(name).replace("\r\n", "\n");
    let consumer = consumer(&portal, Some(&permit)).await?;
    if let Err(notice) = callable(&portal, Some(&permit), &chosen) {
        return frame.answer(chosen.page().add(&notice));
    }
    let sent = attempt(&portal, &chosen, consumer.as_ref(), &fields).await;
    let (status, faults, outcome) = match sent {
        Ok((request, outcome)) => (StatusCode::OK, Faults::none(), vec![outcome, chosen.code(&request)]),
        Err(Refused::Field(name, text)) => {
            let mut faults = Faults::none();
            faults.add(name, text);
            (StatusCode::UNPROCESSABLE_ENTITY, faults, Vec::new())
        }
        Err(Refused::Page(error)) => return Err(error),
    };
    let form = call_form(&frame, &chosen, consumer.as_ref(), &typed, &faults).await?;
    let mut page = chosen.page().faulty(!faults.is_empty());
    for part in outcome {
        page = page.html(part);
    }
    frame.answer_with(status, page.add(&form))
}

/// Why no call was made.
enum Refused {
    Field(String, String),
    Page(PageError),
}

impl<E: Into<PageError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Page(error.into())
    }
}

async fn attempt(
    portal: &Portal,
    chosen: &Chosen,
    consumer: Option<&Consumer>,
    fields: &Fields,
) -> Result<(Request, Html), Refused> {
    let environment = fields.text("environment");
    let base = chosen.bases.iter().find(|(name, _)| environment.is_empty() || name == environment);
    let Some((_, base)) = base else {
        return Err(Refused::Field("environment".into(), "Choose a gateway of the list.".into()));
    };
    let given = |place: Place, name: &str| fields.get(&target::field_name(place, name)).map(str::to_owned);
    let body = fields.text("body").replace("\r\n", "\n");
    let made = target::request(base, &chosen.operation, &given, &body);
    let mut request = made.map_err(|(field, text)| Refused::Field(field, text))?;
    let secret = credential(chosen, consumer, fields, &mut request).await?;
    let secrets = [("TOKEN", secret.as_str()), ("API_KEY", secret.as_str())];
    let real = target::real(&request, &secrets).map_err(PageError::from)?;
    let Some(calls) = &portal.calls else {
        return Err(Refused::Field(String::new(), "This server makes no calls.".into()));
    };
    let before = portal.clock.now();
    let outcome = match calls.call(real.map(Into::into)).await {
        Ok(answer) => shown_answer(&answer, portal.clock.now().since(before)),
        Err(error) => Html::of(&Notice::new(Tone::Bad, "No answer", format!("{error}."))),
    };
    Ok((request, outcome))
}

/// Adds the header of the chosen credential and gives its secret.
async fn credential(
    chosen: &Chosen,
    consumer: Option<&Consumer>,
    fields: &Fields,
    request: &mut Request,
) -> Result<String, Refused> {
    let entered = || {
        let secret = fields.text("secret").trim();
        let wrong = |text: &str| Refused::Field("secret".into(), text.to_owned());
        match secret {
            "" => Err(wrong("Enter the token or key, or choose an application.")),
            text if !text.bytes().all(|b| b.is_ascii_graphic()) => Err(wrong("It has characters that no token has.")),
            text => Ok(text.to_owned()),
        }
    };
    match fields.text("credential") {
        "none" | "" => Ok(String::new()),
        "token" => {
            request.headers.insert(0, chosen.bearer());
            entered()
        }
        "api-key" => {
            request.headers.insert(0, chosen.api_key());
            entered()
        }
        application => {
            let unknown = || Refused::Field("credential".into(), "Choose one of the list.".into());
            let (id, keys) = application.split_once('/').ok_or_else(unknown)?;
            let (Ok(id), Ok(keys), Some(consumer)) = (id.parse(), keys.parse(), consumer) else {
                return Err(unknown());
            };
            let scopes: Vec<&str> =
                entries(&chosen.shown.api, "scopes").iter().map(|scope| text(scope, "key")).collect();
            let input = json!({"scopes": scopes, "validityPeriod": TOKEN_SECONDS});
            let made: Value = consumer.token(id, keys, &input).await.map_err(PageError::from)?;
            request.headers.insert(0, chosen.bearer());
            Ok(text(&made, "accessToken").to_owned())
        }
    }
}

/// An answer of the API. It is shown as text, never as what it claims to be.
fn shown_answer(answer: &http::Response<axum::body::Bytes>, took: Duration) -> Html {
    let status = answer.status();
    let tone = match status.as_u16() {
        200..=299 => Tone::Ok,
        300..=399 => Tone::Accent,
        400..=499 => Tone::Warn,
        _ => Tone::Bad,
    };
    let label = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let mut headers = Facts::new();
    for (name, value) in answer.headers() {
        headers = headers.fact(name.as_str(), Html::mono(String::from_utf8_lossy(value.as_bytes())));
    }
    let body = answer.body();
    let readable = std::str::from_utf8(body).ok();
    let pretty = serde_json::from_slice::<Value>(body).ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    let card = Card::new("Answer")
        .aside(Badge::html(label.trim(), tone))
        .text(&format!("{} ms, {} bytes", took.as_millis(), body.len()))
        .add(&headers);
    let text = pretty.as_deref().or(readable);
    Html::of(&match text {
        Some("") => card.text("Without a body."),
        Some(text) if text.len() > SHOWN => {
            let start: String = text.chars().take(SHOWN / 4).collect();
            card.text("Only the start of the body is shown.").add(&Code::new("Body", start))
        }
        Some(text) => card.add(&Code::new("Body", text)),
        None => card.text("The body is no text."),
    })
}
