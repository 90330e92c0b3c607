//! Refuses JSON bodies beyond structural bounds (WSO2: JSON threat protection).

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

use super::json_to_xml::is_json;
use crate::metadata::GATEWAYS;
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct JsonThreat;

const NUMBER: &str = "^[1-9][0-9]{0,8}$";

static METADATA: Metadata = Metadata {
    name: "jsonThreatProtection",
    versions: &["v1"],
    display_name: "JSON Threat Protection",
    description: "Refuses JSON bodies that are malformed, nested too deep, or have too many or too long members.",
    category: "Security",
    applicable_flows: &[Flow::Request],
    supported_api_types: &["HTTP", "GRAPHQL"],
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("maxPropertyCount", "Property Count", "Most members of one object", NUMBER).default("100"),
        Attribute::text("maxStringLength", "String Length", "Longest text, characters", NUMBER).default("10000"),
        Attribute::text("maxArrayElementCount", "Array Elements", "Most items of one array", NUMBER).default("1000"),
        Attribute::text("maxKeyLength", "Key Length", "Longest name of a member, characters", NUMBER).default("100"),
        Attribute::text(
            "maxJsonDepth",
            "Depth",
            "Deepest nesting; never beyond 128",
            "^([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$",
        )
        .default("32"),
    ],
};

impl Policy for JsonThreat {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Bounds {
            properties: parameters.parse("maxPropertyCount")?,
            text: parameters.parse("maxStringLength")?,
            items: parameters.parse("maxArrayElementCount")?,
            key: parameters.parse("maxKeyLength")?,
            depth: parameters.parse("maxJsonDepth")?,
        }))
    }
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    properties: usize,
    text: usize,
    items: usize,
    key: usize,
    depth: usize,
}

impl Step for Bounds {
    fn needs_body(&self) -> bool {
        true
    }

    fn apply(&self, message: &mut Message<'_>) -> Decision {
        let Some(body) = message.body.as_deref() else { return Decision::Continue };
        if body.is_empty() || !is_json(message.headers) {
            return Decision::Continue;
        }
        let mut input = serde_json::Deserializer::from_slice(body);
        let checked = Checker { bounds: self, depth: 0 }.deserialize(&mut input).and_then(|()| input.end());
        match checked {
            Ok(()) => Decision::Continue,
            // Our own reasons end before the position; the parser's are not for strangers.
            Err(error) if error.is_data() => {
                let text = error.to_string();
                super::threat(text.split(" at line ").next().unwrap_or_default().to_owned())
            }
            Err(_) => super::threat("The body is not well-formed JSON.".to_owned()),
        }
    }
}

/// Reads a value and keeps nothing.
#[derive(Clone, Copy)]
struct Checker<'a> {
    bounds: &'a Bounds,
    depth: usize,
}

impl Checker<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > self.bounds.depth {
            return Err(E::custom(format_args!("The body is nested more than {} deep.", self.bounds.depth)));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Checker<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checker<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text.chars().count() > self.bounds.text {
            return Err(E::custom(format_args!("A text is longer than {} characters.", self.bounds.text)));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut count = 0;
        while items.next_element_seed(inner)?.is_some() {
            count += 1;
            if count > self.bounds.items {
                return Err(A::Error::custom(format_args!("An array has more than {} items.", self.bounds.items)));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut count = 0;
        while members.next_key_seed(Key(self.bounds.key))?.is_some() {
            count += 1;
            if count > self.bounds.properties {
                let text = format_args!("An object has more than {} members.", self.bounds.properties);
                return Err(A::Error::custom(text));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// Reads the name of a member.
struct Key(usize);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        if name.chars().count() > self.0 {
            return Err(E::custom(format_args!("A member's name is longer than {} characters.", self.0)));
        }
        Ok(())
    }
}
