//! Custom rules: the shape of Siddhi query that WSO2 documents for them, compiled to a limit.
//!
//! ```text
//! FROM RequestStream
//! SELECT userId, ( apiContext == '/pizza/1.0.0' and userId == 'bob@carbon.super' ) AS isEligible,
//!        str:concat(apiContext, ':', userId) AS throttleKey
//! INSERT INTO EligibilityStream;
//! FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min)
//! SELECT throttleKey, (count(userId) >= 5) AS isThrottled, expiryTimeStamp GROUP BY throttleKey
//! INSERT ALL EVENTS INTO ResultStream;
//! ```
//!
//! No query engine runs: eligibility, window and amount are read, the key comes from the key template. What has another
//! shape is refused when it is created, with the reason, rather than kept and never applied.

use model::snapshot::{CallField, CustomLimit, Eligibility, KeyPart, Quota, QuotaUnit};

use super::unit_seconds;

/// Longest query and key template, bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting of brackets in a condition.
const MAX_DEPTH: usize = 32;

/// Compiles a rule.
///
/// # Errors
/// Which part is not understood, and what would be.
pub(crate) fn compile(name: &str, query: &str, template: &str) -> Result<CustomLimit, String> {
    if query.len() > MAX_BYTES || template.len() > MAX_BYTES {
        return Err(format!("siddhiQuery, keyTemplate: at most {MAX_BYTES} bytes each."));
    }
    let tokens = tokens(query)?;
    let key = key(template)?;
    let eligible = match position(&tokens, &["as", "iseligible"]) {
        None => Eligibility::Always,
        Some(end) => eligibility(tokens.get(..end).unwrap_or_default())?,
    };
    let (amount, window_seconds) = (amount(&tokens)?, window(&tokens)?);
    Ok(CustomLimit {
        name: name.to_owned(),
        key,
        eligible,
        quota: Quota { amount, unit: QuotaUnit::Requests, window_seconds },
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Identifier, keyword or number; case is kept.
    Word(String),
    /// Quoted text.
    Text(String),
    /// Punctuation.
    Sign(&'static str),
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Self::Sign(own) if *own == sign)
    }
}

const SIGNS: [&str; 18] =
    ["==", "!=", ">=", "<=", "(", ")", "[", "]", ",", ";", "#", ":", ">", "<", "+", "-", "*", "/"];

fn tokens(query: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if first == '\'' || first == '"' {
            let body = rest.get(1..).unwrap_or_default();
            let end = body.find(first).ok_or("siddhiQuery: a quoted text has no end.")?;
            found.push(Token::Text(body.get(..end).unwrap_or_default().to_owned()));
            rest = body.get(end + 1..).unwrap_or_default();
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
            found.push(Token::Word(rest.get(..end).unwrap_or_default().to_owned()));
            rest = rest.get(end..).unwrap_or_default();
        } else {
            return Err(format!("siddhiQuery: {first:?} is not understood."));
        }
        rest = rest.trim_start();
    }
    Ok(found)
}

/// Where these words follow each other.
fn position(tokens: &[Token], words: &[&str]) -> Option<usize> {
    tokens.windows(words.len()).position(|window| window.iter().zip(words).all(|(token, word)| token.is_word(word)))
}

/// The selected expression that ends here: back to the comma or `SELECT` before it, outside brackets.
fn eligibility(tokens: &[Token]) -> Result<Eligibility, String> {
    let mut depth = 0_usize;
    let mut start = tokens.len();
    for (at, token) in tokens.iter().enumerate().rev() {
        if token.is_sign(")") {
            depth += 1;
        } else if token.is_sign("(") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && (token.is_sign(",") || token.is_word("select")) {
            break;
        }
        start = at;
    }
    let mut reader = Reader { tokens: tokens.get(start..).unwrap_or_default(), depth: 0 };
    let condition = reader.any()?;
    if reader.tokens.is_empty() { Ok(condition) } else { Err(reader.stuck()) }
}

struct Reader<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl Reader<'_> {
    fn stuck(&self) -> String {
        let at = match self.tokens.first() {
            None => "at the end".to_owned(),
            Some(Token::Word(word)) => format!("at {word}"),
            Some(Token::Text(text)) => format!("at '{text}'"),
            Some(Token::Sign(sign)) => format!("at {sign}"),
        };
        format!("siddhiQuery: the condition of isEligible is not understood {at}. Use field == 'value', and, or, not.")
    }

    fn take(&mut self, fits: impl Fn(&Token) -> bool) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if fits(first) => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Eligibility, String> {
        let mut parts = vec![self.all()?];
        while self.take(|t| t.is_word("or")) {
            parts.push(self.all()?);
        }
        Ok(single(parts, Eligibility::Any))
    }

    fn all(&mut self) -> Result<Eligibility, String> {
        let mut parts = vec![self.one()?];
        while self.take(|t| t.is_word("and")) {
            parts.push(self.one()?);
        }
        Ok(single(parts, Eligibility::All))
    }

    fn one(&mut self) -> Result<Eligibility, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("siddhiQuery: brackets are nested more than {MAX_DEPTH} deep."));
        }
        let found = if self.take(|t| t.is_word("not")) {
            Eligibility::Not(Box::new(self.one()?))
        } else if self.take(|t| t.is_sign("(")) {
            let inner = self.any()?;
            if !self.take(|t| t.is_sign(")")) {
                return Err(self.stuck());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Eligibility, String> {
        let [Token::Word(word), rest @ ..] = self.tokens else { return Err(self.stuck()) };
        if word.eq_ignore_ascii_case("true") {
            self.tokens = rest;
            return Ok(Eligibility::Always);
        }
        let field = field(word).ok_or_else(|| unknown(word, "siddhiQuery"))?;
        let [Token::Sign(sign @ ("==" | "!=")), Token::Text(value), rest @ ..] = rest else {
            return Err(self.stuck());
        };
        let (equal, value) = (*sign == "==", value.clone());
        self.tokens = rest;
        let found = Eligibility::Equals(field, value);
        Ok(if equal { found } else { Eligibility::Not(Box::new(found)) })
    }
}

fn single(mut parts: Vec<Eligibility>, several: fn(Vec<Eligibility>) -> Eligibility) -> Eligibility {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => Eligibility::Always,
    }
}

fn field(name: &str) -> Option<CallField> {
    Some(match name {
        "userId" => CallField::UserId,
        "apiContext" => CallField::ApiContext,
        "apiVersion" => CallField::ApiVersion,
        "apiName" => CallField::ApiName,
        "apiTenant" => CallField::ApiTenant,
        "resourceKey" => CallField::ResourceKey,
        "appId" | "applicationId" => CallField::AppId,
        "appTenant" => CallField::AppTenant,
        "clientIp" | "ip" => CallField::ClientIp,
        _ => return None,
    })
}

fn unknown(name: &str, place: &str) -> String {
    format!(
        "{place}: {name} is not a property of a call. Known are userId, apiContext, apiVersion, apiName, apiTenant, \
         resourceKey, appId, appTenant and clientIp."
    )
}

/// `$apiContext:$userId` and the like.
fn key(template: &str) -> Result<Vec<KeyPart>, String> {
    let mut parts = Vec::new();
    let mut pieces = template.trim().split('$');
    let first = pieces.next().unwrap_or_default();
    if !first.is_empty() {
        parts.push(KeyPart::Text(first.to_owned()));
    }
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(piece.len());
        let (name, text) = piece.split_at_checked(end).unwrap_or((piece, ""));
        parts.push(KeyPart::Field(field(name).ok_or_else(|| unknown(&format!("${name}"), "keyTemplate"))?));
        if !text.is_empty() {
            parts.push(KeyPart::Text(text.to_owned()));
        }
    }
    Ok(parts)
}

/// `(count(x) >= 5) AS isThrottled`, `sum` alike.
fn amount(tokens: &[Token]) -> Result<u64, String> {
    let wrong = || "siddhiQuery: say how many calls are allowed as (count(userId) >= 5) AS isThrottled.".to_owned();
    let start = tokens.iter().position(|t| t.is_word("count")).ok_or_else(wrong)?;
    let [_, open, Token::Word(_), close, sign, Token::Word(number), ..] = tokens.get(start..).unwrap_or_default()
    else {
        return Err(wrong());
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    if !open.is_sign("(") || !close.is_sign(")") || position(tokens, &["as", "isthrottled"]).is_none() {
        return Err(wrong());
    }
    let allowed = match sign {
        Token::Sign(">=") => number,
        Token::Sign(">") => number.saturating_add(1),
        _ => return Err(wrong()),
    };
    if allowed == 0 {
        Err("siddhiQuery: at least one call is allowed; use a deny policy for none.".into())
    } else {
        Ok(allowed)
    }
}

/// `#throttler:timeBatch(1 min)` or `(1 min, 0)`.
fn window(tokens: &[Token]) -> Result<u64, String> {
    let wrong = || "siddhiQuery: say how long the window is as #throttler:timeBatch(1 min).".to_owned();
    let start = tokens.iter().position(|t| t.is_word("timeBatch")).ok_or_else(wrong)?;
    let [_, open, Token::Word(number), Token::Word(unit), end, ..] = tokens.get(start..).unwrap_or_default() else {
        return Err(wrong());
    };
    if !open.is_sign("(") || !(end.is_sign(")") || end.is_sign(",")) {
        return Err(wrong());
    }
    let number: u64 = number.parse().ok().filter(|n| (1..=1_000_000).contains(n)).ok_or_else(wrong)?;
    unit_seconds(unit).map(|seconds| seconds.saturating_mul(number)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::compile;
    use model::snapshot::{CallField, Eligibility, KeyPart};

    fn query(condition: &str) -> String {
        format!(
            "FROM RequestStream\nSELECT userId, apiContext, {condition} AS isEligible, \
             str:concat(apiContext, ':', userId) as throttleKey\nINSERT INTO EligibilityStream;\n\n\
             FROM EligibilityStream[isEligible==true]#throttler:timeBatch(1 min)\n\
             SELECT throttleKey, (count(userId) >= 5) as isThrottled, expiryTimeStamp group by throttleKey\n\
             INSERT ALL EVENTS into ResultStream;"
        )
    }

    #[test]
    fn the_documented_shape_compiles() {
        let condition = "( apiContext == '/a' or (apiContext == '/a/1.0.0' and not userId != 'bob@x') )";
        let limit = compile("r", &query(condition), "$apiContext:$userId").unwrap();
        assert_eq!((limit.quota.amount, limit.quota.window_seconds), (5, 60));
        let context = |value: &str| Eligibility::Equals(CallField::ApiContext, value.into());
        let bob = Eligibility::Equals(CallField::UserId, "bob@x".into());
        let not = |inner| Eligibility::Not(Box::new(inner));
        assert_eq!(
            limit.eligible,
            Eligibility::Any(vec![context("/a"), Eligibility::All(vec![context("/a/1.0.0"), not(not(bob))])])
        );
        assert_eq!(
            limit.key,
            [KeyPart::Field(CallField::ApiContext), KeyPart::Text(":".into()), KeyPart::Field(CallField::UserId)]
        );
        let hourly = query("true").replace("1 min", "2 hours, 0");
        assert_eq!(compile("r", &hourly, "all").unwrap().quota.window_seconds, 7200);
    }

    #[test]
    fn other_shapes_are_refused_with_the_reason() {
        for (query, template, reason) in [
            (query("userId matches 'x'"), "$userId", "isEligible"),
            (query("colour == 'red'"), "$userId", "colour is not a property"),
            (query("(userId == 'x'"), "$userId", "isEligible"),
            (query("userId == 'x"), "$userId", "quoted"),
            (query("userId == 'x'"), "$colour", "$colour is not a property"),
            (query("userId == 'x'").replace("count(userId) >= 5", "count(userId) < 5"), "$userId", "count"),
            (query("userId == 'x'").replace(">= 5", ">= 0"), "$userId", "at least one"),
            (query("userId == 'x'").replace("1 min", "1 blink"), "$userId", "timeBatch"),
            (query("userId == 'x'").replace("timeBatch", "length"), "$userId", "timeBatch"),
            (query(&format!("{}true{}", "(".repeat(40), ")".repeat(40))), "$userId", "nested"),
            ("FROM RequestStream SELECT `x`".to_owned(), "$userId", "not understood"),
            (String::new(), "$userId", "count"),
            ("x".repeat(17 * 1024), "$userId", "at most"),
        ] {
            let error = compile("r", &query, template).unwrap_err();
            assert!(error.contains(reason), "{error} should name {reason}");
        }
    }
}
