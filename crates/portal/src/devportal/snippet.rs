//! A call of an API as code, in six languages and with what each of them has on board.

/// One call.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// Method, upper case.
    pub(super) method: String,
    /// Whole URL, encoded.
    pub(super) url: String,
    /// Headers in order.
    pub(super) headers: Vec<(String, HeaderValue)>,
    /// Body, empty for none.
    pub(super) body: String,
}

/// What a header holds.
#[derive(Clone, Debug)]
pub(super) enum HeaderValue {
    /// This text.
    Text(String),
    /// A secret, which code reads from the environment: what stands before it, and the variable's name.
    Secret(&'static str, &'static str),
}

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Curl,
    Python,
    JavaScript,
    Java,
    Go,
    Rust,
}

impl Language {
    pub(super) const ALL: [Self; 6] = [Self::Curl, Self::Python, Self::JavaScript, Self::Java, Self::Go, Self::Rust];

    /// As people call it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::Java => "Java",
            Self::Go => "Go",
            Self::Rust => "Rust",
        }
    }

    /// In addresses.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Java => "java",
            Self::Go => "go",
            Self::Rust => "rust",
        }
    }

    /// The language of a key; curl for any other.
    pub(super) fn of(key: &str) -> Self {
        Self::ALL.into_iter().find(|language| language.key() == key).unwrap_or(Self::Curl)
    }
}

/// The call in a language.
pub(super) fn write(language: Language, request: &Request) -> String {
    match language {
        Language::Curl => curl(request),
        Language::Python => python(request),
        Language::JavaScript => javascript(request),
        Language::Java => java(request),
        Language::Go => go(request),
        Language::Rust => rust(request),
    }
}

/// For a POSIX shell: within single quotes only the single quote means anything.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A literal in double quotes with the escapes that JavaScript and Java share: everything outside of printable ASCII as
/// `\uXXXX`, in pairs where needed.
fn quoted(text: &str) -> String {
    literal(text, |c| {
        let mut units = [0_u16; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

/// The same for Python and Go, which know characters outside of the first plane by one long escape.
fn quoted_long(text: &str) -> String {
    literal(text, |c| match u32::from(c) {
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    })
}

fn literal(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // A snippet may be pasted into a page: no tag can end in it.
            c if c != '<' && (c.is_ascii_graphic() || c == ' ') => out.push(c),
            c => out.push_str(&escape(c)),
        }
    }
    out.push('"');
    out
}

/// Rust's own escapes.
fn quoted_rust(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

fn curl(request: &Request) -> String {
    let mut out = format!("curl --request {} {}", request.method, shell(&request.url));
    for (name, value) in &request.headers {
        let argument = match value {
            HeaderValue::Text(text) => shell(&format!("{name}: {text}")),
            HeaderValue::Secret(before, variable) => format!("\"{name}: {before}${variable}\""),
        };
        out.push_str(&format!(" \\\n  --header {argument}"));
    }
    if !request.body.is_empty() {
        out.push_str(&format!(" \\\n  --data-raw {}", shell(&request.body)));
    }
    out
}

fn python(request: &Request) -> String {
    let mut headers = String::new();
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => quoted_long(text),
            HeaderValue::Secret("", variable) => format!("os.environ[\"{variable}\"]"),
            HeaderValue::Secret(before, variable) => format!("{} + os.environ[\"{variable}\"]", quoted(before)),
        };
        headers.push_str(&format!("        {}: {value},\n", quoted_long(name)));
    }
    let body = match request.body.as_str() {
        "" => String::new(),
        body => format!("    data={}.encode(),\n", quoted_long(body)),
    };
    format!(
        "import os\nimport urllib.request\n\nrequest = urllib.request.Request(\n    {},\n    method={},\n    headers={{\n{headers}    }},\n{body})\n\
         with urllib.request.urlopen(request) as answer:\n    print(answer.status, answer.read().decode())\n",
        quoted_long(&request.url),
        quoted(&request.method),
    )
}

fn javascript(request: &Request) -> String {
    let mut headers = String::new();
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => quoted(text),
            HeaderValue::Secret("", variable) => format!("process.env.{variable}"),
            HeaderValue::Secret(before, variable) => format!("{} + process.env.{variable}", quoted(before)),
        };
        headers.push_str(&format!("    {}: {value},\n", quoted(name)));
    }
    let body = match request.body.as_str() {
        "" => String::new(),
        body => format!("  body: {},\n", quoted(body)),
    };
    format!(
        "const answer = await fetch({}, {{\n  method: {},\n  headers: {{\n{headers}  }},\n{body}}});\nconsole.log(answer.status, await answer.text());\n",
        quoted(&request.url),
        quoted(&request.method),
    )
}

fn java(request: &Request) -> String {
    let mut headers = String::new();
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => quoted(text),
            HeaderValue::Secret("", variable) => format!("System.getenv(\"{variable}\")"),
            HeaderValue::Secret(before, variable) => format!("{} + System.getenv(\"{variable}\")", quoted(before)),
        };
        headers.push_str(&format!("            .header({}, {value})\n", quoted(name)));
    }
    let body = match request.body.as_str() {
        "" => "HttpRequest.BodyPublishers.noBody()".to_owned(),
        body => format!("HttpRequest.BodyPublishers.ofString({})", quoted(body)),
    };
    format!(
        "import java.net.URI;\nimport java.net.http.HttpClient;\nimport java.net.http.HttpRequest;\nimport java.net.http.HttpResponse;\n\n\
         public class Call {{\n    public static void main(String[] arguments) throws Exception {{\n        HttpRequest request = HttpRequest.newBuilder(URI.create({}))\n\
         {headers}            .method({}, {body})\n            .build();\n        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n\
         \x20       System.out.println(answer.statusCode() + \" \" + answer.body());\n    }}\n}}\n",
        quoted(&request.url),
        quoted(&request.method),
    )
}

fn go(request: &Request) -> String {
    let mut headers = String::new();
    let mut uses_environment = "";
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => quoted_long(text),
            HeaderValue::Secret(before, variable) => {
                uses_environment = "\t\"os\"\n";
                let before = if before.is_empty() { String::new() } else { format!("{} + ", quoted(before)) };
                format!("{before}os.Getenv(\"{variable}\")")
            }
        };
        headers.push_str(&format!("\trequest.Header.Set({}, {value})\n", quoted_long(name)));
    }
    let (body, strings) = match request.body.as_str() {
        "" => ("nil".to_owned(), ""),
        body => (format!("strings.NewReader({})", quoted_long(body)), "\t\"strings\"\n"),
    };
    format!(
        "package main\n\nimport (\n\t\"fmt\"\n\t\"io\"\n\t\"net/http\"\n{uses_environment}{strings})\n\nfunc main() {{\n\trequest, err := http.NewRequest({}, {}, {body})\n\
         \tif err != nil {{\n\t\tpanic(err)\n\t}}\n{headers}\tanswer, err := http.DefaultClient.Do(request)\n\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\
         \tdefer answer.Body.Close()\n\ttext, err := io.ReadAll(answer.Body)\n\tif err != nil {{\n\t\tpanic(err)\n\t}}\n\tfmt.Println(answer.Status, string(text))\n}}\n",
        quoted(&request.method),
        quoted_long(&request.url),
    )
}

fn rust(request: &Request) -> String {
    let mut headers = String::new();
    for (name, value) in &request.headers {
        let value = match value {
            HeaderValue::Text(text) => quoted_rust(text),
            HeaderValue::Secret("", variable) => format!("std::env::var(\"{variable}\")?"),
            HeaderValue::Secret(before, variable) => {
                format!("format!(\"{before}{{}}\", std::env::var(\"{variable}\")?)")
            }
        };
        headers.push_str(&format!("        .header({}, {value})\n", quoted_rust(name)));
    }
    let body = match request.body.as_str() {
        "" => String::new(),
        body => format!("        .body({})\n", quoted_rust(body)),
    };
    format!(
        "// cargo add reqwest --features blocking\nfn main() -> Result<(), Box<dyn std::error::Error>> {{\n    let answer = reqwest::blocking::Client::new()\n\
         \x20       .request(reqwest::Method::from_bytes(b{})?, {})\n{headers}{body}        .send()?;\n    println!(\"{{}} {{}}\", answer.status(), answer.text()?);\n    Ok(())\n}}\n",
        quoted_rust(&request.method),
        quoted_rust(&request.url),
    )
}

#[cfg(test)]
mod tests {
    use super::{HeaderValue, Language, Request, quoted, quoted_long, shell, write};

    fn call(body: &str) -> Request {
        Request {
            method: "POST".into(),
            url: "https://gw.example.com/pizza/1.0.0/order?size=l".into(),
            headers: vec![
                ("Authorization".into(), HeaderValue::Secret("Bearer ", "TOKEN")),
                ("Content-Type".into(), HeaderValue::Text("application/json".into())),
            ],
            body: body.into(),
        }
    }

    #[test]
    fn every_language_has_the_whole_call_and_no_secret() {
        for language in Language::ALL {
            let text = write(language, &call("{\"size\": 1}"));
            for part in ["POST", "https://gw.example.com/pizza/1.0.0/order?size=l", "Content-Type", "size", "TOKEN"] {
                assert!(text.contains(part), "{}: {part} in {text}", language.label());
            }
            assert_eq!(Language::of(language.key()), language);
        }
        assert_eq!(
            write(Language::Curl, &call("{}")),
            "curl --request POST 'https://gw.example.com/pizza/1.0.0/order?size=l' \\\n  \
             --header \"Authorization: Bearer $TOKEN\" \\\n  --header 'Content-Type: application/json' \\\n  \
             --data-raw '{}'"
        );
        assert_eq!(Language::of("cobol"), Language::Curl);
    }

    #[test]
    fn texts_stay_texts() {
        assert_eq!(shell("it's; $(rm -rf /) `id`"), "'it'\\''s; $(rm -rf /) `id`'");
        assert_eq!(
            quoted("a\"b\\c\n</script>\u{2028}ü😀"),
            "\"a\\\"b\\\\c\\n\\u003c/script>\\u2028\\u00fc\\ud83d\\ude00\""
        );
        assert_eq!(quoted_long("a\"b\\\n\u{0}😀\"\""), "\"a\\\"b\\\\\\n\\u0000\\U0001f600\\\"\\\"\"");
        for language in Language::ALL {
            let text = write(language, &call("\"\n'; import os #\u{2028}"));
            assert!(!text.contains('\u{2028}') || language == Language::Curl, "{text}");
        }
    }
}
