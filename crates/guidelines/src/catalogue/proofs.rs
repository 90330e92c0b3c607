//! What proves a guideline that nothing can be looked at for on an installation, because it cannot be otherwise there.

/// A test of this project that fails when a guideline does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The guideline.
    pub guideline: &'static str,
    /// The file of the test, from the root of the project.
    pub file: &'static str,
    /// The test.
    pub test: &'static str,
}

const fn proof(guideline: &'static str, file: &'static str, test: &'static str) -> Proof {
    Proof { guideline, file, test }
}

/// All of them, by guideline. A guideline without a check for installations of Portcullis must be here.
pub const PROOFS: &[Proof] = &[
    proof("A05", "crates/identity/tests/it/directories.rs", "nothing_is_ever_written_to_the_directory"),
    proof("A15", "crates/vault/src/tls/tests.rs", "clients_refuse_a_wrong_name_an_unknown_issuer_and_a_revoked_peer"),
    proof("A15", "crates/gateway/tests/it/tls.rs", "an_upstream_with_an_unknown_certificate_is_not_trusted"),
    proof("A15", "crates/identity/tests/it/directories.rs", "a_directory_with_a_wrong_certificate_is_not_talked_to"),
    proof("A19", "crates/portal/src/tests/admin.rs", "another_tenant_sees_nothing_of_the_installation_nor_of_others"),
    proof("A24", "crates/control/tests/it/keys.rs", "secrets_are_added_listed_without_values_and_revoked"),
    proof("A25", "crates/identity/src/callback.rs", "patterns_that_could_mean_another_host_cannot_be_written"),
    proof("M01", "crates/integrator/tests/it/management.rs", "every_operation_denies_those_who_may_not"),
    proof("M02", "crates/integrator/tests/it/management.rs", "nobody_has_a_default_password_and_guessing_ends"),
    proof(
        "X02",
        "crates/server/src/config/tests.rs",
        "apis_are_not_called_from_their_pages_once_a_listener_is_exposed",
    ),
    proof("X03", "crates/synapse/tests/it/flows.rs", "scripts_see_the_message_and_nothing_else"),
    proof("X04", "crates/synapse/tests/it/flows.rs", "every_fault_of_an_artifact_is_reported_with_its_line"),
    proof("X05", "crates/vault/src/keyring/tests.rs", "two_installations_share_nothing"),
    proof("X10", "crates/control/tests/it/keys.rs", "api_keys_are_kept_as_digests_and_revoked_by_id_or_value"),
    proof(
        "X10",
        "crates/identity/tests/it/browser.rs",
        "a_session_is_known_by_its_cookie_alone_and_only_its_hash_is_kept",
    ),
    proof("X10", "crates/store/tests/it/identity.rs", "tokens_are_revoked_alone_and_by_family"),
];
