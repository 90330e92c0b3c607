//! The lifecycle of an API: states, actions, and what each transition asks for.

use model::snapshot::Lifecycle;

/// One allowed action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// WSO2's name of the action.
    pub(crate) event: &'static str,
    /// State afterwards.
    pub(crate) target: Lifecycle,
}

const PUBLISH: Transition = Transition { event: "Publish", target: Lifecycle::Published };
const REPUBLISH: Transition = Transition { event: "Re-Publish", target: Lifecycle::Published };
const PROTOTYPE: Transition = Transition { event: "Deploy as a Prototype", target: Lifecycle::Prototyped };
const DEMOTE: Transition = Transition { event: "Demote to Created", target: Lifecycle::Created };
const BLOCK: Transition = Transition { event: "Block", target: Lifecycle::Blocked };
const DEPRECATE: Transition = Transition { event: "Deprecate", target: Lifecycle::Deprecated };
const RETIRE: Transition = Transition { event: "Retire", target: Lifecycle::Retired };

/// The actions allowed in a state.
pub(crate) const fn transitions(state: Lifecycle) -> &'static [Transition] {
    match state {
        Lifecycle::Created => &[PUBLISH, PROTOTYPE],
        Lifecycle::Prototyped => &[PUBLISH, DEMOTE, PROTOTYPE],
        Lifecycle::Published => &[PROTOTYPE, DEMOTE, BLOCK, DEPRECATE],
        Lifecycle::Blocked => &[REPUBLISH, DEPRECATE],
        Lifecycle::Deprecated => &[RETIRE],
        Lifecycle::Retired => &[],
    }
}

/// The transition that an action stands for in a state; letter case does not matter.
pub(crate) fn find(state: Lifecycle, action: &str) -> Option<Transition> {
    transitions(state).iter().find(|t| t.event.eq_ignore_ascii_case(action)).copied()
}

/// The state as the API object names it.
pub(crate) const fn code(state: Lifecycle) -> &'static str {
    match state {
        Lifecycle::Created => "CREATED",
        Lifecycle::Prototyped => "PROTOTYPED",
        Lifecycle::Published => "PUBLISHED",
        Lifecycle::Blocked => "BLOCKED",
        Lifecycle::Deprecated => "DEPRECATED",
        Lifecycle::Retired => "RETIRED",
    }
}

/// The state as lifecycle answers name it.
pub(crate) const fn label(state: Lifecycle) -> &'static str {
    match state {
        Lifecycle::Created => "Created",
        Lifecycle::Prototyped => "Prototyped",
        Lifecycle::Published => "Published",
        Lifecycle::Blocked => "Blocked",
        Lifecycle::Deprecated => "Deprecated",
        Lifecycle::Retired => "Retired",
    }
}

/// Reads either form.
pub(crate) fn parse(text: &str) -> Option<Lifecycle> {
    [
        Lifecycle::Created,
        Lifecycle::Prototyped,
        Lifecycle::Published,
        Lifecycle::Blocked,
        Lifecycle::Deprecated,
        Lifecycle::Retired,
    ]
    .into_iter()
    .find(|s| code(*s).eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::{code, find, label, parse, transitions};
    use model::snapshot::Lifecycle;

    const ALL: [Lifecycle; 6] = [
        Lifecycle::Created,
        Lifecycle::Prototyped,
        Lifecycle::Published,
        Lifecycle::Blocked,
        Lifecycle::Deprecated,
        Lifecycle::Retired,
    ];

    #[test]
    fn the_table_is_wso2s() {
        let events = |s| transitions(s).iter().map(|t| t.event).collect::<Vec<_>>();
        assert_eq!(events(Lifecycle::Created), ["Publish", "Deploy as a Prototype"]);
        assert_eq!(events(Lifecycle::Blocked), ["Re-Publish", "Deprecate"]);
        assert_eq!(events(Lifecycle::Deprecated), ["Retire"]);
        assert!(events(Lifecycle::Retired).is_empty());
        assert_eq!(find(Lifecycle::Published, "block").map(|t| t.target), Some(Lifecycle::Blocked));
    }

    #[test]
    fn no_state_takes_an_action_that_is_not_listed() {
        let actions = ["Publish", "Block", "Re-Publish", "Deprecate", "Retire", "Demote to Created", "", "PUBLISHED"];
        for state in ALL {
            for action in actions {
                let listed = transitions(state).iter().any(|t| t.event == action);
                assert_eq!(find(state, action).is_some(), listed, "{} in {}", action, label(state));
            }
        }
    }

    #[test]
    fn names_read_back() {
        for state in ALL {
            assert_eq!((parse(code(state)), parse(label(state))), (Some(state), Some(state)));
        }
        assert_eq!(parse("GONE"), None);
    }
}
