//! The guideline catalogue, the checks over a typed posture, and their findings.
//!
//! Pure: a posture is gathered elsewhere (`server::posture`), a check is a function of it. Depends on `model`'s layer
//! only.
//!
//! To add a check: one file in `checks/` with `CHECK` and the changes of the good posture that break it (`BREAKS`), its
//! `mod` line and its name in `checks.rs`. To add a guideline: one entry in a file of `catalogue/`.

mod catalogue;
mod check;
mod checks;
mod finding;
mod posture;
mod report;
#[cfg(test)]
mod testing;

pub use catalogue::{Family, GUIDELINES, Guideline, PROOFS, Proof, guideline, page as guideline_page};
pub use check::{AppliesTo, Check, CheckMeta, Enforcement, Fault, Gap, Judgement, Severity};
pub use checks::CHECKS;
pub use finding::{Evaluation, Finding, evaluate, findings};
pub use posture::{
    Accounts, Administrator, Attempt, AuditTrail, Backups, CallbackPattern, CertificateFacts, CertificateFault,
    CertificateRule, Cleanup, Confinement, Connection, ConnectionPurpose, DatabaseFacts, Egress, EgressRule,
    EgressRuleKind, Exchange, FileFacts, FileKind, Firewall, Kernel, KeystoreFacts, KeystorePurpose, Limits,
    ListenerFacts, Listening, LogConfiguration, LogSink, Monitoring, Observed, PlainSecret, Posture, ProbedCertificate,
    ProcessFacts, Program, Protection, RoleRights, SecretFacts, SecureShell, Setting, SettingValue, Software,
    StartScript, TlsEndpoint, TlsProbe, TlsRole, Tokens, Updates, VaultKeySource, WebApplication, Wso2Home,
    Wso2Product, Wso2User,
};
pub use report::{
    Attestation, Counts, Drift, Format, GuidelineResult, Report, ReportInput, Result as CheckResult, Status, Subject,
    Waiver, drift, render, schema,
};
