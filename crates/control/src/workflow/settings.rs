//! Which requests need approval: WSO2's `workflow-extensions.xml`, and the same as a part of the tenant configuration.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

use super::{KINDS, Kind, Properties};
use crate::field::Field;
use crate::lifecycle;

/// Where WSO2's executors live.
const PACKAGE: &str = "org.wso2.carbon.apimgt.impl.workflow.";
const SIMPLE: &str = "SimpleWorkflowExecutor";
const APPROVAL: &str = "ApprovalWorkflowExecutor";
const ATTRIBUTES: &str = "applicationAttributesVisibility";
const STATES: &str = "stateList";

/// How requests of a kind are approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowRule {
    attributes: bool,
    /// State and action of each transition that waits, as the lifecycle names them.
    transitions: Vec<(String, String)>,
}

impl WorkflowRule {
    /// Whether the administrator sees the custom attributes of the application.
    pub(crate) const fn shows_attributes(&self) -> bool {
        self.attributes
    }

    /// Whether a lifecycle action waits in a state.
    pub(crate) fn holds(&self, state: &str, action: &str) -> bool {
        self.transitions.iter().any(|(s, a)| s.eq_ignore_ascii_case(state) && a.eq_ignore_ascii_case(action))
    }
}

/// What each kind needs. A kind that is not mentioned is approved at once, or as the next settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowSettings {
    rules: BTreeMap<&'static str, Option<WorkflowRule>>,
}

impl WorkflowSettings {
    /// What is said of a kind: nothing, that it is approved at once, or how it is approved.
    pub(crate) fn of(&self, kind: &Kind) -> Option<&Option<WorkflowRule>> {
        self.rules.get(kind.element)
    }

    /// Whether people who want an account wait for an administrator (`UserSignUp`).
    pub fn holds_sign_ups(&self) -> bool {
        self.rules.get("UserSignUp").is_some_and(Option::is_some)
    }

    /// Reads WSO2's `workflow-extensions.xml`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn of_xml(text: &str) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut settings = Self::default();
        for found in elements(text).map_err(|fault| vec![fault])? {
            let place = format!("line {}: {}", found.line, found.name);
            let Some((kind, rule)) = found.rule(&mut faults) else { continue };
            if settings.rules.insert(kind.element, rule).is_some() {
                faults.push(format!("{place} is there twice."));
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// Reads `Workflows` of the tenant configuration.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn of_json(value: &Value) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut settings = Self::default();
        for (name, entry) in value.as_object().into_iter().flatten() {
            let Some(kind) = kind_named(name) else {
                faults.push(format!("Workflows.{name}: there is no such workflow; there are {}.", names()));
                continue;
            };
            if kind.carry_out.is_none() {
                faults.push(format!(
                    "Workflows.{name}: the server's `extensions` of [apim.workflow] say this for all tenants."
                ));
                continue;
            }
            let states = entry.at(STATES).as_str().map(str::to_owned);
            let attributes = entry.at(ATTRIBUTES).as_bool().unwrap_or(false);
            let rule = match entry.at("approval").as_bool() {
                Some(true) => rule_of(kind, attributes, states.as_deref(), &mut faults).map(Some),
                _ => Some(None),
            };
            if let Some(rule) = rule {
                settings.rules.insert(kind.element, rule);
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// The JSON Schema of [`WorkflowSettings::of_json`]'s input.
    pub(crate) fn schema() -> Value {
        let mut properties = Map::new();
        for kind in KINDS.iter().filter(|kind| kind.carry_out.is_some()) {
            let mut fields =
                json!({"approval": {"type": "boolean", "description": "Whether an administrator decides."}});
            if let Some(object) = fields.as_object_mut() {
                match kind.properties {
                    Properties::None => {}
                    Properties::Attributes => {
                        object.insert(
                            ATTRIBUTES.into(),
                            json!({"type": "boolean", "description":
                            "Whether the administrator sees the custom attributes of the application."}),
                        );
                    }
                    Properties::States => {
                        object.insert(
                            STATES.into(),
                            json!({"type": "string", "maxLength": 2000, "description":
                            "States and actions that wait, as in Created:Publish,Published:Block."}),
                        );
                    }
                }
            }
            properties.insert(
                kind.element.into(),
                json!({"type": "object", "required": ["approval"], "properties": fields, "additionalProperties": false}),
            );
        }
        json!({
            "type": "object",
            "description": "Which requests wait for an administrator. What is not named here is as the server's \
                            configuration says.",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

fn kind_named(element: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.element == element)
}

fn names() -> String {
    KINDS.iter().map(|kind| kind.element).collect::<Vec<_>>().join(", ")
}

fn rule_of(kind: &Kind, attributes: bool, states: Option<&str>, faults: &mut Vec<String>) -> Option<WorkflowRule> {
    let transitions = match (kind.properties, states) {
        (Properties::States, Some(list)) => transitions(kind, list, faults)?,
        (Properties::States, None) => {
            faults.push(format!("{}: {STATES} is missing. Write for example Created:Publish.", kind.element));
            return None;
        }
        _ => Vec::new(),
    };
    Some(WorkflowRule { attributes, transitions })
}

/// `Created:Publish,Published:Block`.
fn transitions(kind: &Kind, list: &str, faults: &mut Vec<String>) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (state, action) = entry.split_once(':').unwrap_or((entry, ""));
        let known = lifecycle::parse(state.trim())
            .and_then(|state| lifecycle::find(state, action.trim()).map(|transition| (state, transition)));
        match known {
            Some((state, transition)) => found.push((lifecycle::code(state).to_owned(), transition.event.to_owned())),
            None => faults.push(format!(
                "{}: {STATES}: {entry:?} is no state with an action that it allows, as Created:Publish is.",
                kind.element
            )),
        }
    }
    if found.is_empty() && faults.is_empty() {
        faults.push(format!("{}: {STATES} is empty. Write for example Created:Publish.", kind.element));
    }
    faults.is_empty().then_some(found)
}

/// One element below the root.
struct Element {
    line: usize,
    name: String,
    executor: String,
    properties: Vec<(String, String)>,
}

impl Element {
    fn rule(&self, faults: &mut Vec<String>) -> Option<(&'static Kind, Option<WorkflowRule>)> {
        let place = format!("line {}: {}", self.line, self.name);
        let Some(kind) = kind_named(&self.name) else {
            faults.push(format!("{place}: there is no such workflow; there are {}.", names()));
            return None;
        };
        let class = self.executor.strip_prefix(PACKAGE).unwrap_or(&self.executor);
        let approves = match class.strip_prefix(kind.executor) {
            Some(SIMPLE) => false,
            Some(APPROVAL) => true,
            _ => {
                faults.push(format!(
                    "{place}: executor={:?}: Portcullis has {PACKAGE}{name}{SIMPLE} and {PACKAGE}{name}{APPROVAL}; it \
                     runs no Java classes and calls no other workflow engine.",
                    self.executor,
                    name = kind.executor
                ));
                return None;
            }
        };
        let (mut attributes, mut states) = (false, None);
        for (name, value) in &self.properties {
            match (name.as_str(), kind.properties) {
                (ATTRIBUTES, Properties::Attributes) if matches!(value.as_str(), "true" | "false") => {
                    attributes = value == "true";
                }
                (STATES, Properties::States) => states = Some(value.as_str()),
                _ => faults.push(format!("{place}: the property {name} = {value:?} is not known here.")),
            }
        }
        let before = faults.len();
        let rule = if approves { rule_of(kind, attributes, states, faults).map(Some)? } else { None };
        (faults.len() == before).then_some((kind, rule))
    }
}

/// Most bytes of the file.
const MAX: usize = 64 * 1024;

/// The elements below `WorkFlowExtensions`.
fn elements(text: &str) -> Result<Vec<Element>, String> {
    if text.len() > MAX {
        return Err(format!("the file has more than {MAX} bytes."));
    }
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut found: Vec<Element> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut property: Option<(String, String)> = None;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let malformed = |why: &dyn std::fmt::Display| format!("line {line}: {why}.");
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        match event {
            Event::Start(start) | Event::Empty(start) if open.len() > 2 => {
                return Err(malformed(&format!("{} is nested too deep", name_of(&start))));
            }
            Event::DocType(_) | Event::GeneralRef(_) => {
                return Err(malformed(&"document types and entities are not accepted"));
            }
            Event::Empty(start) if open.len() == 1 => found.push(element(&start, line)?),
            Event::Empty(start) => {
                return Err(malformed(&format!("{} says nothing here", name_of(&start))));
            }
            Event::Start(start) => {
                match open.len() {
                    0 if name_of(&start) != "WorkFlowExtensions" => {
                        return Err(malformed(&"the root element is WorkFlowExtensions"));
                    }
                    1 => found.push(element(&start, line)?),
                    2 if name_of(&start) == "Property" => {
                        property = Some((attribute(&start, "name", line)?, String::new()));
                    }
                    2 => return Err(malformed(&format!("{} is not known here", name_of(&start)))),
                    _ => {}
                }
                open.push(name_of(&start));
            }
            Event::Text(words) => {
                let words: &str = &words;
                match &mut property {
                    Some((_, value)) => value.push_str(words.trim()),
                    None if words.trim().is_empty() => {}
                    None => return Err(malformed(&format!("{:?} stands in no property", words.trim()))),
                }
            }
            Event::End(_) => {
                open.pop();
                if let (Some(done), Some(last)) = (property.take(), found.last_mut()) {
                    last.properties.push(done);
                }
            }
            Event::Eof if open.is_empty() && !text.trim().is_empty() => return Ok(found),
            Event::Eof => return Err(malformed(&"the file ends too early")),
            _ => {}
        }
    }
}

fn name_of(start: &BytesStart<'_>) -> String {
    start.name().as_ref().to_owned()
}

fn element(start: &BytesStart<'_>, line: usize) -> Result<Element, String> {
    let executor = attribute(start, "executor", line)?;
    Ok(Element { line, name: name_of(start), executor, properties: Vec::new() })
}

fn attribute(start: &BytesStart<'_>, name: &str, line: usize) -> Result<String, String> {
    let missing = || format!("line {line}: {} has no attribute {name}.", name_of(start));
    let found = start.try_get_attribute(name).map_err(|error| format!("line {line}: {error}."))?.ok_or_else(missing)?;
    Ok(found.value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{WorkflowRule, WorkflowSettings};
    use crate::workflow::{api_state, application_creation, subscription_update};
    use serde_json::json;

    const APPROVE: &str = r#"<?xml version="1.0"?>
<WorkFlowExtensions>
    <!-- ApplicationCreation executor="org.wso2.carbon.apimgt.impl.workflow.ApplicationCreationSimpleWorkflowExecutor"/-->
    <ApplicationCreation executor="org.wso2.carbon.apimgt.impl.workflow.ApplicationCreationApprovalWorkflowExecutor">
        <Property name="applicationAttributesVisibility">true</Property>
    </ApplicationCreation>
    <SubscriptionUpdate executor="org.wso2.carbon.apimgt.impl.workflow.SubscriptionUpdateSimpleWorkflowExecutor"/>
    <APIStateChange executor="org.wso2.carbon.apimgt.impl.workflow.APIStateChangeApprovalWorkflowExecutor">
        <Property name="stateList">Created:Publish, Published:block</Property>
    </APIStateChange>
</WorkFlowExtensions>
"#;

    #[test]
    fn wso2s_file_is_read() {
        let settings = WorkflowSettings::of_xml(APPROVE).unwrap();
        let creation = settings.of(&application_creation::KIND).unwrap().as_ref().unwrap();
        assert!(creation.shows_attributes());
        assert_eq!(settings.of(&subscription_update::KIND), Some(&None));
        let states = settings.of(&api_state::API).unwrap().as_ref().unwrap();
        assert!(states.holds("CREATED", "Publish") && states.holds("Published", "Block"));
        assert!(!states.holds("CREATED", "Block") && !states.holds("BLOCKED", "Re-Publish"));
        assert_eq!(settings.of(&api_state::PRODUCT), None);
        assert!(!settings.holds_sign_ups());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line() {
        let class = "org.wso2.carbon.apimgt.impl.workflow.";
        for (inside, wanted) in [
            (
                format!(r#"<ApplicationCreation executor="{class}ApplicationCreationWSWorkflowExecutor"/>"#),
                "no Java classes",
            ),
            (r#"<ApplicationCreation executor="com.example.Evil"/>"#.to_owned(), "line 2"),
            // The executor of another kind.
            (
                format!(r#"<ApplicationCreation executor="{class}SubscriptionCreationApprovalWorkflowExecutor"/>"#),
                "executor",
            ),
            (format!(r#"<Surprise executor="{class}ApplicationCreationSimpleWorkflowExecutor"/>"#), "no such workflow"),
            (format!(r#"<APIStateChange executor="{class}APIStateChangeApprovalWorkflowExecutor"/>"#), "stateList"),
            (
                format!(
                    r#"<APIStateChange executor="{class}APIStateChangeApprovalWorkflowExecutor"><Property name="stateList">Created:Fly</Property></APIStateChange>"#
                ),
                "Created:Fly",
            ),
            ("<ApplicationCreation/>".to_owned(), "no attribute executor"),
            ("stray".to_owned(), "stray"),
        ] {
            let faults = WorkflowSettings::of_xml(&format!("<WorkFlowExtensions>\n{inside}\n</WorkFlowExtensions>"));
            let faults = faults.unwrap_err().join(" ");
            assert!(faults.contains(wanted), "{inside}: {faults}");
        }
        let twice = format!(
            r#"<WorkFlowExtensions><UserSignUp executor="{class}UserSignUpSimpleWorkflowExecutor"/><UserSignUp executor="{class}UserSignUpApprovalWorkflowExecutor"/></WorkFlowExtensions>"#
        );
        assert!(WorkflowSettings::of_xml(&twice).unwrap_err().join(" ").contains("twice"));
        for broken in [
            "",
            "<WorkFlowExtensions>",
            "<Other></Other>",
            "<Other/>",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><WorkFlowExtensions>&e;</WorkFlowExtensions>",
        ] {
            assert!(WorkflowSettings::of_xml(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_tenants_settings_are_read_and_checked() {
        let settings = WorkflowSettings::of_json(&json!({
            "ApplicationCreation": {"approval": true},
            "SubscriptionUpdate": {"approval": false},
            "APIStateChange": {"approval": true, "stateList": "Created:Publish"},
        }))
        .unwrap();
        assert_eq!(settings.of(&application_creation::KIND), Some(&Some(WorkflowRule::default())));
        assert_eq!(settings.of(&subscription_update::KIND), Some(&None));
        assert!(settings.of(&api_state::API).unwrap().as_ref().unwrap().holds("CREATED", "Publish"));
        for wrong in [
            json!({"Surprise": {"approval": true}}),
            json!({"APIStateChange": {"approval": true}}),
            json!({"UserSignUp": {"approval": true}}),
        ] {
            assert!(WorkflowSettings::of_json(&wrong).is_err(), "{wrong}");
        }
    }
}
