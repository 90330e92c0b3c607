//! How a section struct becomes a list of settings: one field is one setting, in the parser, the schema, the
//! reference page and `config show` alike.

use super::context::Context;
use super::tree::{Entry, Node, Table, Value};

/// One setting, as everything but the parser sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Section as written in the file; `[]` marks an array of tables: `apim.gateway.environment[]`.
    pub(super) section: &'static str,
    /// Key below the section; may contain dots.
    pub(super) key: &'static str,
    /// What may be written.
    pub(super) kind: Kind,
    /// Default as TOML, empty when there is none.
    pub(super) default: &'static str,
    /// WSO2 has this key too.
    pub(super) wso2: bool,
    /// The field's documentation, one line.
    pub(super) doc: &'static [&'static str],
}

impl Setting {
    /// The whole dotted path.
    #[must_use]
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The documentation as one line.
    #[must_use]
    pub(super) fn summary(&self) -> String {
        self.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

/// What may be written as a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Text; the word says of what form.
    Text(&'static str),
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Text such as `15m`.
    Duration,
    /// Text such as `10MB`.
    Size,
    /// One word of a list.
    OneOf(&'static [&'static str]),
    /// `$secret{alias}`, `$env{VAR}` or `$file{path}`.
    Secret,
    /// Text, or one of the forms of a secret.
    TextOrSecret,
    /// A list of these.
    List(&'static Kind),
    /// Tables with settings of their own.
    Tables,
}

/// A type that a setting can have.
pub(super) trait Parse: Sized {
    const KIND: Kind;
    /// Reads the value; says what is wrong to the context and answers `None` otherwise.
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self>;
    /// The value when neither the file nor the setting has one.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Parse> Parse for Option<T> {
    const KIND: Kind = T::KIND;
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        T::parse(node, cx).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Parse> Parse for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    fn parse(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let Value::List(items) = &node.value else {
            cx.wrong_type(node, "a list in square brackets");
            return None;
        };
        // Every element is read before the first fault ends the list, so that all faults are told.
        let read: Vec<Option<T>> = items.iter().map(|item| T::parse(item, cx)).collect();
        read.into_iter().collect()
    }
}

/// A struct made by [`section!`](super::section).
pub(super) trait Section: Sized {
    const NAME: &'static str;
    const DOC: &'static [&'static str];
    const SETTINGS: &'static [Setting];
    /// Reads every field, telling the context about every fault.
    fn read(table: Option<&Table>, prefix: &str, cx: &mut Context<'_>) -> Option<Self>;
}

/// Reads a section that stands once in the file.
pub(super) fn read_one<S: Section>(cx: &mut Context<'_>) -> Option<S> {
    let root = cx.root();
    let table = match root.find(S::NAME) {
        Some(Node { value: Value::Table(table), .. }) => Some(table),
        // Something else in its place is reported by the walk over all keys.
        _ => None,
    };
    S::read(table, S::NAME, cx)
}

/// Reads an array of tables.
pub(super) fn read_many<S: Section>(cx: &mut Context<'_>) -> Option<Vec<S>> {
    let root = cx.root();
    let name = S::NAME.trim_end_matches("[]");
    let Some(node) = root.find(name) else { return Some(Vec::new()) };
    let Value::List(items) = &node.value else {
        name.clone_into(&mut cx.path);
        cx.wrong_type(node, &format!("an array of tables, [[{name}]]"));
        return None;
    };
    let read: Vec<Option<S>> = items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let prefix = format!("{name}[{}]", index + 1);
            if let Value::Table(table) = &item.value {
                S::read(Some(table), &prefix, cx)
            } else {
                cx.path.clone_from(&prefix);
                cx.wrong_type(item, &format!("a table, [[{name}]]"));
                None
            }
        })
        .collect();
    read.into_iter().collect()
}

/// Reads one field.
pub(super) fn take<T: Parse>(
    setting: &'static Setting,
    table: Option<&Table>,
    prefix: &str,
    cx: &mut Context<'_>,
) -> Option<T> {
    cx.path = format!("{prefix}.{}", setting.key);
    if let Some(node) = table.and_then(|table| table.find(setting.key)) {
        cx.record(node);
        return T::parse(node, cx);
    }
    if setting.default.is_empty() {
        cx.record_absent();
        if T::absent().is_none() {
            cx.missing(table.and_then(|table| table.entries.first()).map(|first: &Entry| first.at));
        }
        return T::absent();
    }
    cx.record_default(setting.default);
    let source = format!("value = {}", setting.default);
    let default = super::tree::parse(&source, 0, "default").table;
    default.get("value").and_then(|entry| T::parse(&entry.node, cx))
}

/// Declares a section of `deployment.toml`: the struct, and the settings made from its fields.
///
/// A field is `wso2|ours "key" name: Type = "default as TOML";`, its documentation is the text of the reference page.
macro_rules! section {
    ($(#[doc = $doc:literal])+ $vis:vis struct $section:ident in $name:literal {
        $($(#[doc = $line:literal])+ $origin:ident $key:literal $field:ident : $ty:ty = $default:literal;)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        $vis struct $section { $($(#[doc = $line])+ $vis $field: $ty,)+ }

        impl $crate::config::section::Section for $section {
            const NAME: &'static str = $name;
            const DOC: &'static [&'static str] = &[$($doc),+];
            const SETTINGS: &'static [$crate::config::section::Setting] = &[
                $(section!(@setting $name $origin $key $ty, $default, [$($line),+])),+
            ];
            fn read(
                table: Option<&$crate::config::tree::Table>,
                prefix: &str,
                cx: &mut $crate::config::context::Context<'_>,
            ) -> Option<Self> {
                $(
                    let $field = {
                        static SETTING: $crate::config::section::Setting =
                            section!(@setting $name $origin $key $ty, $default, [$($line),+]);
                        $crate::config::section::take::<$ty>(&SETTING, table, prefix, cx)
                    };
                )+
                Some(Self { $($field: $field?),+ })
            }
        }
    };
    (@setting $name:literal $origin:ident $key:literal $ty:ty, $default:literal, [$($line:literal),+]) => {
        $crate::config::section::Setting {
            section: $name,
            key: $key,
            kind: <$ty as $crate::config::section::Parse>::KIND,
            default: $default,
            wso2: section!(@$origin),
            doc: &[$($line),+],
        }
    };
    (@wso2) => { true };
    (@ours) => { false };
}
pub(super) use section;
