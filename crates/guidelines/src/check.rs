//! What a check is, and what it can say.

use crate::Posture;

/// How much a guideline weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A condition of starting with an exposed listener.
    Must,
    /// Reported, never a reason to refuse the start.
    Should,
}

/// When a failed `must` check refuses the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Whatever the listeners are bound to; cannot be waived.
    Always,
    /// As soon as one listener is bound to another address than loopback.
    Exposed,
}

/// What an audit looks at, and to which of them a check has something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppliesTo {
    /// An installation of Portcullis only.
    Portcullis,
    /// The home directory of a WSO2 product only; in Portcullis the fault cannot be made.
    Wso2,
    /// Both.
    Both,
}

/// What is known about a check without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct CheckMeta {
    /// Stable id, as in `A07.1`; never reused.
    pub id: &'static str,
    /// What holds when the check passes, one line.
    pub title: &'static str,
    /// Its weight.
    pub severity: Severity,
    /// When it refuses the start.
    pub enforcement: Enforcement,
    /// What it can be asked about.
    pub applies_to: AppliesTo,
}

impl CheckMeta {
    /// A condition of starting with an exposed listener, for installations of Portcullis.
    pub const fn must(id: &'static str, title: &'static str) -> Self {
        Self {
            id,
            title,
            severity: Severity::Must,
            enforcement: Enforcement::Exposed,
            applies_to: AppliesTo::Portcullis,
        }
    }

    /// Reported only, for installations of Portcullis.
    pub const fn should(id: &'static str, title: &'static str) -> Self {
        Self { severity: Severity::Should, ..Self::must(id, title) }
    }

    /// Refuses the start whatever the listeners are bound to, and cannot be waived.
    #[must_use]
    pub const fn always(self) -> Self {
        Self { enforcement: Enforcement::Always, ..self }
    }

    /// For homes of WSO2 products only.
    #[must_use]
    pub const fn wso2(self) -> Self {
        Self { applies_to: AppliesTo::Wso2, ..self }
    }

    /// For both.
    #[must_use]
    pub const fn both(self) -> Self {
        Self { applies_to: AppliesTo::Both, ..self }
    }

    /// The guideline the check belongs to: `A07` of `A07.1`.
    pub fn guideline(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(guideline, _)| guideline)
    }

    /// Sorts `A02.10` after `A02.9`.
    #[cfg(test)]
    pub(crate) fn order(&self) -> (&'static str, u32) {
        let number = self.id.split_once('.').and_then(|(_, number)| number.parse().ok());
        (self.guideline(), number.unwrap_or(u32::MAX))
    }

    /// Whether it may be waived: everything but a `must` that holds always.
    pub fn is_waivable(&self) -> bool {
        !(self.severity == Severity::Must && self.enforcement == Enforcement::Always)
    }
}

/// One check: a pure function of the posture.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its metadata.
    pub meta: CheckMeta,
    /// The function.
    pub run: fn(&Posture) -> Judgement,
}

impl Check {
    /// A check of a function.
    pub(crate) const fn new(meta: CheckMeta, run: fn(&Posture) -> Judgement) -> Self {
        Self { meta, run }
    }
}

/// What a check says about a posture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It holds; the text says what was looked at.
    Holds(String),
    /// It does not: at least one fault.
    Broken(Vec<Fault>),
    /// It could not be seen. Never a pass.
    Unknown(Gap),
    /// There is nothing of the kind here; the text says why.
    NotApplicable(String),
}

impl Judgement {
    /// Broken when there are faults, else holding with the evidence.
    pub fn of(faults: Vec<Fault>, evidence: impl Into<String>) -> Self {
        if faults.is_empty() { Self::Holds(evidence.into()) } else { Self::Broken(faults) }
    }

    /// Broken with one fault when the condition does not hold.
    pub fn expect(holds: bool, evidence: impl Into<String>, fault: impl FnOnce() -> Fault) -> Self {
        if holds { Self::Holds(evidence.into()) } else { Self::Broken(vec![fault()]) }
    }
}

/// One thing that is wrong. Its texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Fault {
    /// What was observed.
    pub observed: String,
    /// What to do: a command, or the line of configuration to write.
    pub fix: String,
    /// Where: `file`, `file:line`, or a listener; empty when it is the installation as a whole.
    pub place: String,
}

impl Fault {
    /// A fault of the installation as a whole.
    pub fn new(observed: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { observed: observed.into(), fix: fix.into(), place: String::new() }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Self {
        Self { place: place.into(), ..self }
    }
}

/// Something that could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Gap {
    /// Why not.
    pub why: String,
    /// What it would take: a privilege, a program, a running server; empty when nothing would help.
    pub needs: String,
}

impl Gap {
    /// A gap and what would close it.
    pub fn new(why: impl Into<String>, needs: impl Into<String>) -> Self {
        Self { why: why.into(), needs: needs.into() }
    }
}
