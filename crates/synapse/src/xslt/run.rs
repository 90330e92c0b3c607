//! Running stylesheets.

use std::sync::Arc;

use super::{Avt, Instruction, Part, Sort, Stylesheet, Template, Variable};
use crate::flow::{Budget, Failure};
use crate::value::{Value, number_text, parse_number};
use crate::xml::{Document, Kind, Name, NodeId};
use crate::xpath::{Context, Environment, Evaluator, Expr, NodeRef, XValue, attribute_of};

const DEPTH: u32 = 150;

type Outcome<T = ()> = Result<T, Failure>;

struct Outside<'a> {
    scopes: &'a [(String, XValue)],
    current: NodeRef,
    budget: &'a Budget,
}

impl Environment for Outside<'_> {
    fn variable(&mut self, _: &mut Vec<Arc<Document>>, _: &str, name: &str) -> Result<XValue, Failure> {
        let found = self.scopes.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| Failure::new(format!("there is no variable ${name}")))
    }

    fn function(
        &mut self,
        documents: &mut Vec<Arc<Document>>,
        context: Context,
        name: &str,
        arguments: &[XValue],
    ) -> Result<Option<XValue>, Failure> {
        let text = |value: &XValue| match value {
            XValue::Text(text) => text.clone(),
            XValue::Number(number) => number_text(*number),
            XValue::Boolean(value) => value.to_string(),
            XValue::Nodes(nodes) => nodes
                .first()
                .and_then(|node| documents.get(node.document as usize).map(|document| document.text(node.id)))
                .unwrap_or_default(),
        };
        Ok(Some(match name {
            "current" => XValue::Nodes(vec![self.current]),
            "generate-id" => {
                let node = match arguments.first() {
                    Some(XValue::Nodes(nodes)) => nodes.first().copied(),
                    _ => Some(context.node),
                };
                XValue::Text(
                    node.map(|n| format!("d{}n{:?}a{}", n.document, n.id, n.attribute).replace(['(', ')'], ""))
                        .unwrap_or_default(),
                )
            }
            "system-property" => XValue::Text(match arguments.first().map(text).as_deref() {
                Some("xsl:version") => "1.0".to_owned(),
                Some("xsl:vendor") => "Portcullis".to_owned(),
                _ => String::new(),
            }),
            "format-number" => {
                let number = match arguments.first() {
                    Some(XValue::Number(number)) => *number,
                    Some(other) => parse_number(&text(other)),
                    None => f64::NAN,
                };
                XValue::Text(format_number(number, &arguments.get(1).map(text).unwrap_or_default()))
            }
            "element-available" | "function-available" => XValue::Boolean(false),
            _ => return Ok(None),
        }))
    }

    fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        if self.budget.spend(steps) { Ok(()) } else { Err(Failure::new("the transformation needs too many steps")) }
    }
}

/// `#,##0.00`: grouping, the least and most digits.
fn format_number(number: f64, picture: &str) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let picture = picture.split(';').next().unwrap_or_default();
    let percent = picture.contains('%');
    let number = if percent { number * 100.0 } else { number };
    let core: String = picture.chars().filter(|c| "#0,.".contains(*c)).collect();
    let (whole, fraction) = core.split_once('.').unwrap_or((&core, ""));
    let least = fraction.chars().filter(|c| *c == '0').count();
    let most = fraction.len().min(20);
    let text = format!("{:.most$}", number.abs());
    let (digits, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let mut decimals = decimals.to_owned();
    while decimals.len() > least && decimals.ends_with('0') {
        decimals.pop();
    }
    let wanted = whole.chars().filter(|c| *c == '0').count();
    let mut digits = if wanted == 0 && digits == "0" && !decimals.is_empty() {
        String::new()
    } else {
        format!("{digits:0>wanted$}")
    };
    if let Some(group) = whole.rfind(',').map(|at| whole.len() - at - 1).filter(|group| *group > 0) {
        let mut grouped = String::new();
        for (index, c) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % group == 0 {
                grouped.push(',');
            }
            grouped.push(c);
        }
        digits = grouped;
    }
    let prefix: String = picture.chars().take_while(|c| !"#0,.".contains(*c)).collect();
    let suffix: String = picture.chars().rev().take_while(|c| !"#0,.".contains(*c)).collect();
    let suffix: String = suffix.chars().rev().collect();
    let point = if decimals.is_empty() { "" } else { "." };
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{prefix}{digits}{point}{decimals}{suffix}")
}

struct Runner<'a> {
    sheet: &'a Stylesheet,
    documents: Vec<Arc<Document>>,
    scopes: Vec<(String, XValue)>,
    budget: &'a Budget,
    out: Document,
    at: NodeId,
    depth: u32,
}

pub(super) fn transform(
    sheet: &Stylesheet,
    source: Arc<Document>,
    parameters: &[(String, Value)],
    budget: &Budget,
) -> Outcome<Document> {
    let source = strip(sheet, source);
    let mut runner = Runner {
        sheet,
        documents: vec![source],
        scopes: Vec::new(),
        budget,
        out: Document::new(),
        at: NodeId::DOCUMENT,
        depth: 0,
    };
    let context = Context::at(NodeRef::node(0, NodeId::DOCUMENT));
    for global in &sheet.globals {
        let given = parameters.iter().find(|(name, _)| global.parameter && *name == global.name);
        let value = match given {
            Some((_, Value::Xml(document))) => runner.fragment(Arc::clone(document)),
            Some((_, Value::Integer(value))) => XValue::Number(*value as f64),
            Some((_, Value::Double(value))) => XValue::Number(*value),
            Some((_, Value::Boolean(value))) => XValue::Boolean(*value),
            Some((_, value)) => XValue::Text(value.as_text()),
            None => runner.value_of(global, context)?,
        };
        runner.scopes.push((global.name.clone(), value));
    }
    runner.apply(&[context.node], None, &[])?;
    let mut out = runner.out;
    out.compact();
    Ok(out)
}

/// The source without the blank text that `xsl:strip-space` names.
fn strip(sheet: &Stylesheet, source: Arc<Document>) -> Arc<Document> {
    if sheet.strip.is_empty() {
        return source;
    }
    let mut copy = (*source).clone();
    let all = sheet.strip.iter().any(|name| name == "*");
    for id in source.descendants(NodeId::DOCUMENT) {
        if let Kind::Text(text) = source.kind(id)
            && text.trim().is_empty()
            && let Some(parent) = source.parent(id)
            && (all || sheet.strip.iter().any(|name| name == source.local_name(parent)))
        {
            copy.detach(id);
        }
    }
    copy.compact();
    Arc::new(copy)
}

/// Sorts nodes by their keys; equal ones stay in order.
fn order(keyed: &mut [(Vec<String>, NodeRef)], sorts: &[Sort]) {
    keyed.sort_by(|(left, _), (right, _)| {
        for (sort, (a, b)) in sorts.iter().zip(left.iter().zip(right)) {
            let order = if sort.numeric { parse_number(a).total_cmp(&parse_number(b)) } else { a.cmp(b) };
            let order = if sort.descending { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        std::cmp::Ordering::Equal
    });
}

impl<'s> Runner<'s> {
    fn with<T>(&mut self, current: NodeRef, work: impl FnOnce(&mut Evaluator<'_>) -> Outcome<T>) -> Outcome<T> {
        let mut outside = Outside { scopes: &self.scopes, current, budget: self.budget };
        let mut evaluator = Evaluator { documents: std::mem::take(&mut self.documents), environment: &mut outside };
        let result = work(&mut evaluator);
        self.documents = evaluator.documents;
        result
    }

    fn evaluate(&mut self, expr: &Expr, context: Context) -> Outcome<XValue> {
        self.with(context.node, |evaluator| evaluator.evaluate(expr, context))
    }

    fn text(&mut self, expr: &Expr, context: Context) -> Outcome<String> {
        self.with(context.node, |evaluator| {
            let value = evaluator.evaluate(expr, context)?;
            Ok(evaluator.text(&value))
        })
    }

    fn truth(&mut self, expr: &Expr, context: Context) -> Outcome<bool> {
        self.with(context.node, |evaluator| {
            let value = evaluator.evaluate(expr, context)?;
            Ok(evaluator.boolean(&value))
        })
    }

    fn nodes(&mut self, expr: &Expr, context: Context) -> Outcome<Vec<NodeRef>> {
        match self.evaluate(expr, context)? {
            XValue::Nodes(nodes) => Ok(nodes),
            _ => Err(Failure::new("the selection is not a list of nodes")),
        }
    }

    fn avt(&mut self, avt: &Avt, context: Context) -> Outcome<String> {
        let mut out = String::new();
        for part in &avt.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => out.push_str(&self.text(expr, context)?),
            }
        }
        Ok(out)
    }

    fn fragment(&mut self, document: Arc<Document>) -> XValue {
        let index = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        self.documents.push(document);
        XValue::Nodes(vec![NodeRef::node(index, NodeId::DOCUMENT)])
    }

    fn value_of(&mut self, variable: &Variable, context: Context) -> Outcome<XValue> {
        match &variable.select {
            Some(select) => self.evaluate(select, context),
            None if variable.body.is_empty() => Ok(XValue::Text(String::new())),
            None => {
                let made = self.aside(&variable.body, context)?;
                Ok(self.fragment(Arc::new(made)))
            }
        }
    }

    /// Runs instructions into a document of their own.
    fn aside(&mut self, body: &[Instruction], context: Context) -> Outcome<Document> {
        let out = std::mem::take(&mut self.out);
        let at = std::mem::replace(&mut self.at, NodeId::DOCUMENT);
        let result = self.run(body, context);
        let mut made = std::mem::replace(&mut self.out, out);
        self.at = at;
        result?;
        made.compact();
        Ok(made)
    }

    fn apply(&mut self, nodes: &[NodeRef], mode: Option<&str>, with: &[(String, XValue)]) -> Outcome {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Failure::new(format!("templates are nested deeper than {DEPTH}; do they call themselves?")));
        }
        for (index, node) in nodes.iter().enumerate() {
            let context = Context { node: *node, position: index + 1, size: nodes.len() };
            match self.find(*node, mode)? {
                Some(template) => self.enter(template, context, with)?,
                None => self.built_in(*node, mode)?,
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn find(&mut self, node: NodeRef, mode: Option<&str>) -> Outcome<Option<&'s Template>> {
        let sheet = self.sheet;
        let mut best: Option<&'s Template> = None;
        for template in &sheet.templates {
            let Some(pattern) = template.pattern.as_ref().filter(|_| template.mode.as_deref() == mode) else {
                continue;
            };
            // Of equal priorities the last in the stylesheet wins.
            if best.is_none_or(|best| template.priority >= best.priority)
                && self.with(node, |evaluator| pattern.matches(evaluator, node))?
            {
                best = Some(template);
            }
        }
        Ok(best)
    }

    fn enter(&mut self, template: &Template, context: Context, with: &[(String, XValue)]) -> Outcome {
        let mark = self.scopes.len();
        let globals = self.sheet.globals.len().min(mark);
        // A template sees globals and its own, not the variables of its caller.
        let hidden = self.scopes.split_off(globals);
        let result = self.run_with(&template.body, context, with);
        self.scopes.truncate(globals);
        self.scopes.extend(hidden);
        result
    }

    fn built_in(&mut self, node: NodeRef, mode: Option<&str>) -> Outcome {
        let Some(document) = self.documents.get(node.document as usize).cloned() else { return Ok(()) };
        if let Some(attribute) = attribute_of(&document, node) {
            let text = attribute.value.to_string();
            self.out.append_text(self.at, &text);
            return Ok(());
        }
        match document.kind(node.id) {
            Kind::Text(text) => {
                self.out.append_text(self.at, text);
                Ok(())
            }
            Kind::Document | Kind::Element(_) => {
                let children: Vec<NodeRef> =
                    document.children(node.id).map(|id| NodeRef::node(node.document, id)).collect();
                self.apply(&children, mode, &[])
            }
            _ => Ok(()),
        }
    }

    fn run(&mut self, body: &[Instruction], context: Context) -> Outcome {
        self.run_with(body, context, &[])
    }

    fn run_with(&mut self, body: &[Instruction], context: Context, with: &[(String, XValue)]) -> Outcome {
        let mark = self.scopes.len();
        for instruction in body {
            if !self.budget.spend(1) {
                return Err(Failure::new("the transformation needs too many steps"));
            }
            match instruction {
                Instruction::Variable(variable) => {
                    let given = with.iter().find(|(name, _)| variable.parameter && *name == variable.name);
                    let value = match given {
                        Some((_, value)) => value.clone(),
                        None => self.value_of(variable, context)?,
                    };
                    self.scopes.push((variable.name.clone(), value));
                }
                other => self.one(other, context)?,
            }
        }
        self.scopes.truncate(mark);
        Ok(())
    }

    fn parameters(&mut self, with: &[Variable], context: Context) -> Outcome<Vec<(String, XValue)>> {
        with.iter().map(|variable| Ok((variable.name.clone(), self.value_of(variable, context)?))).collect()
    }

    fn one(&mut self, instruction: &Instruction, context: Context) -> Outcome {
        match instruction {
            Instruction::Text(text) => self.out.append_text(self.at, text),
            Instruction::ValueOf(expr) => {
                let text = self.text(expr, context)?;
                self.out.append_text(self.at, &text);
            }
            Instruction::If(test, body) => {
                if self.truth(test, context)? {
                    self.run(body, context)?;
                }
            }
            Instruction::Choose { whens, otherwise } => {
                for (test, body) in whens {
                    if self.truth(test, context)? {
                        return self.run(body, context);
                    }
                }
                self.run(otherwise, context)?;
            }
            Instruction::ForVariable { name, select, condition, sorts, body } => {
                let nodes = self.nodes(select, context)?;
                let mut kept = Vec::new();
                for node in nodes {
                    self.scopes.push((name.clone(), XValue::Nodes(vec![node])));
                    let wanted = match condition {
                        Some(condition) => self.truth(condition, context),
                        None => Ok(true),
                    };
                    let keys = sorts.iter().map(|sort| self.text(&sort.select, context)).collect::<Outcome<Vec<_>>>();
                    self.scopes.pop();
                    if wanted? {
                        kept.push((keys?, node));
                    }
                }
                order(&mut kept, sorts);
                for (_, node) in kept {
                    self.scopes.push((name.clone(), XValue::Nodes(vec![node])));
                    let result = self.run(body, context);
                    self.scopes.pop();
                    result?;
                }
            }
            Instruction::ForEach { select, sorts, body } => {
                let nodes = self.nodes(select, context)?;
                let nodes = self.sorted(nodes, sorts)?;
                for (index, node) in nodes.iter().enumerate() {
                    self.run(body, Context { node: *node, position: index + 1, size: nodes.len() })?;
                }
            }
            Instruction::Apply { select, mode, sorts, with } => {
                let nodes = match select {
                    Some(select) => self.nodes(select, context)?,
                    None => {
                        let document = self.documents.get(context.node.document as usize).cloned().unwrap_or_default();
                        document.children(context.node.id).map(|id| NodeRef::node(context.node.document, id)).collect()
                    }
                };
                let nodes = self.sorted(nodes, sorts)?;
                let with = self.parameters(with, context)?;
                self.apply(&nodes, mode.as_deref(), &with)?;
            }
            Instruction::Call { name, with } => {
                let sheet = self.sheet;
                let found = sheet.templates.iter().find(|template| template.name.as_deref() == Some(name));
                let template = found.ok_or_else(|| Failure::new(format!("there is no template {name}")))?;
                let with = self.parameters(with, context)?;
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(Failure::new(format!(
                        "templates are nested deeper than {DEPTH}; do they call themselves?"
                    )));
                }
                self.enter(template, context, &with)?;
                self.depth -= 1;
            }
            Instruction::Message { terminate, body } => {
                let text = self.aside(body, context)?.text(NodeId::DOCUMENT);
                if *terminate {
                    return Err(Failure::new(format!("the stylesheet ended with: {text}")));
                }
            }
            other => self.build(other, context)?,
        }
        Ok(())
    }

    fn sorted(&mut self, nodes: Vec<NodeRef>, sorts: &[Sort]) -> Outcome<Vec<NodeRef>> {
        if sorts.is_empty() {
            return Ok(nodes);
        }
        let size = nodes.len();
        let mut keyed = Vec::with_capacity(size);
        for (index, node) in nodes.into_iter().enumerate() {
            let context = Context { node, position: index + 1, size };
            let keys = sorts.iter().map(|sort| self.text(&sort.select, context)).collect::<Outcome<Vec<_>>>()?;
            keyed.push((keys, node));
        }
        order(&mut keyed, sorts);
        Ok(keyed.into_iter().map(|(_, node)| node).collect())
    }

    fn build(&mut self, instruction: &Instruction, context: Context) -> Outcome {
        let parent = self.at;
        match instruction {
            Instruction::Literal { name, attributes, body } => {
                let id = self.out.append_element(parent, name.clone());
                for (name, value) in attributes {
                    let value = self.avt(value, context)?;
                    self.set_attribute(id, name.clone(), &value);
                }
                self.inside(id, body, context)
            }
            Instruction::Element { name, namespace, prefixes, body } => {
                let name = self.name(name, namespace.as_ref(), prefixes, true, context)?;
                let id = self.out.append_element(parent, name);
                self.inside(id, body, context)
            }
            Instruction::Attribute { name, namespace, prefixes, body } => {
                let name = self.name(name, namespace.as_ref(), prefixes, false, context)?;
                let value = self.aside(body, context)?.text(NodeId::DOCUMENT);
                self.set_attribute(parent, name, &value);
                Ok(())
            }
            Instruction::Comment(body) => {
                let text = self.aside(body, context)?.text(NodeId::DOCUMENT).replace("--", "- -");
                self.out.append(parent, Kind::Comment(text.into()));
                Ok(())
            }
            Instruction::Processing(name, body) => {
                let name = self.avt(name, context)?;
                let text = self.aside(body, context)?.text(NodeId::DOCUMENT).replace("?>", "? >");
                self.out.append(parent, Kind::Instruction(name.into(), text.into()));
                Ok(())
            }
            Instruction::CopyOf(expr) => {
                match self.evaluate(expr, context)? {
                    XValue::Nodes(nodes) => nodes.into_iter().for_each(|node| self.copy(node)),
                    other => {
                        let text = self.with(context.node, |evaluator| Ok(evaluator.text(&other)))?;
                        self.out.append_text(parent, &text);
                    }
                }
                Ok(())
            }
            Instruction::Copy(body) => {
                let document = self.documents.get(context.node.document as usize).cloned().unwrap_or_default();
                match document.kind(context.node.id) {
                    Kind::Element(element) if context.node.attribute == 0 => {
                        let id = self.out.append_element(parent, element.name.clone());
                        self.inside(id, body, context)
                    }
                    Kind::Document => self.run(body, context),
                    _ => {
                        self.copy(context.node);
                        Ok(())
                    }
                }
            }
            _ => Ok(()),
        }
    }

    fn inside(&mut self, id: NodeId, body: &[Instruction], context: Context) -> Outcome {
        let before = std::mem::replace(&mut self.at, id);
        let result = self.run(body, context);
        self.at = before;
        result
    }

    fn set_attribute(&mut self, id: NodeId, name: Name, value: &str) {
        let known = self.out.lookup(id, &name.prefix);
        if !name.namespace.is_empty()
            && known.as_deref() != Some(&*name.namespace)
            && let Some(element) = self.out.element_mut(id)
        {
            element.declarations.push((Arc::clone(&name.prefix), Arc::clone(&name.namespace)));
        }
        self.out.set_attribute(id, name, value);
    }

    fn name(
        &mut self,
        name: &Avt,
        namespace: Option<&Avt>,
        prefixes: &crate::xpath::Namespaces,
        of_element: bool,
        context: Context,
    ) -> Outcome<Name> {
        let qualified = self.avt(name, context)?;
        let (prefix, local) = qualified.split_once(':').unwrap_or(("", &qualified));
        let valid = local.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && local.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        if !valid {
            return Err(Failure::new(format!("{qualified:?} is not the name of an element or attribute")));
        }
        let uri = match namespace {
            Some(namespace) => self.avt(namespace, context)?,
            None if prefix.is_empty() && !of_element => String::new(),
            None => prefixes
                .iter()
                .find(|(known, _)| &**known == prefix)
                .map(|(_, uri)| uri.to_string())
                .unwrap_or_default(),
        };
        let prefix = if uri.is_empty() {
            ""
        } else if prefix.is_empty() && !of_element {
            "ns"
        } else {
            prefix
        };
        Ok(Name::new(prefix, local, &uri))
    }

    fn copy(&mut self, node: NodeRef) {
        let document = self.documents.get(node.document as usize).cloned().unwrap_or_default();
        match attribute_of(&document, node) {
            Some(attribute) => {
                let (name, value) = (attribute.name.clone(), attribute.value.to_string());
                self.set_attribute(self.at, name, &value);
            }
            None => {
                self.out.append_copy(self.at, &document, node.id);
            }
        }
    }
}
