//! Which requests wait for an administrator: WSO2's `workflow-extensions.xml`.

use control::WorkflowSettings;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;

/// What the file says that the configuration names. People who want an account wait when it says so, too.
pub(super) fn apply(home: &Home, config: &mut Config) -> Outcome<WorkflowSettings> {
    let settings = settings(home, config)?;
    if let Some((_, approval)) = &mut config.sign_in.self_registration {
        *approval |= settings.holds_sign_ups();
    }
    Ok(settings)
}

fn settings(home: &Home, config: &Config) -> Outcome<WorkflowSettings> {
    let Some(path) = &config.workflow.extensions else { return Ok(WorkflowSettings::default()) };
    let path = home.root().join(path);
    let fix = "set extensions in [apim.workflow] to a file like WSO2's workflow-extensions.xml below the home directory, \
               or remove the line";
    let failure = |what: &str, why: String| {
        Failure::new(Exit::Configuration, "WORKFLOW001", format!("{} {what}", path.display()), why, fix)
    };
    let text = std::fs::read_to_string(&path).map_err(|error| failure("cannot be read", error.to_string()))?;
    WorkflowSettings::of_xml(&text).map_err(|faults| failure("does not say which requests wait", faults.join("\n")))
}
