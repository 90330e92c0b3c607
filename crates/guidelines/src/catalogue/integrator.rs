//! Guidelines of the Micro Integrator runtime that differ from those of the API-M runtime; the others apply to its listeners and senders as they are.

use super::{Family, Guideline};

pub(super) const GUIDELINES: &[Guideline] = &[
    Guideline::new(
        Family::Integrator,
        "M01",
        "Harden the Micro Integrator and its management API",
        "Micro Integrator runtime security",
        "The integrator has listeners, connections and an API of its own.",
        "The integrator has the same TLS, routes and permissions as everything else.",
    ),
    Guideline::new(
        Family::Integrator,
        "M02",
        "Verify super admin credentials",
        "Verify super admin credentials",
        "An administrator who was created from a file is easily forgotten there.",
        "`create_admin_account` is off by default and needs a sealed password.",
    ),
];
