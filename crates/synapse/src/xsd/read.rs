//! Schema documents to a [`Schema`].

use std::sync::Arc;

use super::simple::{Facets, Simple};
use super::{
    AttributeUse, Attributes, Complex, Content, DEPTH, Declared, NAMESPACE, Namespaces, Particle, Process, Qualified,
    Schema, Term, Type, TypeOf, Use, Wildcard, shown,
};
use crate::xml::{Document, Element, Limits};

type Read<T> = Result<T, String>;

/// Most documents of one schema.
const DOCUMENTS: usize = 100;

/// Gives the text of another document by its `schemaLocation`.
pub(crate) type Locate<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

impl Schema {
    /// Reads a schema out of its documents; `locate` gives those that they name.
    ///
    /// # Errors
    /// What is wrong with the schema, or not available.
    pub(crate) fn read(texts: &[String], locate: Locate<'_>) -> Read<Self> {
        let mut schema = Self::default();
        let mut pending: Vec<(String, Option<Arc<str>>)> = texts.iter().map(|text| (text.clone(), None)).collect();
        let mut seen: Vec<(String, Option<Arc<str>>)> = Vec::new();
        let mut documents = 0;
        while let Some((text, chameleon)) = pending.pop() {
            documents += 1;
            if documents > DOCUMENTS {
                return Err(format!("the schema has more than {DOCUMENTS} documents"));
            }
            let document =
                Document::parse(&text, Limits::ARTIFACT).map_err(|error| format!("the schema is not XML: {error}"))?;
            let root = Element::root(&document).filter(|root| root.name() == "schema" && root.namespace() == NAMESPACE);
            let root = root.ok_or("the document is not an XML Schema")?;
            let own: Arc<str> = root.attribute("targetNamespace").unwrap_or_default().into();
            let target = if own.is_empty() { chameleon.unwrap_or(own) } else { own };
            let reader = Reader {
                target: Arc::clone(&target),
                elements: root.given("elementFormDefault") == Some("qualified"),
                attributes: root.given("attributeFormDefault") == Some("qualified"),
            };
            for child in root.children() {
                if let ("include" | "import", Some(location)) = (child.name(), child.given("schemaLocation")) {
                    let within = (child.name() == "include").then(|| Arc::clone(&target));
                    let key = (location.to_owned(), within.clone());
                    if !seen.contains(&key)
                        && let Some(text) = locate(location)
                    {
                        pending.push((text, within));
                    }
                    seen.push(key);
                }
            }
            reader.document(root, &mut schema)?;
        }
        schema.references_exist()?;
        Ok(schema)
    }

    /// Whether everything that is referred to is declared.
    fn references_exist(&self) -> Read<()> {
        let unknown = |what: &str, name: &Qualified| {
            Err(format!("the schema uses {what} {} and does not declare it", shown(name)))
        };
        for kind in self.types.values() {
            self.type_exists(kind, &unknown)?;
        }
        for element in self.elements.values() {
            self.declared_exists(element, &unknown)?;
        }
        for group in self.groups.values() {
            self.particle_exists(group, &unknown)?;
        }
        Ok(())
    }

    fn type_exists(&self, kind: &Type, unknown: &dyn Fn(&str, &Qualified) -> Read<()>) -> Read<()> {
        match kind {
            Type::Simple(simple) => self.simple_exists(simple, unknown),
            Type::Complex(complex) => {
                if let Some((base, _)) = &complex.base {
                    self.reference_exists(base, unknown)?;
                }
                for group in &complex.attributes.groups {
                    if !self.attribute_groups.contains_key(group) {
                        return unknown("the attribute group", group);
                    }
                }
                for (attribute, _) in &complex.attributes.references {
                    if &*attribute.0 != crate::xml::XML_NAMESPACE && !self.attributes.contains_key(attribute) {
                        return unknown("the attribute", attribute);
                    }
                }
                for attribute in &complex.attributes.own {
                    self.simple_exists(&attribute.kind, unknown)?;
                }
                match &complex.content {
                    Content::Nothing => Ok(()),
                    Content::Simple(simple) => self.simple_exists(simple, unknown),
                    Content::Elements(particle) => self.particle_exists(particle, unknown),
                }
            }
        }
    }

    fn reference_exists(&self, kind: &TypeOf, unknown: &dyn Fn(&str, &Qualified) -> Read<()>) -> Read<()> {
        match kind {
            TypeOf::Named(name) if !self.types.contains_key(name) && !Simple::is_built_in(name) => {
                unknown("the type", name)
            }
            TypeOf::Inline(kind) => self.type_exists(kind, unknown),
            TypeOf::Named(_) | TypeOf::Any => Ok(()),
        }
    }

    fn simple_exists(&self, simple: &Simple, unknown: &dyn Fn(&str, &Qualified) -> Read<()>) -> Read<()> {
        match simple {
            Simple::Named(name) if !self.types.contains_key(name) && !Simple::is_built_in(name) => {
                unknown("the type", name)
            }
            Simple::Named(_) | Simple::Text => Ok(()),
            Simple::Restricted(base, _) | Simple::List(base) => self.simple_exists(base, unknown),
            Simple::Union(members) => members.iter().try_for_each(|member| self.simple_exists(member, unknown)),
        }
    }

    fn declared_exists(&self, element: &Declared, unknown: &dyn Fn(&str, &Qualified) -> Read<()>) -> Read<()> {
        self.reference_exists(&element.kind, unknown)
    }

    fn particle_exists(&self, particle: &Particle, unknown: &dyn Fn(&str, &Qualified) -> Read<()>) -> Read<()> {
        match &particle.term {
            Term::Element(element) => self.declared_exists(element, unknown),
            Term::Reference(name) if !self.elements.contains_key(name) => unknown("the element", name),
            Term::Group(name) if !self.groups.contains_key(name) => unknown("the group", name),
            Term::Sequence(parts) | Term::Choice(parts) | Term::All(parts) => {
                parts.iter().try_for_each(|part| self.particle_exists(part, unknown))
            }
            Term::Reference(_) | Term::Group(_) | Term::Any(_) => Ok(()),
        }
    }
}

/// One document.
struct Reader {
    target: Arc<str>,
    /// Whether local elements and attributes are in the target namespace.
    elements: bool,
    attributes: bool,
}

fn unavailable<T>(element: Element<'_>) -> Read<T> {
    Err(format!("line {} of the schema: {} is not available", element.line(), element.name()))
}

impl Reader {
    fn document(&self, root: Element<'_>, schema: &mut Schema) -> Read<()> {
        for child in root.children() {
            let name = || self.own(child);
            match child.name() {
                "annotation" | "include" | "import" => {}
                "element" => {
                    schema.elements.insert(name()?, Arc::new(self.element(child, true, 0)?));
                }
                "complexType" => {
                    schema.types.insert(name()?, Arc::new(Type::Complex(self.complex(child, 0)?)));
                }
                "simpleType" => {
                    schema.types.insert(name()?, Arc::new(Type::Simple(self.simple(child, 0)?)));
                }
                "group" => {
                    let model = child.children().find(|part| matches!(part.name(), "sequence" | "choice" | "all"));
                    let model =
                        model.ok_or_else(|| format!("line {} of the schema: the group is empty", child.line()))?;
                    schema.groups.insert(name()?, Arc::new(self.particle(model, 0)?));
                }
                "attribute" => {
                    schema.attributes.insert(name()?, Arc::new(self.attribute(child, true, 0)?));
                }
                "attributeGroup" => {
                    schema.attribute_groups.insert(name()?, Arc::new(self.attributes(child, 0)?));
                }
                _ => return unavailable(child),
            }
        }
        Ok(())
    }

    /// The name of something that is declared at the top.
    fn own(&self, element: Element<'_>) -> Read<Qualified> {
        let name = element.given("name");
        let name =
            name.ok_or_else(|| format!("line {} of the schema: {} has no name", element.line(), element.name()))?;
        Ok((Arc::clone(&self.target), name.into()))
    }

    /// A name that refers to something.
    fn reference(&self, element: Element<'_>, text: &str) -> Read<Qualified> {
        let (prefix, local) = text.trim().split_once(':').unwrap_or(("", text.trim()));
        let namespace = element.document.lookup(element.id, prefix);
        match namespace {
            // A document without namespace that another one includes takes its namespace.
            None if prefix.is_empty() => Ok((Arc::clone(&self.target), local.into())),
            None => Err(format!("line {} of the schema: the prefix {prefix} is not declared", element.line())),
            Some(namespace) => Ok((namespace, local.into())),
        }
    }

    fn type_of(&self, element: Element<'_>, attribute: &str) -> Read<Option<TypeOf>> {
        let Some(text) = element.given(attribute) else { return Ok(None) };
        let name = self.reference(element, text)?;
        let any = &*name.0 == NAMESPACE && &*name.1 == "anyType";
        Ok(Some(if any { TypeOf::Any } else { TypeOf::Named(name) }))
    }

    fn deeper(element: Element<'_>, depth: usize) -> Read<usize> {
        if depth > DEPTH {
            return Err(format!("line {} of the schema: nested deeper than {DEPTH}", element.line()));
        }
        Ok(depth + 1)
    }

    fn element(&self, element: Element<'_>, global: bool, depth: usize) -> Read<Declared> {
        let depth = Self::deeper(element, depth)?;
        if element.given("substitutionGroup").is_some() {
            return Err(format!("line {} of the schema: substitutionGroup is not available", element.line()));
        }
        let mut kind = self.type_of(element, "type")?;
        for child in element.children() {
            match child.name() {
                "annotation" => {}
                "complexType" => kind = Some(TypeOf::Inline(Arc::new(Type::Complex(self.complex(child, depth)?)))),
                "simpleType" => kind = Some(TypeOf::Inline(Arc::new(Type::Simple(self.simple(child, depth)?)))),
                _ => return unavailable(child),
            }
        }
        let (namespace, local) = self.own(element)?;
        let qualified = global || element.given("form").map_or(self.elements, |form| form == "qualified");
        Ok(Declared {
            name: (if qualified { namespace } else { "".into() }, local),
            kind: kind.unwrap_or(TypeOf::Any),
            nillable: flag(element, "nillable"),
            is_abstract: flag(element, "abstract"),
            fixed: element.attribute("fixed").map(str::to_owned),
        })
    }

    fn complex(&self, element: Element<'_>, depth: usize) -> Read<Complex> {
        let depth = Self::deeper(element, depth)?;
        let mut complex = Complex {
            base: None,
            content: Content::Nothing,
            attributes: Attributes::default(),
            mixed: flag(element, "mixed"),
            is_abstract: flag(element, "abstract"),
        };
        for child in element.children() {
            if let "complexContent" | "simpleContent" = child.name() {
                complex.mixed |= flag(child, "mixed");
                self.derived(child, &mut complex, depth)?;
                return Ok(complex);
            }
        }
        self.contents(element, &mut complex, depth)?;
        Ok(complex)
    }

    fn contents(&self, element: Element<'_>, complex: &mut Complex, depth: usize) -> Read<()> {
        for child in element.children() {
            if let "sequence" | "choice" | "all" | "group" = child.name() {
                complex.content = Content::Elements(self.particle(child, depth)?);
            }
        }
        complex.attributes = self.attributes(element, depth)?;
        Ok(())
    }

    /// `complexContent`, `simpleContent`.
    fn derived(&self, element: Element<'_>, complex: &mut Complex, depth: usize) -> Read<()> {
        let step = element.children().find(|child| matches!(child.name(), "extension" | "restriction"));
        let step = step.ok_or_else(|| format!("line {} of the schema: nothing is derived", element.line()))?;
        let base = self.type_of(step, "base")?;
        let base = base.ok_or_else(|| format!("line {} of the schema: the base is missing", step.line()))?;
        let extends = step.name() == "extension";
        if element.name() == "simpleContent" {
            complex.attributes = self.attributes(step, depth)?;
            complex.content = match (&base, extends) {
                (TypeOf::Named(name), true) => Content::Simple(Simple::Named(name.clone())),
                (TypeOf::Named(name), false) => {
                    Content::Simple(Simple::Restricted(Box::new(Simple::Named(name.clone())), Facets::read(step)?))
                }
                _ => Content::Simple(Simple::Text),
            };
        } else {
            self.contents(step, complex, depth)?;
        }
        complex.base = match base {
            // Everything is derived from anyType by restriction.
            TypeOf::Any => None,
            base => Some((base, extends)),
        };
        Ok(())
    }

    fn particle(&self, element: Element<'_>, depth: usize) -> Read<Particle> {
        let depth = Self::deeper(element, depth)?;
        let number = |name: &str| -> Read<u32> {
            let text = element.given(name).unwrap_or("1");
            text.parse().map_err(|_| format!("line {} of the schema: {name} is {text:?}", element.line()))
        };
        let parts = || -> Read<Vec<Particle>> {
            let parts = element.children().filter(|child| child.name() != "annotation");
            parts.map(|child| self.particle(child, depth)).collect()
        };
        let term = match (element.name(), element.given("ref")) {
            ("element", Some(name)) => Term::Reference(self.reference(element, name)?),
            ("element", None) => Term::Element(Arc::new(self.element(element, false, depth)?)),
            ("group", Some(name)) => Term::Group(self.reference(element, name)?),
            ("sequence", _) => Term::Sequence(parts()?),
            ("choice", _) => Term::Choice(parts()?),
            ("all", _) => Term::All(parts()?),
            ("any", _) => Term::Any(self.wildcard(element)),
            _ => return unavailable(element),
        };
        let most = if element.given("maxOccurs") == Some("unbounded") { None } else { Some(number("maxOccurs")?) };
        Ok(Particle { least: number("minOccurs")?, most, term })
    }

    fn wildcard(&self, element: Element<'_>) -> Wildcard {
        let allowed = match element.given("namespace") {
            None | Some("##any") => Namespaces::Any,
            Some("##other") => Namespaces::Other(Arc::clone(&self.target)),
            Some(list) => Namespaces::These(
                list.split_whitespace()
                    .map(|one| match one {
                        "##targetNamespace" => Arc::clone(&self.target),
                        "##local" => "".into(),
                        other => other.into(),
                    })
                    .collect(),
            ),
        };
        let process = match element.given("processContents") {
            Some("skip") => Process::Skip,
            Some("lax") => Process::Lax,
            _ => Process::Strict,
        };
        Wildcard { allowed, process }
    }

    fn attributes(&self, element: Element<'_>, depth: usize) -> Read<Attributes> {
        let mut attributes = Attributes::default();
        for child in element.children() {
            match (child.name(), child.given("ref")) {
                ("attribute", Some(name)) => attributes.references.push((self.reference(child, name)?, usage(child))),
                ("attribute", None) => attributes.own.push(Arc::new(self.attribute(child, false, depth)?)),
                ("attributeGroup", Some(name)) => attributes.groups.push(self.reference(child, name)?),
                ("anyAttribute", _) => attributes.any = Some(self.wildcard(child)),
                _ => {}
            }
        }
        Ok(attributes)
    }

    fn attribute(&self, element: Element<'_>, global: bool, depth: usize) -> Read<AttributeUse> {
        let kind = match (element.child("simpleType"), element.given("type")) {
            (Some(child), _) => self.simple(child, depth)?,
            (None, Some(name)) => Simple::Named(self.reference(element, name)?),
            (None, None) => Simple::Text,
        };
        let (namespace, local) = self.own(element)?;
        let qualified = global || element.given("form").map_or(self.attributes, |form| form == "qualified");
        Ok(AttributeUse {
            name: (if qualified { namespace } else { "".into() }, local),
            kind,
            usage: usage(element),
            fixed: element.attribute("fixed").map(str::to_owned),
        })
    }

    fn simple(&self, element: Element<'_>, depth: usize) -> Read<Simple> {
        let depth = Self::deeper(element, depth)?;
        let step = element.children().find(|child| child.name() != "annotation");
        let step = step.ok_or_else(|| format!("line {} of the schema: the type is empty", element.line()))?;
        let inner = step.child("simpleType").map(|child| self.simple(child, depth)).transpose()?;
        let named = |attribute: &str| -> Read<Option<Simple>> {
            step.given(attribute).map(|name| Ok(Simple::Named(self.reference(step, name)?))).transpose()
        };
        match step.name() {
            "restriction" => {
                let base = named("base")?.or(inner).unwrap_or(Simple::Text);
                Ok(Simple::Restricted(Box::new(base), Facets::read(step)?))
            }
            "list" => Ok(Simple::List(Box::new(named("itemType")?.or(inner).unwrap_or(Simple::Text)))),
            "union" => {
                let mut members = Vec::new();
                for name in step.given("memberTypes").unwrap_or_default().split_whitespace() {
                    members.push(Simple::Named(self.reference(step, name)?));
                }
                for child in step.children_named("simpleType") {
                    members.push(self.simple(child, depth)?);
                }
                Ok(Simple::Union(members))
            }
            _ => unavailable(step),
        }
    }
}

fn flag(element: Element<'_>, attribute: &str) -> bool {
    matches!(element.given(attribute), Some("true" | "1"))
}

fn usage(element: Element<'_>) -> Use {
    match element.given("use") {
        Some("required") => Use::Required,
        Some("prohibited") => Use::Prohibited,
        _ => Use::Optional,
    }
}
