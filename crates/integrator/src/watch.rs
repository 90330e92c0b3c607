//! Hot deployment: files are looked at every few seconds, and deployed once they have stopped changing.

use std::sync::Arc;
use std::time::Duration;

use crate::context::Context;
use crate::deploy::{DeployReport, Deployer};
use crate::repository;

/// Between two looks; a file is deployed at the second look at the latest version of it.
const LOOK: Duration = Duration::from_secs(1);

/// Watches until the integrator stops. `told` hears of every deployment that changed or refused something.
pub(crate) async fn watch(context: Arc<Context>, deployer: Arc<Deployer>, told: impl Fn(&DeployReport) + Send + Sync) {
    let tree = context.settings().tree.clone();
    // Unknown: a file may have changed between the deployment and this look.
    let mut deployed = None;
    let mut before = repository::scan(&tree);
    loop {
        tokio::time::sleep(LOOK).await;
        let scanned = tree.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || repository::scan(&scanned)).await else { continue };
        let quiet = now == before;
        if quiet && deployed.as_ref() != Some(&now) {
            let report = deployer.rescan().await;
            if !report.is_empty() {
                told(&report);
            }
            deployed = Some(now.clone());
        }
        before = now;
    }
}

/// Writes a report to the log.
pub(crate) fn log(report: &DeployReport) {
    for path in &report.deployed {
        tracing::info!(file = %path.display(), "deployed");
    }
    for path in &report.removed {
        tracing::info!(file = %path.display(), "undeployed");
    }
    for refusal in &report.refused {
        for fault in &refusal.faults {
            tracing::error!(
                file = %fault.path, line = fault.line, part = %fault.part, why = %fault.what, fix = %fault.hint,
                earlier_version_serves = refusal.keeps_serving, "refused"
            );
        }
    }
}
