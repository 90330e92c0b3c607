//! What the configuration decides about the Developer Portal and the built-in policies.

/// Settings of the Developer Portal and of what consumers may do.
#[derive(Clone, Debug)]
pub struct PortalSettings {
    /// Whether subscriptions to APIs of other tenants are possible (`[apim.devportal] enable_cross_tenant_subscriptions`).
    pub cross_tenant_subscriptions: bool,
    /// Whether applications can be shared with groups (`[apim.devportal] enable_application_sharing`).
    pub application_sharing: bool,
    /// Whether there are plans and policies called `Unlimited` (`[apim.throttling] enable_unlimited_tier`).
    pub unlimited_tier: bool,
    /// Grant types the resident key manager offers (`[oauth.grant_type]`).
    pub grant_types: Vec<String>,
    /// Port of the gateway's plain WebSocket listener as advertised (WSO2: 9099).
    pub gateway_ws_port: u16,
    /// Port of the gateway's WebSocket listener over TLS as advertised (WSO2: 8099).
    pub gateway_wss_port: u16,
    /// Custom application attributes (`[[apim.devportal.application_attributes]]`).
    pub application_attributes: Vec<ApplicationAttribute>,
    /// Whether attributes that are given without a value are kept
    /// (`[apim.devportal] enable_empty_values_in_application_attributes`).
    pub empty_attributes: bool,
    /// Custom properties of APIs (`[[apim.publisher.custom_properties]]`).
    pub api_properties: Vec<ApiProperty>,
}

/// A gateway environment of the configuration (`[[apim.gateway.environment]]`): read-only here.
#[derive(Clone, Debug)]
pub struct ConfiguredEnvironment {
    /// Name and id.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// `hybrid`, `production` or `sandbox`.
    pub kind: &'static str,
    /// Under which addresses it is announced; at least one, the first is the default.
    pub hosts: Vec<ConfiguredHost>,
}

/// An address under which an environment is announced.
#[derive(Clone, Debug)]
pub struct ConfiguredHost {
    /// Host name.
    pub host: String,
    /// Port in `http://` links.
    pub http_port: u16,
    /// Path before every context; empty, or without slashes at its ends.
    pub context: String,
    /// Port in `https://` links.
    pub https_port: u16,
}

/// A custom attribute of applications.
#[derive(Clone, Debug)]
pub struct ApplicationAttribute {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether an application without it is refused.
    pub required: bool,
    /// Whether it is not shown.
    pub hidden: bool,
    /// Value when absent.
    pub default: Option<String>,
}

/// A custom property of APIs.
#[derive(Clone, Debug)]
pub struct ApiProperty {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Whether an API must have a value for it when it is changed.
    pub required: bool,
}

impl Default for PortalSettings {
    /// WSO2's defaults, without the grant types that a security guideline forbids.
    fn default() -> Self {
        Self {
            cross_tenant_subscriptions: false,
            application_sharing: false,
            unlimited_tier: true,
            grant_types: [
                "refresh_token",
                "password",
                "client_credentials",
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ]
            .map(str::to_owned)
            .to_vec(),
            gateway_ws_port: 9099,
            gateway_wss_port: 8099,
            application_attributes: Vec::new(),
            empty_attributes: false,
            api_properties: Vec::new(),
        }
    }
}
