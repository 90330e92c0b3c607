//! Stylesheets out of elements.

use super::pattern::Pattern;
use super::{Avt, Instruction, Part, Sort, Stylesheet, Template, Variable, XSL};
use crate::xml::{Element, Kind};
use crate::xpath::{Expr, XPath};

type Compiled<T> = Result<T, String>;

fn at<T>(element: Element<'_>, reason: impl std::fmt::Display) -> Compiled<T> {
    Err(format!("line {}: {}: {reason}", element.line(), element.name()))
}

pub(super) fn stylesheet(root: Element<'_>) -> Compiled<Stylesheet> {
    let mut sheet = Stylesheet { templates: Vec::new(), globals: Vec::new(), strip: Vec::new() };
    if root.namespace() != XSL {
        // A literal result element is a stylesheet with one template.
        let body = vec![literal(root)?];
        let pattern = Some(Pattern::new(expr(root, "/")?)?);
        sheet.templates.push(Template { pattern, name: None, mode: None, priority: 0.5, body });
        return Ok(sheet);
    }
    if !matches!(root.name(), "stylesheet" | "transform") {
        return at(root, "is not a stylesheet");
    }
    for child in root.children() {
        if child.namespace() != XSL {
            continue;
        }
        match child.name() {
            "template" => templates(child, &mut sheet.templates)?,
            "variable" | "param" => sheet.globals.push(variable(child)?),
            "strip-space" => {
                let names = child.given("elements").unwrap_or_default().split_whitespace();
                sheet.strip.extend(names.map(str::to_owned));
            }
            "output" | "preserve-space" | "decimal-format" | "namespace-alias" => {}
            other => return at(child, format!("{other} is not available")),
        }
    }
    Ok(sheet)
}

fn expr(element: Element<'_>, text: &str) -> Compiled<Expr> {
    match XPath::compile_strictly(text, &element.namespaces()) {
        Ok(xpath) => Ok(xpath.root),
        Err(error) => at(element, format!("the expression {text:?}: {error}")),
    }
}

fn required(element: Element<'_>, attribute: &str) -> Compiled<Expr> {
    match element.attribute(attribute) {
        Some(text) => expr(element, text),
        None => at(element, format!("the attribute {attribute} is missing")),
    }
}

fn templates(element: Element<'_>, out: &mut Vec<Template>) -> Compiled<()> {
    let name = element.given("name").map(str::to_owned);
    let mode = element.given("mode").map(str::to_owned);
    let given = match element.given("priority").map(str::parse::<f64>) {
        Some(Ok(priority)) => Some(priority),
        Some(Err(_)) => return at(element, "the priority is not a number"),
        None => None,
    };
    let Some(text) = element.given("match") else {
        let body = body(element)?;
        out.push(Template { pattern: None, name, mode, priority: 0.0, body });
        return Ok(());
    };
    let pattern = match Pattern::new(expr(element, text)?) {
        Ok(pattern) => pattern,
        Err(reason) => return at(element, reason),
    };
    for (pattern, priority) in pattern.split() {
        let body = body(element)?;
        let priority = given.unwrap_or(priority);
        out.push(Template { pattern: Some(pattern), name: name.clone(), mode: mode.clone(), priority, body });
    }
    Ok(())
}

fn variable(element: Element<'_>) -> Compiled<Variable> {
    let Some(name) = element.given("name") else { return at(element, "the attribute name is missing") };
    let select = match element.attribute("select") {
        Some(text) => Some(expr(element, text)?),
        None => None,
    };
    Ok(Variable { name: name.to_owned(), select, body: body(element)?, parameter: element.name() == "param" })
}

fn avt(element: Element<'_>, text: &str) -> Compiled<Avt> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.peek() == Some(&'{') => {
                chars.next();
                literal.push('{');
            }
            '}' if chars.peek() == Some(&'}') => {
                chars.next();
                literal.push('}');
            }
            '{' => {
                let mut source = String::new();
                let mut quote = None;
                loop {
                    match chars.next() {
                        None => return at(element, format!("a brace of {text:?} is not closed")),
                        Some('}') if quote.is_none() => break,
                        Some(c) => {
                            if quote == Some(c) {
                                quote = None;
                            } else if quote.is_none() && matches!(c, '\'' | '"') {
                                quote = Some(c);
                            }
                            source.push(c);
                        }
                    }
                }
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Expr(expr(element, &source)?));
            }
            other => literal.push(other),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Avt(parts))
}

fn body(element: Element<'_>) -> Compiled<Vec<Instruction>> {
    let document = element.document;
    let mut out = Vec::new();
    for id in document.children(element.id) {
        match document.kind(id) {
            Kind::Text(text) if !text.trim().is_empty() => out.push(Instruction::Text(text.to_string())),
            Kind::Element(_) => {
                let child = Element { document, id };
                if child.namespace() != XSL {
                    out.push(literal(child)?);
                } else if let Some(instruction) = instruction(child)? {
                    out.push(instruction);
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

fn literal(element: Element<'_>) -> Compiled<Instruction> {
    let Some(data) = element.document.element(element.id) else { return at(element, "is not an element") };
    let mut attributes = Vec::new();
    for attribute in &data.attributes {
        if &*attribute.name.namespace != XSL {
            attributes.push((attribute.name.clone(), avt(element, &attribute.value)?));
        }
    }
    Ok(Instruction::Literal { name: data.name.clone(), attributes, body: body(element)? })
}

fn sorts(element: Element<'_>) -> Compiled<Vec<Sort>> {
    let all = element.children_named("sort").filter(|child| child.namespace() == XSL);
    all.map(|child| {
        Ok(Sort {
            select: expr(child, child.attribute("select").unwrap_or("."))?,
            numeric: child.given("data-type") == Some("number"),
            descending: child.given("order") == Some("descending"),
        })
    })
    .collect()
}

fn with_params(element: Element<'_>) -> Compiled<Vec<Variable>> {
    element.children_named("with-param").filter(|child| child.namespace() == XSL).map(variable).collect()
}

fn instruction(element: Element<'_>) -> Compiled<Option<Instruction>> {
    let named = |attribute: &str| match element.attribute(attribute) {
        Some(text) => avt(element, text),
        None => at(element, format!("the attribute {attribute} is missing")),
    };
    let namespace = || element.attribute("namespace").map(|text| avt(element, text)).transpose();
    Ok(Some(match element.name() {
        "text" => Instruction::Text(element.text()),
        "value-of" => Instruction::ValueOf(required(element, "select")?),
        "copy-of" => Instruction::CopyOf(required(element, "select")?),
        "copy" => Instruction::Copy(body(element)?),
        "apply-templates" => Instruction::Apply {
            select: element.attribute("select").map(|text| expr(element, text)).transpose()?,
            mode: element.given("mode").map(str::to_owned),
            sorts: sorts(element)?,
            with: with_params(element)?,
        },
        "call-template" => match element.given("name") {
            Some(name) => Instruction::Call { name: name.to_owned(), with: with_params(element)? },
            None => return at(element, "the attribute name is missing"),
        },
        "for-each" => {
            Instruction::ForEach { select: required(element, "select")?, sorts: sorts(element)?, body: body(element)? }
        }
        "if" => Instruction::If(required(element, "test")?, body(element)?),
        "choose" => {
            let whens = element.children_named("when").map(|when| Ok((required(when, "test")?, body(when)?)));
            Instruction::Choose {
                whens: whens.collect::<Compiled<Vec<_>>>()?,
                otherwise: element.child("otherwise").map(body).transpose()?.unwrap_or_default(),
            }
        }
        "element" => Instruction::Element {
            name: named("name")?,
            namespace: namespace()?,
            prefixes: element.namespaces(),
            body: body(element)?,
        },
        "attribute" => Instruction::Attribute {
            name: named("name")?,
            namespace: namespace()?,
            prefixes: element.namespaces(),
            body: body(element)?,
        },
        "comment" => Instruction::Comment(body(element)?),
        "processing-instruction" => Instruction::Processing(named("name")?, body(element)?),
        "variable" | "param" => Instruction::Variable(variable(element)?),
        "message" => {
            Instruction::Message { terminate: element.given("terminate") == Some("yes"), body: body(element)? }
        }
        "sort" | "with-param" | "fallback" => return Ok(None),
        other => return at(element, format!("{other} is not available")),
    }))
}
