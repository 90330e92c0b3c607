//! Every guideline: the rows of WSO2's "Security Guidelines for Production Deployment" (both editions) and of its
//! newest text. Ids are permanent and never used again.

mod host;
mod integrator;
mod network;
mod newer;
mod proofs;
mod runtime;

use std::fmt::Write as _;

use crate::{AppliesTo, CHECKS, Check, Enforcement, Severity};

pub use proofs::{PROOFS, Proof};

/// Which chapter of the guide a guideline is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// API-M runtime.
    Runtime,
    /// Micro Integrator runtime.
    Integrator,
    /// Operating system.
    Host,
    /// Network.
    Network,
    /// Rows that the newest text of the guide added.
    Newer,
}

impl Family {
    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Runtime => "API-M runtime security",
            Self::Integrator => "Micro Integrator runtime security",
            Self::Host => "OS-level security",
            Self::Network => "Network-level security",
            Self::Newer => "Rows of the newest guide",
        }
    }
}

/// One guideline.
#[derive(Clone, Copy, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Guideline {
    /// Stable id, as in `A07`.
    pub id: &'static str,
    /// What should be.
    pub title: &'static str,
    /// Its chapter.
    pub family: Family,
    /// The row of the guide that it stands for.
    pub seed: &'static str,
    /// What goes wrong without it.
    pub rationale: &'static str,
    /// What Portcullis does about it by itself.
    pub built: &'static str,
}

impl Guideline {
    const fn new(
        family: Family,
        id: &'static str,
        title: &'static str,
        seed: &'static str,
        rationale: &'static str,
        built: &'static str,
    ) -> Self {
        Self { id, title, family, seed, rationale, built }
    }

    /// Its checks, in order.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        let id = self.id;
        CHECKS.iter().filter(move |check| check.meta.guideline() == id)
    }

    /// The tests of this project that prove it.
    pub fn proofs(&self) -> impl Iterator<Item = &'static Proof> {
        let id = self.id;
        PROOFS.iter().filter(move |proof| proof.guideline == id)
    }

    /// The weight of its heaviest check.
    pub fn severity(&self) -> Severity {
        self.checks().map(|check| check.meta.severity).min().unwrap_or(Severity::Should)
    }

    /// Whether one of its checks holds whatever the listeners are bound to.
    pub fn is_always(&self) -> bool {
        self.checks().any(|check| check.meta.enforcement == Enforcement::Always)
    }
}

/// Every guideline, ordered by family and id.
pub const GUIDELINES: &[&[Guideline]] =
    &[runtime::GUIDELINES, integrator::GUIDELINES, host::GUIDELINES, network::GUIDELINES, newer::GUIDELINES];

/// The guideline with an id.
pub fn guideline(id: &str) -> Option<&'static Guideline> {
    GUIDELINES.iter().copied().flatten().find(|guideline| guideline.id == id)
}

/// The documentation page of a guideline, as Markdown.
pub fn page(guideline: &Guideline) -> String {
    let mut page = format!("# {} {}\n\n", guideline.id, guideline.title);
    let _ = writeln!(page, "> {}: *{}*\n", guideline.family.title(), guideline.seed);
    let _ = writeln!(page, "{}\n\n**In Portcullis.** {}\n", guideline.rationale, guideline.built);
    page.push_str("| check | holds when | weight | asked about |\n|---|---|---|---|\n");
    for check in guideline.checks() {
        let meta = check.meta;
        let weight = match (meta.severity, meta.enforcement) {
            (Severity::Should, _) => "should",
            (Severity::Must, Enforcement::Exposed) => "must, once a listener is exposed",
            (Severity::Must, Enforcement::Always) => "must, always",
        };
        let asked = match meta.applies_to {
            AppliesTo::Portcullis => "Portcullis",
            AppliesTo::Wso2 => "homes of WSO2 products",
            AppliesTo::Both => "both",
        };
        let _ = writeln!(page, "| {} | {} | {weight} | {asked} |", meta.id, meta.title);
    }
    let proofs: Vec<_> = guideline.proofs().map(|proof| format!("`{}` in `{}`", proof.test, proof.file)).collect();
    if !proofs.is_empty() {
        let _ = writeln!(page, "\nProved by tests of the project: {}.", proofs.join(", "));
    }
    let _ = write!(
        page,
        "\nLook: `portcullis audit --only {id}`. An existing WSO2 installation: `portcullis audit --wso2-home DIR --only {id}`.\n",
        id = guideline.id
    );
    page
}

#[cfg(test)]
mod tests;
