//! The guideline catalogue, the checks over a typed posture, and their findings.
//!
//! Pure: a posture is gathered elsewhere (`server::posture`), a check is a function of it. Depends on `model`'s layer
//! only.
//!
//! To add a check: one file in `checks/` with a unit struct that implements [`Check`], one line in [`CHECKS`], and a good
//! and a bad posture in its tests.

mod check;
mod checks;
mod finding;
mod posture;

pub use check::{Check, CheckMeta, Enforcement, Severity};
pub use checks::CHECKS;
pub use finding::{Finding, evaluate};
pub use posture::{
    Administrators, CertificateFacts, CertificateFault, DatabaseFacts, ListenerFacts, PlainSecret, Posture,
    PrivateFile, RoleRights,
};
