//! Guidelines of the operating system.

use super::{Family, Guideline};

pub(super) const GUIDELINES: &[Guideline] = &[
    Guideline::new(
        Family::Host,
        "O01",
        "Run processes with a specific OS-level user",
        "Run WSO2 processes with a specific OS-level user",
        "What the process may do, an attacker inside it may do.",
        "Starting as root with an exposed listener is refused; after the start the process gives up what it does not need.",
    ),
    Guideline::new(
        Family::Host,
        "O02",
        "Minimise software",
        "Minimize software to avoid vulnerability",
        "Software that is not there has no holes.",
        "One program, no shell, no interpreter.",
    ),
    Guideline::new(
        Family::Host,
        "O03",
        "Enable the firewall",
        "Enable the Firewall",
        "A firewall stops what was opened by mistake.",
        "`portcullis harden nftables` prints the rules for the declared listeners.",
    ),
    Guideline::new(
        Family::Host,
        "O04",
        "Restrict access to TCP ports used for clustering",
        "Restrict access to TCP ports used for clustering",
        "Whoever joins the cluster has its data.",
        "No port is opened for a cluster: nodes share the database alone. A04.50 compares the sockets with the declared ones.",
    ),
    Guideline::new(
        Family::Host,
        "O05",
        "Use Secure Shell",
        "Use Secure Shell(SSH)",
        "Root with a password on port 22 is tried all day.",
        "Looked at on the host.",
    ),
    Guideline::new(
        Family::Host,
        "O06",
        "Keep the system up to date",
        "Keep the system up-to-date",
        "Holes of the system below are holes of everything above.",
        "Looked at on the host.",
    ),
    Guideline::new(
        Family::Host,
        "O07",
        "Monitor user activities",
        "Monitor user activities",
        "Nobody notices what nobody records.",
        "Looked at on the host.",
    ),
    Guideline::new(
        Family::Host,
        "O08",
        "Clean up session data",
        "Session Data Cleanup",
        "Old sessions fill tables, and removing them in one go locks them.",
        "Expired data is removed in chunks, off the path of requests.",
    ),
    Guideline::new(
        Family::Host,
        "O09",
        "Make regular backups",
        "Make regular backups",
        "Disks fail, and people delete.",
        "`portcullis backup` makes consistent, encrypted copies while the server runs.",
    ),
];
