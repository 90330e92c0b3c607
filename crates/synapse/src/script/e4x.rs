//! XML literals and the operators of E4X, which old scripts are full of, as JavaScript of today.

/// Translates: `<a>{x}</a>` becomes a text, `x..*::a` a call that looks for descendants.
pub(super) fn translate(source: &str) -> Result<String, String> {
    let chars: Vec<char> = source.chars().collect();
    let mut translator = Translator { chars, at: 0, out: String::new() };
    translator.run()?;
    Ok(translator.out)
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
}

impl Translator {
    fn ahead(&self, by: usize) -> char {
        self.chars.get(self.at + by).copied().unwrap_or('\0')
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(by, c)| self.ahead(by) == c)
    }

    fn run(&mut self) -> Result<(), String> {
        while self.at < self.chars.len() {
            let c = self.ahead(0);
            if c == '"' || c == '\'' || c == '`' {
                self.copy_quoted(c);
            } else if self.starts("//") || self.starts("/*") {
                self.copy_comment();
            } else if c == '<' && self.literal_may_begin() && (self.ahead(1).is_alphabetic() || self.ahead(1) == '>') {
                self.literal()?;
            } else if self.starts("...") {
                self.out.push_str("...");
                self.at += 3;
            } else if c != '.' || !self.operator() {
                self.out.push(c);
                self.at += 1;
            }
        }
        Ok(())
    }

    fn copy_quoted(&mut self, quote: char) {
        self.out.push(quote);
        self.at += 1;
        while self.at < self.chars.len() {
            let c = self.ahead(0);
            self.out.push(c);
            self.at += 1;
            if c == '\\' {
                self.out.push(self.ahead(0));
                self.at += 1;
            } else if c == quote {
                return;
            }
        }
    }

    fn copy_comment(&mut self) {
        let block = self.starts("/*");
        while self.at < self.chars.len() {
            let ends = if block { self.starts("*/") } else { self.ahead(0) == '\n' };
            self.out.push(self.ahead(0));
            self.at += 1;
            if ends {
                if block {
                    self.out.push(self.ahead(0));
                    self.at += 1;
                }
                return;
            }
        }
    }

    /// True where an operand is wanted, so that `<` is not a comparison.
    fn literal_may_begin(&self) -> bool {
        let before = self.out.trim_end();
        match before.chars().next_back() {
            None => true,
            Some(c) if "(=,:[!&|?{;+".contains(c) => true,
            Some(_) => before.ends_with("return"),
        }
    }

    /// `..*::a`, `..a`, `.*::a`, `.@a`
    fn operator(&mut self) -> bool {
        let (function, mut skip) = if self.starts("..@") || self.starts(".@") {
            ("$a", if self.starts("..@") { 3 } else { 2 })
        } else if self.starts("..*::") {
            ("$d", 5)
        } else if self.starts("..*") {
            self.out.push_str(".$d(\"*\")");
            self.at += 3;
            return true;
        } else if self.starts(".*::") {
            ("$c", 4)
        } else if self.starts("..") {
            ("$d", 2)
        } else {
            return false;
        };
        let begin = skip;
        while self.ahead(skip).is_alphanumeric() || matches!(self.ahead(skip), '_' | '-') && skip > begin {
            skip += 1;
        }
        if skip == begin {
            return false;
        }
        let name: String = self.chars.iter().skip(self.at + begin).take(skip - begin).collect();
        self.out.push_str(&format!(".{function}(\"{name}\")"));
        self.at += skip;
        true
    }

    fn literal(&mut self) -> Result<(), String> {
        self.out.push_str("$xml(`");
        let mut depth = 0_usize;
        loop {
            if self.at >= self.chars.len() {
                return Err("an XML literal is not closed".to_owned());
            }
            if self.starts("</") {
                depth = depth.saturating_sub(1);
                self.tag()?;
                if depth == 0 {
                    break;
                }
            } else if self.ahead(0) == '<' {
                let empty = self.tag()?;
                if !empty {
                    depth += 1;
                } else if depth == 0 {
                    break;
                }
            } else if self.ahead(0) == '{' {
                self.expression("$value")?;
            } else {
                self.push_raw();
            }
        }
        self.out.push_str("`)");
        Ok(())
    }

    fn push_raw(&mut self) {
        let c = self.ahead(0);
        if matches!(c, '`' | '\\' | '$') {
            self.out.push('\\');
        }
        self.out.push(c);
        self.at += 1;
    }

    /// Copies a tag; true for one that closes itself.
    fn tag(&mut self) -> Result<bool, String> {
        let mut quote = None;
        while self.at < self.chars.len() {
            let c = self.ahead(0);
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '{') => {
                    self.out.push('"');
                    self.expression("$escape")?;
                    self.out.push('"');
                    continue;
                }
                (None, '>') => {
                    let empty = self.chars.get(self.at.wrapping_sub(1)) == Some(&'/');
                    self.push_raw();
                    return Ok(empty);
                }
                _ => {}
            }
            self.push_raw();
        }
        Err("an XML literal is not closed".to_owned())
    }

    fn expression(&mut self, function: &str) -> Result<(), String> {
        let mut depth = 0_usize;
        let mut inner = String::new();
        while self.at < self.chars.len() {
            let c = self.ahead(0);
            self.at += 1;
            match c {
                '{' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        let inner = translate(&inner)?;
                        self.out.push_str(&format!("${{{function}({inner})}}"));
                        return Ok(());
                    }
                }
                _ => {}
            }
            inner.push(c);
        }
        Err("a brace of an XML literal is not closed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn literals_and_operators() {
        for (source, expected) in [
            ("f(<a b={c}>{d.e()}</a>);", "f($xml(`<a b=\"${$escape(c)}\">${$value(d.e())}</a>`));"),
            ("x = mc.getPayloadXML()..*::Code.toString();", "x = mc.getPayloadXML().$d(\"Code\").toString();"),
            ("for (i = 0; i < n; i++) { if (a<b) {} }", "for (i = 0; i < n; i++) { if (a<b) {} }"),
            ("s = '<a>'; // <b>", "s = '<a>'; // <b>"),
            ("x = <a/>;", "x = $xml(`<a/>`);"),
            ("f(...list)", "f(...list)"),
        ] {
            assert_eq!(translate(source).unwrap(), expected);
        }
        assert!(translate("x = <a>").is_err());
    }
}
