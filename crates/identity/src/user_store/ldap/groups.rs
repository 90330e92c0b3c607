//! The groups of a person, and the groups of those groups: bounded, and safe against groups that contain each other.

use std::collections::HashSet;
use std::time::Duration;

use super::filter::escape;
use super::pool::Pool;
use super::session::{Entry, Search};
use super::{DirectoryError, GroupSearch};

/// How many groups may lie between a person and a role.
const MAX_DEPTH: usize = 10;
/// Most groups of one person. Whoever has more is refused: a list cut short could leave out the one that matters.
const MAX_GROUPS: usize = 1000;
/// Names in one filter.
const CHUNK: usize = 50;
/// Active Directory's rule that follows nesting on the server (LDAP_MATCHING_RULE_IN_CHAIN).
const IN_CHAIN: &str = ":1.2.840.113556.1.4.1941:";

/// Whether groups of groups count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// Only groups that name the person.
    Direct,
    /// Groups of groups, found level by level; every directory can do this.
    Followed,
    /// Groups of groups, followed by Active Directory itself in one search.
    InChain,
}

/// The names of all groups, each once.
pub(super) async fn of(
    pool: &Pool,
    groups: &GroupSearch,
    dn: &str,
    timeout: Duration,
) -> Result<Vec<String>, DirectoryError> {
    let mut names = Vec::new();
    let mut seen: HashSet<String> = HashSet::from([dn.to_lowercase()]);
    let mut level = vec![dn.to_owned()];
    let depth = if groups.nesting == Nesting::Followed { MAX_DEPTH } else { 1 };
    for _ in 0..depth {
        let mut next = Vec::new();
        for members in level.chunks(CHUNK) {
            for (group, name) in holding(pool, groups, members, timeout).await? {
                // A group that was met before adds nothing: this is what ends a circle.
                if seen.insert(group.to_lowercase()) {
                    names.extend(name);
                    next.push(group);
                }
            }
            if seen.len() > MAX_GROUPS {
                return Err(DirectoryError::Unusable(format!(
                    "an account is in more than {MAX_GROUPS} groups; narrow group_search_base or group_name_list_filter"
                )));
            }
        }
        if next.is_empty() {
            return Ok(names);
        }
        level = next;
    }
    if groups.nesting == Nesting::Followed {
        tracing::warn!(levels = MAX_DEPTH, "groups are nested deeper than is followed; the outermost give no roles");
    }
    Ok(names)
}

/// The groups that hold any of the members: distinguished name and name.
async fn holding(
    pool: &Pool,
    groups: &GroupSearch,
    members: &[String],
    timeout: Duration,
) -> Result<Vec<(String, Option<String>)>, DirectoryError> {
    let rule = if groups.nesting == Nesting::InChain { IN_CHAIN } else { "" };
    let any: String =
        members.iter().map(|dn| format!("({}{rule}={})", groups.membership_attribute, escape(dn))).collect();
    let search = Search {
        base: &groups.base,
        filter: format!("(&{}(|{any}))", groups.list_filter.with_any()),
        attributes: vec![groups.name_attribute.to_string()],
        most: MAX_GROUPS + 1,
        page: Some(super::PAGE),
        timeout,
    };
    let found = pool.search(&search).await?;
    let named = |entry: Entry| {
        let name = entry.first_text(groups.name_attribute.as_str());
        (entry.dn, name)
    };
    Ok(found.entries.into_iter().map(named).collect())
}
