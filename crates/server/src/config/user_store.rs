//! `[user_store]` and `[[secondary_user_store]]`: where accounts are kept, and how directories are read (A05, A06).

use std::time::Duration;

use identity::{AttributeName, FilterTemplate, LdapServer, Nesting, ServerFault};

use super::context::Context;
use super::diagnostic::codes;
use super::nearest::nearest;
use super::secret::{SecretRef, TextSource};
use super::section::{Section as _, read_many, read_one, section};
use super::tree::At;
use super::values::{QuotedWhole, Span, Whole, Word, words};

/// Most directories of an installation.
const MAX_DIRECTORIES: usize = 20;

words! {
    /// Which groups count.
    pub(super) GroupNesting {
        /// Only groups that name the person.
        "direct" => Direct,
        /// Also groups of groups, found level by level.
        "nested" => Nested,
        /// Also groups of groups, followed by Active Directory itself.
        "in_chain" => InChain,
    }
}

/// The settings that a directory has wherever it is configured.
macro_rules! directory_section {
    ($(#[doc = $doc:literal])+ $section:ident in $name:literal { $($own:tt)* }) => {
        section! {
            $(#[doc = $doc])+
            pub(super) struct $section in $name {
                $($own)*
                /// Address of the directory: `ldaps://host:636`, or `ldap://host:389` with StartTLS. Several with blanks between them are tried in their order.
                wso2 "connection_url" connection_url: Option<String> = "";
                /// Whether an `ldap://` connection is encrypted with StartTLS before anything else is sent.
                wso2 "properties.StartTLSEnabled" start_tls: bool = "false";
                /// Distinguished name of the account that searches. It needs no right to write.
                wso2 "connection_name" connection_name: Option<TextSource> = "";
                /// Its password, by reference (A03).
                wso2 "connection_password" connection_password: Option<SecretRef> = "";
                /// Where people are searched.
                wso2 "user_search_base" user_search_base: Option<String> = "";
                /// Finds one person; `?` stands for the name. Without it, one that fits the type.
                wso2 "user_name_search_filter" user_name_search_filter: Option<String> = "";
                /// Finds all people. Without it, one that fits the type.
                wso2 "user_name_list_filter" user_name_list_filter: Option<String> = "";
                /// Attribute with the user name: `uid`, for Active Directory `sAMAccountName`.
                wso2 "user_name_attribute" user_name_attribute: Option<String> = "";
                /// Attribute that stays when an entry is renamed: `entryUUID`, for Active Directory `objectGUID`.
                wso2 "user_id_attribute" user_id_attribute: Option<String> = "";
                /// Whether groups are read.
                wso2 "read_groups" read_groups: bool = "true";
                /// Where groups are searched; without it where people are.
                wso2 "group_search_base" group_search_base: Option<String> = "";
                /// Finds all groups. Without it, one that fits the type.
                wso2 "group_name_list_filter" group_name_list_filter: Option<String> = "";
                /// Attribute with the name of a group.
                wso2 "group_name_attribute" group_name_attribute: String = r#""cn""#;
                /// Attribute of a group with the distinguished names of its members.
                wso2 "membership_attribute" membership_attribute: String = r#""member""#;
                /// Which groups count.
                ours "group_nesting" group_nesting: GroupNesting = r#""nested""#;
                /// Roles that groups give: `["apim-admins = admin", "developers = Internal/creator"]`. A group that is not listed gives the role of its own name in this store, if an administrator made one; never a built-in role.
                ours "group_roles" group_roles: Option<Vec<String>> = "";
                /// Longest wait for a connection, in milliseconds.
                wso2 "ldap_connection_timeout" connect_timeout: QuotedWhole<100, 60_000> = "5000";
                /// Longest wait for an answer, in milliseconds.
                wso2 "read_timeout" read_timeout: QuotedWhole<100, 60_000> = "5000";
                /// After a failed connection, nobody tries again for this many milliseconds.
                wso2 "connection_retry_delay" retry_delay: QuotedWhole<100, 600_000> = "2000";
                /// Most connections of each kind.
                ours "max_connections" max_connections: Whole<1, 256> = "8";
                /// How often accounts with live tokens are looked up again.
                ours "check_interval" check_interval: Span = r#""5m""#;
                /// How long what was read before counts for live tokens while the directory does not answer. Nobody signs in meanwhile.
                ours "offline_grace" offline_grace: Span = r#""15m""#;
            }
        }

        impl $section {
            fn into_fields(self) -> Fields {
                Fields {
                    start_tls: self.start_tls,
                    connection_url: self.connection_url,
                    connection_name: self.connection_name,
                    connection_password: self.connection_password,
                    user_search_base: self.user_search_base,
                    user_name_search_filter: self.user_name_search_filter,
                    user_name_list_filter: self.user_name_list_filter,
                    user_name_attribute: self.user_name_attribute,
                    user_id_attribute: self.user_id_attribute,
                    read_groups: self.read_groups,
                    group_search_base: self.group_search_base,
                    group_name_list_filter: self.group_name_list_filter,
                    group_name_attribute: self.group_name_attribute,
                    membership_attribute: self.membership_attribute,
                    group_nesting: self.group_nesting,
                    group_roles: self.group_roles.unwrap_or_default(),
                    connect_timeout: Duration::from_millis(self.connect_timeout.get()),
                    read_timeout: Duration::from_millis(self.read_timeout.get()),
                    retry_delay: Duration::from_millis(self.retry_delay.get()),
                    max_connections: usize::try_from(self.max_connections.get()).unwrap_or(1),
                    check_interval: self.check_interval.get(),
                    offline_grace: self.offline_grace.get(),
                }
            }
        }
    };
}

directory_section! {
    /// Where accounts are kept. With a directory, its people sign in with their plain names beside the embedded accounts; a name that the embedded store has is the embedded account's. Directories are only read (A05) and only over TLS (A06).
    UserStoreSection in "user_store" {
        /// `database_unique_id` or `database`: the embedded user store. `read_only_ldap` or `active_directory`: a directory too.
        wso2 "type" kind: Word = r#""database_unique_id""#;
    }
}

directory_section! {
    /// A further directory, whose people sign in as `DOMAIN/name`.
    SecondaryUserStoreSection in "secondary_user_store[]" {
        /// Domain in front of the names: letters, digits, dots, hyphens and underscores.
        ours "domain_name" domain_name: String = "";
        /// `read_only_ldap` or `active_directory`.
        wso2 "type" kind: Word = r#""read_only_ldap""#;
    }
}

struct Fields {
    connection_url: Option<String>,
    start_tls: bool,
    connection_name: Option<TextSource>,
    connection_password: Option<SecretRef>,
    user_search_base: Option<String>,
    user_name_search_filter: Option<String>,
    user_name_list_filter: Option<String>,
    user_name_attribute: Option<String>,
    user_id_attribute: Option<String>,
    read_groups: bool,
    group_search_base: Option<String>,
    group_name_list_filter: Option<String>,
    group_name_attribute: String,
    membership_attribute: String,
    group_nesting: GroupNesting,
    group_roles: Vec<String>,
    connect_timeout: Duration,
    read_timeout: Duration,
    retry_delay: Duration,
    max_connections: usize,
    check_interval: Duration,
    offline_grace: Duration,
}

/// A directory that is read.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Domain in front of its names, upper case; `None` = plain names.
    pub domain: Option<String>,
    /// Its servers, in the order in which they are tried; all encrypted.
    pub servers: Vec<LdapServer>,
    /// Distinguished name of the account that searches.
    pub bind_dn: TextSource,
    /// Its password.
    pub bind_password: SecretRef,
    /// Where people are searched.
    pub user_base: String,
    /// Finds one person.
    pub user_filter: FilterTemplate,
    /// Finds all people.
    pub user_list_filter: FilterTemplate,
    /// Attribute of the name.
    pub user_name_attribute: AttributeName,
    /// Attribute that stays.
    pub user_id_attribute: AttributeName,
    /// How groups are found; `None` = not read.
    pub groups: Option<DirectoryGroups>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub read_timeout: Duration,
    /// Pause after a failed connection.
    pub retry_delay: Duration,
    /// Most connections of each kind.
    pub max_connections: usize,
    /// How often accounts are looked up again.
    pub check_interval: Duration,
    /// How long what was read counts while it does not answer.
    pub offline_grace: Duration,
}

/// How groups of a directory are found, and what they give.
#[derive(Clone, Debug)]
pub struct DirectoryGroups {
    /// Where they are searched.
    pub base: String,
    /// Finds all.
    pub list_filter: FilterTemplate,
    /// Attribute of the name.
    pub name_attribute: AttributeName,
    /// Attribute of the members.
    pub membership_attribute: AttributeName,
    /// Whether groups of groups count.
    pub nesting: Nesting,
    /// Group and role.
    pub roles: Vec<(String, String)>,
}

/// What kind of directory it is: what is searched when nothing else is written.
#[derive(Clone, Copy)]
enum Flavour {
    Ldap,
    ActiveDirectory,
}

impl Flavour {
    const fn defaults(self) -> Defaults {
        match self {
            Self::Ldap => Defaults {
                user_filter: "(&(objectClass=person)(uid=?))",
                user_list_filter: "(objectClass=person)",
                name: "uid",
                id: "entryUUID",
                group_list_filter: "(objectClass=groupOfNames)",
            },
            // Disabled accounts are no people here: the bit of userAccountControl.
            Self::ActiveDirectory => Defaults {
                user_filter: "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))\
                              (sAMAccountName=?))",
                user_list_filter: "(&(objectCategory=person)(objectClass=user)\
                                   (!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
                name: "sAMAccountName",
                id: "objectGUID",
                group_list_filter: "(objectClass=group)",
            },
        }
    }
}

struct Defaults {
    user_filter: &'static str,
    user_list_filter: &'static str,
    name: &'static str,
    id: &'static str,
    group_list_filter: &'static str,
}

/// Reads both sections; faults go to the context.
pub(super) fn resolve(cx: &mut Context<'_>) -> Option<Vec<Directory>> {
    let primary = read_one::<UserStoreSection>(cx);
    let secondary = read_many::<SecondaryUserStoreSection>(cx);
    let mut directories = Vec::new();
    let mut right = true;
    if let Some(section) = primary {
        let kind = section.kind.0.clone();
        let fields = section.into_fields();
        match flavour(&kind, UserStoreSection::NAME, true, cx) {
            None => right = false,
            Some(None) => unused(&fields, cx, &mut right),
            Some(Some(flavour)) => match directory(fields, flavour, None, UserStoreSection::NAME, cx) {
                Some(directory) => directories.push(directory),
                None => right = false,
            },
        }
    }
    for (index, section) in secondary?.into_iter().enumerate() {
        let prefix = format!("secondary_user_store[{}]", index + 1);
        let domain = domain(&section.domain_name, &prefix, &directories, cx);
        let kind = section.kind.0.clone();
        let flavour = flavour(&kind, &prefix, false, cx).flatten();
        match (domain, flavour) {
            (Some(domain), Some(flavour)) => {
                match directory(section.into_fields(), flavour, Some(domain), &prefix, cx) {
                    Some(directory) => directories.push(directory),
                    None => right = false,
                }
            }
            _ => right = false,
        }
    }
    if directories.len() > MAX_DIRECTORIES {
        let at = place("secondary_user_store", "", cx);
        "secondary_user_store".clone_into(&mut cx.path);
        cx.bad_value(at, "there are more than 20 directories", "put some of them behind one search base");
        return None;
    }
    right.then_some(directories)
}

/// What a type means; the inner `None` is the embedded store. The outer one: the context has a fault.
fn flavour(kind: &str, prefix: &str, embedded: bool, cx: &mut Context<'_>) -> Option<Option<Flavour>> {
    let at = place(prefix, "type", cx);
    cx.path = format!("{prefix}.type");
    match kind {
        "database" | "database_unique_id" if embedded => Some(None),
        "read_only_ldap" | "read_only_ldap_unique_id" => Some(Some(Flavour::Ldap)),
        "active_directory" | "active_directory_unique_id" => Some(Some(Flavour::ActiveDirectory)),
        "read_write_ldap" | "read_write_ldap_unique_id" | "ldap" | "identity_server" => {
            cx.fault(
                at,
                codes::UNSUPPORTED,
                "user store type not supported",
                "directories are only read: there is no way to write to one (A05)",
                "write type = \"read_only_ldap\"",
            );
            None
        }
        other => {
            let known = ["database_unique_id", "database", "read_only_ldap", "active_directory"];
            let near = nearest(other, known).unwrap_or_else(|| "read_only_ldap".to_owned());
            cx.bad_value(at, &format!("\"{other}\" is not one of {}", known.join(", ")), &format!("write \"{near}\""));
            None
        }
    }
}

/// Settings of a directory beside the embedded store are for nothing, but never harmless: a URL without TLS is refused.
fn unused(fields: &Fields, cx: &mut Context<'_>, right: &mut bool) {
    if let Some(url) = &fields.connection_url {
        *right &= servers(url, fields.start_tls, UserStoreSection::NAME, cx).is_some();
    }
    let keys: Vec<&str> = UserStoreSection::SETTINGS.iter().map(|s| s.key).filter(|key| *key != "type").collect();
    cx.unused(
        UserStoreSection::NAME,
        &keys,
        "accounts are in the embedded store; it belongs to type = \"read_only_ldap\"",
    );
}

fn domain(text: &str, prefix: &str, others: &[Directory], cx: &mut Context<'_>) -> Option<String> {
    let at = place(prefix, "domain_name", cx);
    cx.path = format!("{prefix}.domain_name");
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let domain = text.to_ascii_uppercase();
    let reserved = ["PRIMARY", "INTERNAL", "APPLICATION"].contains(&domain.as_str());
    if domain.is_empty() || domain.len() > 60 || !domain.chars().all(allowed) || reserved {
        let fix = "write 1 to 60 letters, digits, dots, hyphens and underscores, for example \"SECONDARY\"";
        cx.bad_value(at, "this cannot be the domain of a user store", fix);
        return None;
    }
    if others.iter().any(|other| other.domain.as_deref() == Some(&domain)) {
        cx.bad_value(at, &format!("{domain} is there already"), "give each user store a domain of its own");
        return None;
    }
    Some(domain)
}

fn servers(urls: &str, start_tls: bool, prefix: &str, cx: &mut Context<'_>) -> Option<Vec<LdapServer>> {
    let at = place(prefix, "connection_url", cx);
    cx.path = format!("{prefix}.connection_url");
    let mut servers = Vec::new();
    for url in urls.split_whitespace() {
        match LdapServer::parse(url, start_tls) {
            Ok(server) => servers.push(server),
            Err(ServerFault::PlainText) => {
                cx.fault(
                    at,
                    codes::PLAIN_CONNECTION,
                    "directory without TLS",
                    "passwords would cross the network in plain text",
                    "write ldaps:// in the URL, or add properties.StartTLSEnabled = true",
                );
                return None;
            }
            Err(fault @ ServerFault::Form) => {
                cx.bad_value(at, "this is no address of a directory", &fault.to_string());
                return None;
            }
        }
    }
    Some(servers).filter(|servers| !servers.is_empty())
}

fn directory(
    fields: Fields,
    flavour: Flavour,
    domain: Option<String>,
    prefix: &str,
    cx: &mut Context<'_>,
) -> Option<Directory> {
    let defaults = flavour.defaults();
    let url = need(fields.connection_url, prefix, "connection_url = \"ldaps://directory.example.com:636\"", cx);
    let servers = url.and_then(|url| servers(&url, fields.start_tls, prefix, cx));
    let bind_dn = need(fields.connection_name, prefix, "connection_name = \"cn=reader,dc=example,dc=com\"", cx);
    let bind_password =
        need(fields.connection_password, prefix, "connection_password = \"$secret{directory_password}\"", cx);
    let user_base = need(fields.user_search_base, prefix, "user_search_base = \"ou=Users,dc=example,dc=com\"", cx);
    let filter = |key: &str, text: Option<String>, default: &str, named: bool, cx: &mut Context<'_>| {
        let text = text.unwrap_or_else(|| default.to_owned());
        let read = if named { FilterTemplate::for_value(&text) } else { FilterTemplate::any(&text) };
        read.map_err(|fault| {
            let at = place(prefix, key, cx);
            cx.path = format!("{prefix}.{key}");
            cx.bad_value(at, &fault.to_string(), &format!("write for example {key} = \"{default}\""));
        })
        .ok()
    };
    let attribute = |key: &str, text: Option<String>, default: &str, cx: &mut Context<'_>| {
        AttributeName::parse(text.as_deref().unwrap_or(default))
            .map_err(|fault| {
                let at = place(prefix, key, cx);
                cx.path = format!("{prefix}.{key}");
                cx.bad_value(at, &fault.to_string(), &format!("write for example {key} = \"{default}\""));
            })
            .ok()
    };
    let user_filter = filter("user_name_search_filter", fields.user_name_search_filter, defaults.user_filter, true, cx);
    let user_list_filter =
        filter("user_name_list_filter", fields.user_name_list_filter, defaults.user_list_filter, false, cx);
    let user_name_attribute = attribute("user_name_attribute", fields.user_name_attribute, defaults.name, cx);
    let user_id_attribute = attribute("user_id_attribute", fields.user_id_attribute, defaults.id, cx);
    let list_filter =
        filter("group_name_list_filter", fields.group_name_list_filter, defaults.group_list_filter, false, cx);
    let name_attribute = attribute("group_name_attribute", Some(fields.group_name_attribute), "cn", cx);
    let membership_attribute = attribute("membership_attribute", Some(fields.membership_attribute), "member", cx);
    let roles = roles(&fields.group_roles, prefix, cx);
    let user_base = user_base?;
    let groups = DirectoryGroups {
        base: fields.group_search_base.unwrap_or_else(|| user_base.clone()),
        list_filter: list_filter?,
        name_attribute: name_attribute?,
        membership_attribute: membership_attribute?,
        nesting: match fields.group_nesting {
            GroupNesting::Direct => Nesting::Direct,
            GroupNesting::Nested => Nesting::Followed,
            GroupNesting::InChain => Nesting::InChain,
        },
        roles: roles?,
    };
    Some(Directory {
        domain,
        servers: servers?,
        bind_dn: bind_dn?,
        bind_password: bind_password?,
        user_base,
        user_filter: user_filter?,
        user_list_filter: user_list_filter?,
        user_name_attribute: user_name_attribute?,
        user_id_attribute: user_id_attribute?,
        groups: fields.read_groups.then_some(groups),
        connect_timeout: fields.connect_timeout,
        read_timeout: fields.read_timeout,
        retry_delay: fields.retry_delay,
        max_connections: fields.max_connections,
        check_interval: fields.check_interval,
        offline_grace: fields.offline_grace,
    })
}

fn roles(written: &[String], prefix: &str, cx: &mut Context<'_>) -> Option<Vec<(String, String)>> {
    let mut roles = Vec::new();
    for text in written {
        // The role is what follows the last sign: names of groups may contain it.
        match text.rsplit_once('=').map(|(group, role)| (group.trim(), role.trim())) {
            Some((group, role)) if !group.is_empty() && !role.is_empty() => {
                roles.push((group.to_owned(), role.to_owned()));
            }
            _ => {
                let at = place(prefix, "group_roles", cx);
                cx.path = format!("{prefix}.group_roles");
                cx.bad_value(at, "an entry is no pair of a group and a role", "write \"apim-admins = admin\"");
                return None;
            }
        }
    }
    Some(roles)
}

fn need<T>(value: Option<T>, prefix: &str, line: &str, cx: &mut Context<'_>) -> Option<T> {
    if value.is_none() {
        let key = line.split(' ').next().unwrap_or_default();
        let at = place(prefix, key, cx);
        cx.path = format!("{prefix}.{key}");
        cx.fault(
            at,
            codes::MISSING,
            "setting missing",
            "a directory cannot be read without it",
            &format!("add {line}"),
        );
    }
    value
}

/// The place of a key of the section, of the section, or of the file. Elements of an array are at the array's place.
fn place(prefix: &str, key: &str, cx: &Context<'_>) -> At {
    let root = cx.root();
    let section = prefix.split('[').next().unwrap_or(prefix);
    let found = root.find(&format!("{section}.{key}")).or_else(|| root.find(&format!("{section}.type")));
    found.or_else(|| root.find(section)).map(|node| node.at).unwrap_or_default()
}

#[cfg(test)]
mod tests;
