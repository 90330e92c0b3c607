//! The list of WSO2's keys. API Manager 4.x and Micro Integrator 4.x, with the key manager's.

use super::{Group, Verdict};

pub(super) const GROUPS: &[Group] = &[
    Group {
        verdict: Verdict::NotNeeded,
        why: "one binary runs every part",
        patterns: "
            server.server_role server.mode server.profile server.deployment_mode
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "addresses in links are made of [server] hostname and the ports of the listeners",
        patterns: "
            server.base_path server.proxy_context_path server.management_hostname server.internal_hostname
            server.mgt_hostname server.web_context_root server.webContextRoot
            transport.https.properties.proxyPort transport.http.properties.proxyPort
            transport.https.properties.proxyName transport.http.properties.proxyName proxy_context_path
            tenant_context.** server_url
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "the server is stopped by its service manager, never over the network",
        patterns: "
            server.enable_restart_from_api server.enable_shutdown_from_api server.disable_restart_from_ui
            server.disable_shutdown_from_ui server.force_local_cache
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "no answer names the product (A10)",
        patterns: "
            server.serverDetails server.userAgent server.server_details server.user_agent server.name
            server.version transport.http.properties.server transport.passthru_http.sender.parameters.*
            system.parameter.'http.server.preserve'
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "it belongs to the Axis2 and OSGi platform below WSO2's products",
        patterns: "
            server.enableMTOM server.enableSwA server.enable_mtom server.enable_swa
            server.hide_admin_service_wsdl server.enable_security_deployment_interceptor
            server.http_content_negotiation server.discard_empty_caches server.default_cache_timeout
            server.enable_xmlpayload_validation server.enable_email_domain server.enable_log_masking
            server.get_request_processor.** server.property.** server.properties.** server.axis2.**
            server.ghost_deployment.** server.statistics.** server.registry.** server.cache.**
            server.temp_dir server.repository_location server.listener.** server.configuration.**
            server.enable_http2 server.enable_tenant_loading server.jmx.** server_conf.** registry.**
            realm_manager.** carbon.** axis2.** osgi.** hazelcast.** jndi.** tenant.** ghost_deployment.**
            dependency_properties.** bps.** humantask.** component.** kernel.** startup.** thread_pool.**
            javaee.** mtom.** msf4j.** h2.** database_configuration.** database_configurations.**
            config_registry.** mount.** remote_registry.** governance.** multi_tenancy.** stratos.**
            resources.** default_json.** analytics_worker.** wso2_carbon.** deployment.**
            deployment_synchronizer.** dep_sync.** email.** xml_security.** catalina.** web_xml.**
            ws_discovery.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "there is no servlet container; headers, sessions and limits are built in (A11, A12, A16, A17)",
        patterns: "
            transport.https.properties.** session.timeout.remember_me_session_timeout
            session.timeout.extend_remember_me_session_timeout_on_auth
            session.timeout.enable_session_hijacking_detection session.nonce_cookie.** session.cookie.**
            session.concurrent.** session.identifier.** tomcat.** web_app.** webapp.**
            http_header_security_filter.** owasp.** csrf_guard.** csrfguard.**
            servlet_access_control_filter.** servlet_filter.** valve.** cors.** cache_control.**
            file_upload.** file_size_limit.** http_access_log.** access_log.**
            transport.https.sslHostConfig.** transport.https.ssl_host_config.**
            transport.https.ssl_enabled_protocols transport.https.ciphers transport.https.protocols
            saml_web_sso.** url_mapping.** transport.https.enable
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "consoles and REST APIs exist over TLS only, at [transport.https] properties.port",
        patterns: "
            transport.http.enable transport.http.properties.** transport.https.redirect.**
            transport.http.sslHostConfig.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "there is no management console of Carbon and no SOAP administration; REST permissions are by role (A19)",
        patterns: "
            super_admin.add_admin super_admin.every_one_role super_admin.everyone_role
            super_admin.anonymous_user super_admin.anonymous_username super_admin.anonymous_password
            super_admin.permissions.** super_admin.admin_role_permissions.** super_admin.properties.**
            super_admin.role admin_console.** admin_service.** resource.** resource_access_control.**
            user_access.** carbon_console.** management_console.** authorization_manager.**
            super_admin.admin_role role_management.** permission.** dashboard_config.** dashboard.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "metrics are on the [status] listener; there is no JMX and no Java process",
        patterns: "
            monitoring.** jvm.** metrics.** jmx.** carbon_health_check.** health_checker.**
            custom_health_checker.** data_source_health_checker.** health_check.** correlation_log.**
            apim.correlation_logs.** correlation.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "secrets are sealed by Portcullis's own vault, with a key of its own for each installation (A03, X05)",
        patterns: "
            encryption.** apim.enable_secure_vault system.parameter.** system.** secure_vault.**
            secret_store.** keystore.userstore_password_encryption truststore.algorithm truststore.alias
            cipher_tool.** symmetric_key.** apim.hashing.** crypto.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "keys for each purpose are generated; [keystore.tls] and [keystore.primary] bring your own (A02)",
        patterns: "
            keystore.*.**
            keystore.tenant.** keystore.sts.** keystore.oauth.** keystore.jwt.** keystore.apikey.**
            keystore.api_key.** keystore.signing.** keystore.encryption.** keystore.ssl.**
            keystore.context_path.** keystore.https.** keystore.tls.location keystore.primary.location
            keystore.tls.provider keystore.primary.provider keystore.tls.key_alias
            keystore.primary.key_alias keystore.internal.** keystore.listener_profile.**
            keystore.sender_profile.** keystore.saml.** keystore.internal_truststore.** custom_keystore.**
            custom_truststore.** truststores.** apim.devportal.api_key_keystore
            apim.devportal.api_key_alias apim.publisher.key_alias apim.certificate_reloader.**
            keystore_reloader.** certificate_reloader.** transport.*.listener.ssl_profile_interval
            transport.*.sender.ssl_profile_interval
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "everything is in the one database of [database.apim_db]",
        patterns: "
            database.*.**
            database.reg_db.** database.registry_db.** database.identity.** database.carbon_db.**
            database.social_db.** database.store_db.** database.mb_store_db.** database.metrics.**
            database.um_db.** database.apim_analytics_db.** database.shared_db.** database.identity_db.**
            database.local.** database.config.** database.user.** database.mb.** database.analytics_db.**
            database.metrics_db.** database.am_db.** database.consent_db.** database.bps_database.**
            database.config_db.** database.gov_db.** database.user_db.** database.shared_user_db.**
            apim.datasource.** apim.datasource_sync_runtime_artifacts.** realm.** apim.db_config.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "the connection pool and the driver need no more than maxActive and maxWait",
        patterns: "
            database.apim_db.driver database.apim_db.validationQuery database.apim_db.validation_query
            database.apim_db.defaultAutoCommit database.apim_db.jmx_enable database.apim_db.jmxEnabled
            database.apim_db.db_props.** database.apim_db.properties.** database.apim_db.pool_options.**
            database.apim_db.jndi_name database.apim_db.description
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "directories are only read, and only what [user_store] lists can be set",
        patterns: "
            user_store.** user_store_properties.** secondary_user_store.** user_stores.** ldap.**
            embedded_ldap.** event.default_listener.** is_remote_user_store.** apim.user_store.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "write [transport.passthru_https.listener] port and [transport.passthru_http.listener] port",
        patterns: "
            transport.passthru.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "TLS, threads and buffers of the gateway are built in; limits are in [gateway] (A08, A09, A15)",
        patterns: "
            transport.passthru_https.listener.parameters.** transport.passthru_https.listener.parameter.**
            transport.passthru_https.listener.cert_revocation_validation.**
            transport.passthru_https.listener.ssl_profile.**
            transport.passthru_https.listener.ssl_profile_interval
            transport.passthru_https.listener.keystore.** transport.passthru_https.listener.truststore.**
            transport.passthru_https.listener.origin_server
            transport.passthru_https.listener.request_timeout
            transport.passthru_https.listener.non_blocking transport.passthru_https.listener.class
            transport.passthru_https.listener.hostname transport.passthru_https.listener.protocol
            transport.passthru_https.listener.wsdl_epr_prefix
            transport.passthru_https.listener.priority_config_file
            transport.passthru_https.listener.secured_protocols
            transport.passthru_https.listener.preferred_ciphers
            transport.passthru_https.listener.verify_client
            transport.passthru_https.listener.ssl_verify_client
            transport.passthru_https.listener.properties.**
            transport.passthru_https.listener.dynamic_ssl_profile.**
            transport.passthru_https.listener.proxy_protocol transport.passthru_https.sender.**
            transport.passthru_https.properties.** transport.passthru_https.enable
            transport.passthru_https.parameters.** transport.passthru_http.listener.parameters.**
            transport.passthru_http.listener.parameter.**
            transport.passthru_http.listener.cert_revocation_validation.**
            transport.passthru_http.listener.ssl_profile.**
            transport.passthru_http.listener.ssl_profile_interval
            transport.passthru_http.listener.keystore.** transport.passthru_http.listener.truststore.**
            transport.passthru_http.listener.origin_server
            transport.passthru_http.listener.request_timeout transport.passthru_http.listener.non_blocking
            transport.passthru_http.listener.class transport.passthru_http.listener.hostname
            transport.passthru_http.listener.protocol transport.passthru_http.listener.wsdl_epr_prefix
            transport.passthru_http.listener.priority_config_file
            transport.passthru_http.listener.secured_protocols
            transport.passthru_http.listener.preferred_ciphers
            transport.passthru_http.listener.verify_client
            transport.passthru_http.listener.ssl_verify_client
            transport.passthru_http.listener.properties.**
            transport.passthru_http.listener.dynamic_ssl_profile.**
            transport.passthru_http.listener.proxy_protocol transport.passthru_http.sender.**
            transport.passthru_http.properties.** transport.passthru_http.enable
            transport.passthru_http.parameters.** transport.passthrough.**
            transport.passthru_properties.** passthru_properties.** passthru_http.** transport.nhttp.**
            nhttp_properties.** transport.wss.** transport.ws.** apim.ws.** apim.wss.** transport.local.**
            apim.http_client.** apim.mediator_config.** apim.synapse.** http_client.**
            transport.receiver.** transport.binary.** transport.thrift.** transport.http2.**
            transport.https2.** proxy_profile.** proxyProfile.** apim.proxy.** transport.udp_thrift.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "webhooks and streaming receivers are not part of this version",
        patterns: "
            apim.webhooks.** apim.websub.** apim.async_api.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "control plane, key manager and gateway share one process; there is no broker, event hub or password between them (A24)",
        patterns: "
            apim.event_hub.** apim.key_manager.service_url apim.key_manager.username
            apim.key_manager.password apim.key_manager.pool.**
            apim.key_manager.key_validation_handler_type apim.key_manager.key_validation_handler_impl
            apim.key_manager.** apim.throttling.url_group.** apim.throttling.username
            apim.throttling.password apim.throttling.service_url apim.throttling.receiver_username
            apim.throttling.receiver_password apim.throttling.event_type
            apim.throttling.throttle_decision_endpoints apim.throttling.enable_decision_connection
            apim.throttling.decision_connection_type apim.throttling.enable_data_publishing
            apim.throttling.enable_policy_deploy apim.throttling.enable_policy_deployment
            apim.throttling.enable_policy_recreation_on_startup apim.throttling.policy_deploy.**
            apim.throttling.publisher.** apim.throttling.jms.** apim.throttling.event_sync.**
            apim.throttling.event_management.** apim.throttling.sequential_failover_from_beginning
            apim.throttling.traffic_manager.** apim.sync_runtime_artifacts.** apim.gateway_notification.**
            apim.cache_invalidation.** apim.token.revocation.** apim.jwt_authenitcation.**
            apim.jwt_authentication.** apim.auth_manager.** apim.rest_api.** apim.basic_authenticator.**
            basic_authenticator.** apim.synapse_artifact_generator.** broker.** apim.broker.**
            databridge.** data_bridge.** apim.redis_config.** redis.** apim.redis.**
            transaction_counter.** apim.transaction_counter.** integration.**
            apim.artifact_synchronizer.** jms.** amqp.** event_publisher.** andes.** cep.**
            event_processing.** thrift.** internal_data_service.** apim.internal_api.**
            binary_data_receiver.** stream_processor.** apim.gateway_artifact.**
            apim.async_notification.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "limits of this version depend on the number and size of calls, not on headers, query parameters or claims",
        patterns: "
            apim.throttling.enable_header_based_throttling
            apim.throttling.enable_jwt_claim_based_throttling
            apim.throttling.enable_query_param_based_throttling
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "limits are counted in the gateway itself, without a traffic manager",
        patterns: "
            apim.throttling.enable_advanced_throttling apim.throttling.enable_blacklist_condition
            apim.throttling.blacklist_condition.** apim.throttling.** apim.distributed_throttling.**
            throttling_properties.** throttling.** apim.endpoint_config.** apim.api_quota_limit.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "caches are built in, bounded, and emptied by every change",
        patterns: "
            apim.cache.** cache.** caching.** apim.jwt_cache.** identity.cache.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this version is one process and opens no cluster port (O04)",
        patterns: "
            clustering.** cluster.** coordination.** membership.** server.node_ip
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "of a gateway environment the name, description, kind, addresses and virtual hosts are used",
        patterns: "
            apim.gateway.environment.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this version has one kind of gateway, its own",
        patterns: "
            apim.gateway_type apim.gateway.** apim.solace_config.** gateway_connector.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "how long a preflight's answer is kept, and which headers scripts may read, is fixed or said by each API",
        patterns: "
            apim.cors.max_age apim.cors.expose_headers
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "tokens for backends are JWTs in base64url, signed like access tokens, with the claims of API, application and user",
        patterns: "
            apim.jwt.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "analytics and tracing exporters are not part of this version; access log and metrics are",
        patterns: "
            apim.analytics.** analytics.** apim.open_tracer.** apim.open_telemetry.** opentelemetry.**
            opentracing.** apim.tracing.** apim.logging.** remote_logging.** log4j2.** logging_service.**
            apim.observability.** apim.monetization.** apim.billing.** stats.** apim.transaction.**
            apim.elk.** apim.prometheus.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "AI and MCP services are not part of this version",
        patterns: "
            apim.ai.** apim.mcp.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "groups are the attribute `organization` of users, as with WSO2's type `default`",
        patterns: "
            apim.devportal.application_sharing_type
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this setting of the Developer Portal is not part of this version",
        patterns: "
            apim.devportal.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this setting of the Publisher or its services is not part of this version; of [apim.workflow], extensions and decide_own_requests are used",
        patterns: "
            apim.publisher.** apim.sdk.** apim.workflow.** apim.notification.** apim.tenant_sharing.**
            apim.organization_based_access_control.** apim.governance.** security_audit.**
            apim.aws_lambda.** apim.api_product.** indexing.** service_catalog.**
            apim.enable_change_password network_access_control.** regex_threat_protection.**
            apim.mediation.** apim.policy.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "write it in [oauth.token_validation]",
        patterns: "
            apim.oauth_config.expires_in
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "a scope that no role is bound to is given to everybody who asks; bind it to roles in the Publisher instead of listing the others",
        patterns: "
            oauth.allowed_scopes apim.oauth_config.allowed_scopes
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "tokens and client secrets are stored hashed and revoked tokens are removed, always (X10)",
        patterns: "
            apim.oauth_config.enable_token_encryption apim.oauth_config.enable_token_hashing
            apim.oauth_config.enable_revoke_token_cleanup oauth.hash_tokens_and_secrets
            oauth.hash_token_algorithm oauth.token_persistence.** oauth.token_cleanup.**
            oauth.revoked_token_headers_in_response.** oauth.token_renewal.** oauth.token_hash.**
            oauth.hashing.** oauth.enable_token_encryption
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this setting of tokens at the gateway is not part of this version",
        patterns: "
            apim.oauth_config.** apim.token.** apim.oauth.** apim.dcr.** apim.client.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "this setting of the token endpoints is not part of this version",
        patterns: "
            oauth.** oidc.** oauth2.** token.** jwt.** dcr.** openid.** uma.** ciba.** token_exchange.**
        ",
    },
    Group {
        verdict: Verdict::NotNeeded,
        why: "sessions are always kept in the database; [session_data.cleanup] has enable, interval and chunk size",
        patterns: "
            session_data.persistence.** session_data.cleanup.expire_session_data_after
            session_data.cleanup.clean_logged_out_sessions_at_immediate_cycle
            session_data.cleanup.enable_pre_session_data_cleanup
            session_data.cleanup.expire_pre_session_data_after
            session_data.cleanup.clean_expired_session_data_in_chunks
            session_data.cleanup.pre_session_data_cleanup.** session_data.cleanup.operation_cleanup.**
            session_data.cleanup.enable_operation_data_cleanup
            session_data.cleanup.clean_expired_operation_data_every session_data.cleanup.delete_chunk_size
            session_data.pool_size session_data.temporary_data.** session_data.operation_cleanup.**
            session_data.cookie.** session_data.enable_persistence
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "it belongs to WSO2 Identity Server's framework; sign-in and recovery of Portcullis do not have it",
        patterns: "
            identity.** identity_mgt.** identity_provider.** authentication.** authentication_policy.**
            authenticationendpoint.** account_recovery.** recovery_endpoint.** recovery.**
            event_handler.** event_listener.** event.** saml.** sso.** scim.** scim2.** user.** claim.**
            claim_management.** user_info.** totp.** fido.** otp.** sms_otp.** email_otp.**
            service_provider.** tenant_mgt.** user_mgt.** role_mgt.** role.** group.** consent.**
            passive_sts.** sts.** kerberos.** kdc.** workflow.** self_registration.** password.**
            password_policy.** account_lock.** account.** recaptcha.** captcha.** adaptive.**
            adaptive_authentication.** output_adapter.** email_sender.** notification.** templates.**
            console.** myaccount.** branding.** organization.** organization_management.** fido2.**
            application.** application_mgt.** application_management.** apimgt.** api_management.**
            identity_verification.** client_certificate.** x509.** jit.** jit_provisioning.**
            provisioning.** inbound_authentication.** outbound_provisioning.** legacy_feature.**
            legacy_features.** configuration.** tenant_sync.** remote_fetch.** cookie.** cookies.** idp.**
            sp.** oauth_server.** xacml.** entitlement.** fips.** admin_advisory.**
            functions_library_mgt.** default_cache.** hsqldb.** internal_apis_access.** issuer.**
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "it belongs to the Micro Integrator; the integration runtime is not part of this version",
        patterns: "
            transport.https.listener.** transport.https.sender.** transport.https.parameter.**
            transport.https.parameters.** transport.https.socket_timeout transport.http.listener.**
            transport.http.sender.** transport.http.parameter.** transport.http.parameters.**
            transport.http.proxy_profile.** transport.http.secured_proxy_profile.**
            transport.http.socket_timeout transport.http.core_worker_pool_size
            transport.http.max_worker_pool_size transport.http.worker_pool_queue_length
            transport.http.worker_thread_keepalive_sec transport.http.io_buffer_size
            transport.http.io_thread_count transport.http.max_http_connection_per_host_port
            transport.http.max_open_connections transport.http.max_connections
            transport.http.preserve_http_user_agent transport.http.preserve_http_server_name
            transport.http.preserve_http_headers transport.http.disable_connection_keepalive
            transport.http.enable_message_size_validation transport.http.max_message_size_bytes
            transport.http.force_xml_validation transport.http.force_json_validation
            transport.http.reverse_proxy_mode transport.http.blocking.**
            transport.http.correlation_header_name transport.http.correlation.**
            transport.http.properties.** transport.http.interest_ops_queueing transport.http.tcp_nodelay
            transport.http.so_reuse_address transport.http.connection_timeout
            transport.http.connection_grace_time transport.http.connection_grace_period
            transport.http.synapse_idle_connection_timeout transport.http.request_throttling.**
            transport.http.scheduled_pool.** server.hot_deployment server.synapse_config_file_path
            server.auth2_token_validation_service server.identity_server_username
            server.identity_server_password server.node_id transport.blocking.** transport.jms.**
            transport.vfs.** transport.mail.** transport.fix.** transport.mqtt.** transport.rabbitmq.**
            transport.sap.** transport.msmq.** transport.tcp.** transport.udp.** transport.jndi.**
            transport.parameters.** transport.modules.** transport.phase_order.**
            transport.phase_orders.** transport.hl7.** transport.mailto.** transport.kafka.**
            transport.default_content_type transport.sms.** transport.as2.** transport.xmpp.**
            transport.client.** transport.file.** transport.isomessage.** transport.parameter.**
            transport.module.** transport.inbound.** transport.grpc.** transport.cxf.** transport.amqp.**
            transport.websocket.** transport.multi_http.** transport.smb.** transport.sftp.**
            transport.properties.** transport.local_sender.** custom_transport.** message_formatters.**
            message_builders.** message_formatter.** message_builder.** custom_message_formatters.**
            custom_message_builders.** blocking.** mediation.** synapse.** synapse_properties.**
            synapse_handlers.** enabled_global_handlers datasource.** data_source.** tasks.**
            task_handling.** management_api.** management_api_token_handler.** internal_apis.**
            internal_api_ssl_config.** prometheus_api.** readiness_probe.** liveness_probe.**
            external_vault.** inbound_endpoint.** connector.** connectors.** icp_config.**
            micro_integrator.** mi.** ntask.** task.** registry_resource.** aspect_config.**
            flow_statistics.** message_store.** message_processor.** carbonapp.** car_deployment.**
            startup_order.** wsdl.** ws_security.** throttle.** dataservices.** data_services.** siddhi.**
            error_handler.** integration_control_plane.** unit_test.** security.** user_store_file.**
            file_user_store.** wso2.** state.** persistence.** wso2_vault.** hashicorp.** dss.** hl7.**
            as2.** fix.** http_transport.**
            transport.*.** transport.default_content_type
        ",
    },
    Group {
        verdict: Verdict::NotHere,
        why: "of [apim], Portcullis uses what the reference page lists; this key changes nothing",
        patterns: "
            apim.**
        ",
    },
];
