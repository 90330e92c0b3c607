//! The catalogue: one file per check, one `mod` and one name here.

mod certificate;
mod cipher;
mod rule;

mod a01_1_known_advisories;
mod a01_2_wso2_release;
mod a01_3_wso2_updates;
mod a01_4_program_age;
mod a01_5_announcements;
mod a01_6_list_age;
mod a02_10_trusted_default;
mod a02_11_expired_authority;
mod a02_12_known_password;
mod a02_13_old_format;
mod a02_14_shared_key;
mod a02_15_names;
mod a02_16_long_validity;
mod a02_1_public_certificate;
mod a02_2_weak_rsa;
mod a02_3_weak_curve;
mod a02_4_weak_signature;
mod a02_50_served_key;
mod a02_51_served_signature;
mod a02_52_served_validity;
mod a02_53_served_name;
mod a02_5_expired;
mod a02_6_not_yet_valid;
mod a02_7_key_mismatch;
mod a02_8_unreadable;
mod a02_9_ending;
mod a03_10_cipher_transformation;
mod a03_11_vault_password_rule;
mod a03_12_secrets_in_arguments;
mod a03_13_start_password;
mod a03_14_key_in_environment;
mod a03_15_unused_secrets;
mod a03_16_random_literals;
mod a03_17_dumps;
mod a03_18_database_file;
mod a03_19_readable_files;
mod a03_1_key_files;
mod a03_2_plain_secrets;
mod a03_3_configuration_writable;
mod a03_4_configuration_readable;
mod a03_50_core_dump;
mod a03_51_readable_secrets;
mod a03_5_key_directory;
mod a03_6_configuration_copies;
mod a03_7_dangling_references;
mod a03_8_old_vault_key;
mod a03_9_endpoint_vault;
mod a04_1_default_ports;
mod a04_2_jmx;
mod a04_3_amqp;
mod a04_4_websocket_listener;
mod a04_50_own_sockets;
mod a04_5_webhook_listener;
mod a04_6_internal_http;
mod a04_7_every_address;
mod a05_1_anonymous_bind;
mod a05_2_directory_type;
mod a05_3_write_groups;
mod a05_4_read_groups_account;
mod a06_1_database_tls;
mod a06_2_directory_tls;
mod a06_3_directory_certificate;
mod a06_4_unverified_tls;
mod a06_50_wrong_peers;
mod a06_5_mail_tls;
mod a06_6_peer_tls;
mod a06_7_broker_tls;
mod a06_8_embedded_database;
mod a07_10_example_credentials;
mod a07_11_directory_administrator;
mod a07_1_superuser;
mod a07_2_create_database;
mod a07_3_create_role;
mod a07_4_create_in_schema;
mod a07_50_schema_attempt;
mod a07_5_owns_tables;
mod a07_6_replication;
mod a07_7_row_security;
mod a07_8_server_files;
mod a07_9_administrative_user;
mod a08_10_null;
mod a08_11_ssl_protocol;
mod a08_12_long_keys;
mod a08_13_hybrid_exchange;
mod a08_1_protocols;
mod a08_2_cbc;
mod a08_3_plain_listener;
mod a08_4_des;
mod a08_50_old_protocols;
mod a08_51_weak_suites;
mod a08_52_hybrid_group;
mod a08_53_compression;
mod a08_54_downgrade;
mod a08_5_rc4;
mod a08_6_md5;
mod a08_7_dss;
mod a08_8_forward_secrecy;
mod a08_9_cipher_list;
mod a09_1_gateway_ciphers;
mod a09_2_sender_protocols;
mod a09_3_sender_ciphers;
mod a09_4_client_revocation;
mod a09_5_backend_revocation;
mod a10_1_https_server_header;
mod a10_2_http_server_header;
mod a10_3_server_details;
mod a10_4_user_agent;
mod a10_50_product_names;
mod a10_5_stack_traces;
mod a10_6_own_server_header;
mod a11_1_hsts;
mod a11_2_webapp_headers;
mod a11_50_hsts_answers;
mod a12_1_webapp_caching;
mod a12_50_no_store;
mod a13_1_dh_size;
mod a13_2_finite_field;
mod a13_50_exchange_size;
mod a14_1_renegotiation;
mod a14_50_client_renegotiation;
mod a14_51_secure_renegotiation;
mod a15_1_host_names;
mod a15_2_saml_host_names;
mod a15_3_ignored_host_names;
mod a15_4_gateway_host_names;
mod a15_5_websocket_host_names;
mod a15_6_integrator_host_names;
mod a16_1_csrf_token;
mod a16_2_framing;
mod a16_50_page_policy;
mod a16_51_sniffing;
mod a17_1_session_id_length;
mod a17_2_session_timeout;
mod a17_3_console_timeout;
mod a17_4_same_site;
mod a17_50_cookies;
mod a17_5_single_sign_on_timeout;
mod a17_6_remember_me;
mod a18_1_known_credentials;
mod a18_2_pending_set_up;
mod a18_3_service_credentials;
mod a18_4_file_users;
mod a18_50_default_sign_in;
mod a18_5_default_name;
mod a18_6_unused_administrators;
mod a18_7_second_factor;
mod a19_1_console_allow_list;
mod a19_2_portal_allow_list;
mod a19_3_admin_service_descriptions;
mod a19_4_remote_shutdown;
mod a19_50_anonymous_routes;
mod a19_51_forged_tokens;
mod a19_5_remote_restart;
mod a19_6_console_address;
mod a19_7_few_administrators;
mod a19_8_separate_duties;
mod a19_9_wide_allow_list;
mod a20_1_rotation;
mod a20_2_kept_files;
mod a20_3_distinct_names;
mod a20_4_audit_log;
mod a20_5_log_files;
mod a20_6_verbose_levels;
mod a20_7_collected;
mod a20_8_free_space;
mod a20_9_monitoring;
mod a21_1_record_id;
mod a21_2_tenant;
mod a21_3_line_ends;
mod a21_4_audit_chain;
mod a21_50_forged_lines;
mod a21_5_masking;
mod a21_6_legacy_audit;
mod a21_7_all_record_ids;
mod a22_1_heap;
mod a22_2_permanent_generation;
mod a22_3_debugger;
mod a22_4_remote_jmx;
mod a22_5_heap_dumps;
mod a22_6_open_files;
mod a22_7_memory;
mod a23_1_metadata;
mod a23_2_wide_network;
mod a23_3_wildcard_host;
mod a23_4_own_machine;
mod a23_50_inward_requests;
mod a23_5_publisher_network;
mod a24_1_service_accounts;
mod a25_1_recovery_callback;
mod a25_2_registration_callback;
mod a25_3_lite_callback;
mod a25_4_callback_patterns;
mod a25_5_registration_lock;
mod m01_10_hot_deployment;
mod m01_11_management_token_life;
mod m01_12_management_token_key;
mod m01_1_management_protocols;
mod m01_2_management_tokens;
mod m01_3_management_authorisation;
mod m01_4_management_basic;
mod m01_5_management_cors;
mod m01_6_metrics_protocols;
mod m01_7_metrics_authentication;
mod m01_8_readiness_protocols;
mod m01_9_liveness_protocols;
mod m02_1_created_administrator;
mod m02_2_unexpected_administrators;
mod m02_3_file_user_store;
mod n01_1_nodes;
mod n01_2_cluster;
mod n02_1_network_logs;
mod n03_1_port_scans;
mod n03_50_other_sockets;
mod n04_1_device_anomalies;
mod n04_2_device_credentials;
mod n05_1_device_firmware;
mod n06_1_admin_contexts;
mod n06_2_admin_filter;
mod n06_50_admin_paths;
mod o01_1_runs_as_root;
mod o01_2_program_files;
mod o01_3_home_directory;
mod o01_4_home_of_root;
mod o01_50_running_user;
mod o01_51_capabilities;
mod o01_52_new_privileges;
mod o01_53_system_calls;
mod o01_54_own_directories;
mod o02_1_unneeded;
mod o02_50_set_uid;
mod o02_51_compilers;
mod o03_1_host_firewall;
mod o03_50_default_deny;
mod o03_51_undeclared_ports;
mod o04_1_multicast;
mod o04_2_cluster_address;
mod o04_3_cluster_domain;
mod o05_1_secure_shell;
mod o05_50_root_login;
mod o05_51_password_login;
mod o05_52_empty_passwords;
mod o05_53_shell_port;
mod o05_54_shell_attempts;
mod o05_55_shell_algorithms;
mod o05_56_shell_banner;
mod o06_1_host_updates;
mod o06_50_security_updates;
mod o06_51_update_lists;
mod o06_52_unattended_updates;
mod o06_53_pending_reboot;
mod o06_54_kernel_switches;
mod o07_1_user_activity;
mod o07_50_audit_daemon;
mod o07_51_lasting_log;
mod o07_52_forwarded_log;
mod o07_53_home_watched;
mod o08_1_cleanup_on;
mod o08_2_cleanup_chunk;
mod o08_3_cleanup_interval;
mod o08_4_token_cleanup;
mod o08_5_unfinished_sessions;
mod o08_6_overdue_rows;
mod o09_1_backups;
mod o09_50_newest_backup;
mod o09_51_sound_backups;
mod o09_52_drill;
mod o09_53_backup_schedule;
mod o09_54_backup_disk;
mod x01_1_endpoint_password;
mod x01_50_anonymous_identity;
mod x02_1_try_it;
mod x03_1_script_classes;
mod x03_2_script_class_list;
mod x03_3_script_objects;
mod x03_4_script_object_list;
mod x04_1_secure_xml;
mod x05_1_encryption_key;
mod x06_1_header_size;
mod x06_2_wso2_header_size;
mod x06_3_body_size;
mod x07_1_cors_credentials;
mod x08_1_password_grant;
mod x08_2_token_life;
mod x08_3_token_forwarding;
mod x08_50_password_grant_attempt;
mod x09_1_account_lock;
mod x09_2_password_length;
mod x09_3_breach_list;
mod x09_4_wso2_account_lock;
mod x10_1_hashed_tokens;

use crate::Check;

/// A name and a change of the good posture that the check beside it must find.
#[cfg(test)]
pub(crate) type Break = (&'static str, fn(&mut crate::Posture));

macro_rules! catalogue {
    ($($module:ident,)*) => {
        /// Every check, ordered by guideline and number.
        pub const CHECKS: &[Check] = &[$($module::CHECK),*];

        /// Every check with the changes that break it.
        #[cfg(test)]
        pub(crate) const BREAKS: &[(&str, &[Break])] = &[$(($module::CHECK.meta.id, $module::BREAKS)),*];
    };
}

catalogue! {
    a01_1_known_advisories,
    a01_2_wso2_release,
    a01_3_wso2_updates,
    a01_4_program_age,
    a01_5_announcements,
    a01_6_list_age,
    a02_1_public_certificate,
    a02_2_weak_rsa,
    a02_3_weak_curve,
    a02_4_weak_signature,
    a02_5_expired,
    a02_6_not_yet_valid,
    a02_7_key_mismatch,
    a02_8_unreadable,
    a02_9_ending,
    a02_10_trusted_default,
    a02_11_expired_authority,
    a02_12_known_password,
    a02_13_old_format,
    a02_14_shared_key,
    a02_15_names,
    a02_16_long_validity,
    a02_50_served_key,
    a02_51_served_signature,
    a02_52_served_validity,
    a02_53_served_name,
    a03_1_key_files,
    a03_2_plain_secrets,
    a03_3_configuration_writable,
    a03_4_configuration_readable,
    a03_5_key_directory,
    a03_6_configuration_copies,
    a03_7_dangling_references,
    a03_8_old_vault_key,
    a03_9_endpoint_vault,
    a03_10_cipher_transformation,
    a03_11_vault_password_rule,
    a03_12_secrets_in_arguments,
    a03_13_start_password,
    a03_14_key_in_environment,
    a03_15_unused_secrets,
    a03_16_random_literals,
    a03_17_dumps,
    a03_18_database_file,
    a03_19_readable_files,
    a03_50_core_dump,
    a03_51_readable_secrets,
    a04_1_default_ports,
    a04_2_jmx,
    a04_3_amqp,
    a04_4_websocket_listener,
    a04_5_webhook_listener,
    a04_6_internal_http,
    a04_7_every_address,
    a04_50_own_sockets,
    a05_1_anonymous_bind,
    a05_2_directory_type,
    a05_3_write_groups,
    a05_4_read_groups_account,
    a06_1_database_tls,
    a06_2_directory_tls,
    a06_3_directory_certificate,
    a06_4_unverified_tls,
    a06_5_mail_tls,
    a06_6_peer_tls,
    a06_7_broker_tls,
    a06_8_embedded_database,
    a06_50_wrong_peers,
    a07_1_superuser,
    a07_2_create_database,
    a07_3_create_role,
    a07_4_create_in_schema,
    a07_5_owns_tables,
    a07_6_replication,
    a07_7_row_security,
    a07_8_server_files,
    a07_9_administrative_user,
    a07_10_example_credentials,
    a07_11_directory_administrator,
    a07_50_schema_attempt,
    a08_1_protocols,
    a08_2_cbc,
    a08_3_plain_listener,
    a08_4_des,
    a08_5_rc4,
    a08_6_md5,
    a08_7_dss,
    a08_8_forward_secrecy,
    a08_9_cipher_list,
    a08_10_null,
    a08_11_ssl_protocol,
    a08_12_long_keys,
    a08_13_hybrid_exchange,
    a08_50_old_protocols,
    a08_51_weak_suites,
    a08_52_hybrid_group,
    a08_53_compression,
    a08_54_downgrade,
    a09_1_gateway_ciphers,
    a09_2_sender_protocols,
    a09_3_sender_ciphers,
    a09_4_client_revocation,
    a09_5_backend_revocation,
    a10_1_https_server_header,
    a10_2_http_server_header,
    a10_3_server_details,
    a10_4_user_agent,
    a10_5_stack_traces,
    a10_6_own_server_header,
    a10_50_product_names,
    a11_1_hsts,
    a11_2_webapp_headers,
    a11_50_hsts_answers,
    a12_1_webapp_caching,
    a12_50_no_store,
    a13_1_dh_size,
    a13_2_finite_field,
    a13_50_exchange_size,
    a14_1_renegotiation,
    a14_50_client_renegotiation,
    a14_51_secure_renegotiation,
    a15_1_host_names,
    a15_2_saml_host_names,
    a15_3_ignored_host_names,
    a15_4_gateway_host_names,
    a15_5_websocket_host_names,
    a15_6_integrator_host_names,
    a16_1_csrf_token,
    a16_2_framing,
    a16_50_page_policy,
    a16_51_sniffing,
    a17_1_session_id_length,
    a17_2_session_timeout,
    a17_3_console_timeout,
    a17_4_same_site,
    a17_5_single_sign_on_timeout,
    a17_6_remember_me,
    a17_50_cookies,
    a18_1_known_credentials,
    a18_2_pending_set_up,
    a18_3_service_credentials,
    a18_4_file_users,
    a18_5_default_name,
    a18_6_unused_administrators,
    a18_7_second_factor,
    a18_50_default_sign_in,
    a19_1_console_allow_list,
    a19_2_portal_allow_list,
    a19_3_admin_service_descriptions,
    a19_4_remote_shutdown,
    a19_5_remote_restart,
    a19_6_console_address,
    a19_7_few_administrators,
    a19_8_separate_duties,
    a19_9_wide_allow_list,
    a19_50_anonymous_routes,
    a19_51_forged_tokens,
    a20_1_rotation,
    a20_2_kept_files,
    a20_3_distinct_names,
    a20_4_audit_log,
    a20_5_log_files,
    a20_6_verbose_levels,
    a20_7_collected,
    a20_8_free_space,
    a20_9_monitoring,
    a21_1_record_id,
    a21_2_tenant,
    a21_3_line_ends,
    a21_4_audit_chain,
    a21_5_masking,
    a21_6_legacy_audit,
    a21_7_all_record_ids,
    a21_50_forged_lines,
    a22_1_heap,
    a22_2_permanent_generation,
    a22_3_debugger,
    a22_4_remote_jmx,
    a22_5_heap_dumps,
    a22_6_open_files,
    a22_7_memory,
    a23_1_metadata,
    a23_2_wide_network,
    a23_3_wildcard_host,
    a23_4_own_machine,
    a23_5_publisher_network,
    a23_50_inward_requests,
    a24_1_service_accounts,
    a25_1_recovery_callback,
    a25_2_registration_callback,
    a25_3_lite_callback,
    a25_4_callback_patterns,
    a25_5_registration_lock,
    m01_1_management_protocols,
    m01_2_management_tokens,
    m01_3_management_authorisation,
    m01_4_management_basic,
    m01_5_management_cors,
    m01_6_metrics_protocols,
    m01_7_metrics_authentication,
    m01_8_readiness_protocols,
    m01_9_liveness_protocols,
    m01_10_hot_deployment,
    m01_11_management_token_life,
    m01_12_management_token_key,
    m02_1_created_administrator,
    m02_2_unexpected_administrators,
    m02_3_file_user_store,
    n01_1_nodes,
    n01_2_cluster,
    n02_1_network_logs,
    n03_1_port_scans,
    n03_50_other_sockets,
    n04_1_device_anomalies,
    n04_2_device_credentials,
    n05_1_device_firmware,
    n06_1_admin_contexts,
    n06_2_admin_filter,
    n06_50_admin_paths,
    o01_1_runs_as_root,
    o01_2_program_files,
    o01_3_home_directory,
    o01_4_home_of_root,
    o01_50_running_user,
    o01_51_capabilities,
    o01_52_new_privileges,
    o01_53_system_calls,
    o01_54_own_directories,
    o02_1_unneeded,
    o02_50_set_uid,
    o02_51_compilers,
    o03_1_host_firewall,
    o03_50_default_deny,
    o03_51_undeclared_ports,
    o04_1_multicast,
    o04_2_cluster_address,
    o04_3_cluster_domain,
    o05_1_secure_shell,
    o05_50_root_login,
    o05_51_password_login,
    o05_52_empty_passwords,
    o05_53_shell_port,
    o05_54_shell_attempts,
    o05_55_shell_algorithms,
    o05_56_shell_banner,
    o06_1_host_updates,
    o06_50_security_updates,
    o06_51_update_lists,
    o06_52_unattended_updates,
    o06_53_pending_reboot,
    o06_54_kernel_switches,
    o07_1_user_activity,
    o07_50_audit_daemon,
    o07_51_lasting_log,
    o07_52_forwarded_log,
    o07_53_home_watched,
    o08_1_cleanup_on,
    o08_2_cleanup_chunk,
    o08_3_cleanup_interval,
    o08_4_token_cleanup,
    o08_5_unfinished_sessions,
    o08_6_overdue_rows,
    o09_1_backups,
    o09_50_newest_backup,
    o09_51_sound_backups,
    o09_52_drill,
    o09_53_backup_schedule,
    o09_54_backup_disk,
    x01_1_endpoint_password,
    x01_50_anonymous_identity,
    x02_1_try_it,
    x03_1_script_classes,
    x03_2_script_class_list,
    x03_3_script_objects,
    x03_4_script_object_list,
    x04_1_secure_xml,
    x05_1_encryption_key,
    x06_1_header_size,
    x06_2_wso2_header_size,
    x06_3_body_size,
    x07_1_cors_credentials,
    x08_1_password_grant,
    x08_2_token_life,
    x08_3_token_forwarding,
    x08_50_password_grant_attempt,
    x09_1_account_lock,
    x09_2_password_length,
    x09_3_breach_list,
    x09_4_wso2_account_lock,
    x10_1_hashed_tokens,
}

#[cfg(test)]
mod tests;
