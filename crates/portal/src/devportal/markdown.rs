//! Documents as markup that is safe to show: markdown is rendered without raw HTML, and whatever comes out is cleaned by
//! a list of what may stay (guideline A11).

use std::collections::HashSet;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Markup that may stay. No pictures: they would be requests to other origins, which the policy refuses anyway.
const TAGS: [&str; 33] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];
/// What browsers tell the other site, and search engines here.
const REL: &str = "noopener noreferrer nofollow";
/// Schemes that a link may have.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Renders markdown (CommonMark with tables and strikethrough). The page's own heading is the first one, so headings of
/// a document begin at the second level.
pub(super) fn markdown(source: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(source, options).map(|event| match event {
        // Markup inside of markdown is shown as it was typed.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        // A picture becomes a link to it, with its description as the text.
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, events);
    clean(&rendered)
}

/// Cleans markup that a publisher wrote. A first-level heading becomes plain text of the page.
pub(super) fn clean(markup: &str) -> String {
    ammonia::Builder::empty()
        .tags(TAGS.into_iter().collect())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .add_tag_attributes("a", ["href"])
        .url_schemes(SCHEMES.into_iter().collect())
        // A relative link would be one of this server's own pages, written by somebody else.
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some(REL))
        .clean(markup)
        .to_string()
        // Where the address was taken away, there is no link that these words could be about.
        .replace(&format!("<a rel=\"{REL}\">"), "<a>")
}

const fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, markdown};

    #[test]
    fn documents_keep_their_shape() {
        let html = markdown(
            "# Menu\n\nCall `GET /menu` with [a key](https://example.com/k).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n",
        );
        assert!(html.starts_with("<h2>Menu</h2>"), "{html}");
        assert!(html.contains("<code>GET /menu</code>"), "{html}");
        assert!(
            html.contains("<a href=\"https://example.com/k\" rel=\"noopener noreferrer nofollow\">a key</a>"),
            "{html}"
        );
        assert!(html.contains("<td>1</td>") && html.contains("<li>x</li>"), "{html}");
    }

    #[test]
    fn nothing_in_a_document_runs_or_calls_out() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/p.png)",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:x)",
            "[x](/admin/users)",
            "[x](//evil.example/)",
            "<a href=\"javascript:alert(1)\" onclick=alert(1)>x</a>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<form action=/signout method=post><button>x</button></form>",
            "<iframe src=//evil.example></iframe>",
            "<style>body{display:none}</style>",
            "<div style=\"position:fixed\" class=flash id=content>x</div>",
            "<base href=//evil.example>",
            "<meta http-equiv=refresh content=0>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "```\n<script>alert(1)</script>\n```",
            "<h1>x</h1>",
            "<input autofocus onfocus=alert(1)>",
        ] {
            for html in [markdown(hostile), clean(hostile)] {
                // Text is escaped, so every bracket that is left opens a tag: only known ones, only with safe links.
                for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
                    let (name, attributes) = tag.trim_start_matches('/').split_once(' ').unwrap_or((tag, ""));
                    let name = name.trim_start_matches('/').trim_end_matches('/');
                    assert!(super::TAGS.contains(&name), "{hostile}: {html}");
                    let link = attributes.split("href=\"").nth(1).map_or("https:", |rest| rest);
                    assert!(["https:", "http:", "mailto:"].iter().any(|s| link.starts_with(s)), "{hostile}: {html}");
                    let rest = attributes.replace("rel=\"noopener noreferrer nofollow\"", "");
                    assert!(rest.matches('=').count() <= rest.matches("href=").count(), "{hostile}: {html}");
                }
            }
        }
    }

    #[test]
    fn large_and_deep_documents_end() {
        assert!(markdown(&"> ".repeat(20_000)).len() < 10_000_000);
        assert!(markdown(&"*a **b ".repeat(20_000)).len() < 10_000_000);
        assert!(clean(&"<div>".repeat(20_000)).len() < 10_000_000);
    }
}
