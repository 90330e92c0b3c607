//! Guidelines of the network.

use super::{Family, Guideline};

pub(super) const GUIDELINES: &[Guideline] = &[
    Guideline::new(
        Family::Network,
        "N01",
        "Create a failover set-up",
        "Create a failover setup",
        "A single node is down whenever it restarts.",
        "Nodes share the work through one database; gateways keep serving without the control plane.",
    ),
    Guideline::new(
        Family::Network,
        "N02",
        "Maintain network-level logging",
        "Maintain network level logging",
        "An attack shows first where it enters the network.",
        "The access log has client, connection and backend of every call.",
    ),
    Guideline::new(
        Family::Network,
        "N03",
        "Check open ports and services",
        "Check open ports and services",
        "An open port that nobody knows is open to somebody who looks.",
        "The audit compares the sockets of the host with the declared listeners.",
    ),
    Guideline::new(
        Family::Network,
        "N04",
        "Configure device-level security",
        "Configure device-level security",
        "A router with its default password gives away everything behind it.",
        "People state it, with an end.",
    ),
    Guideline::new(
        Family::Network,
        "N05",
        "Apply firmware updates",
        "Apply firmware updates",
        "Devices stay unpatched because nobody signs in to them.",
        "People state it, with an end.",
    ),
    Guideline::new(
        Family::Network,
        "N06",
        "Block /services and /carbon from the DMZ",
        "Block the /services and /carbon contexts from the DMZ",
        "Administrative contexts on a public address were the way in for most published attacks.",
        "Gateways route published contexts only, and no API can be deployed on an administrative one.",
    ),
];
