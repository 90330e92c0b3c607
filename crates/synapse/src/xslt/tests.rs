use super::*;
use crate::xml::NodeId;

fn transform(sheet: &str, source: &str) -> Result<String, String> {
    let text = format!("<xsl:stylesheet version='1.0' xmlns:xsl='{XSL}'>{sheet}</xsl:stylesheet>");
    let sheet = Stylesheet::compile(&text)?;
    let source = Document::parse(source, Limits::MESSAGE).unwrap();
    let parameters = [("p".to_owned(), Value::text("given"))];
    let out = sheet.transform(Arc::new(source), &parameters, &Budget::default()).map_err(|e| e.message)?;
    Ok(out.write(NodeId::DOCUMENT))
}

#[test]
fn instructions() {
    let source = "<a><b n='2'>x</b><b n='10'>y</b><c/></a>";
    for (sheet, expected) in [
        ("<xsl:template match='/'><r><xsl:value-of select='//b[2]'/></r></xsl:template>", "<r>y</r>"),
        (
            "<xsl:template match='/'><r><xsl:for-each select='//b'><xsl:sort select='@n' data-type='number' order='descending'/><i p='{position()}'><xsl:value-of select='@n'/></i></xsl:for-each></r></xsl:template>",
            "<r><i p=\"1\">10</i><i p=\"2\">2</i></r>",
        ),
        (
            "<xsl:template match='@*|node()'><xsl:copy><xsl:apply-templates select='@*|node()'/></xsl:copy></xsl:template><xsl:template match='c'/>",
            "<a><b n=\"2\">x</b><b n=\"10\">y</b></a>",
        ),
        ("<xsl:template match='b[1]'>1</xsl:template><xsl:template match='a/b'>n</xsl:template>", "nn"),
        ("<xsl:template match='b[1]'>1</xsl:template><xsl:template match='b'>n</xsl:template>", "1n"),
        (
            "<xsl:param name='p' select=\"'default'\"/><xsl:template match='/'><r><xsl:value-of select='$p'/></r></xsl:template>",
            "<r>given</r>",
        ),
        (
            "<xsl:template match='/'><xsl:call-template name='t'><xsl:with-param name='q' select='3'/></xsl:call-template></xsl:template><xsl:template name='t'><xsl:param name='q'/><q><xsl:if test='$q &gt; 0'>+</xsl:if></q></xsl:template>",
            "<q>+</q>",
        ),
        (
            "<xsl:template match='/'><xsl:element name='e' namespace='u'><xsl:attribute name='k'>v</xsl:attribute></xsl:element></xsl:template>",
            "<e xmlns=\"u\" k=\"v\"/>",
        ),
        (
            "<xsl:template match='/'><xsl:variable name='v'><x>1</x></xsl:variable><xsl:copy-of select='$v'/></xsl:template>",
            "<x>1</x>",
        ),
        (
            "<xsl:template match='/'><r><xsl:value-of select=\"format-number(1234.5, '#,##0.00')\"/></r></xsl:template>",
            "<r>1,234.50</r>",
        ),
        (
            "<xsl:template match='/'><xsl:choose><xsl:when test='//z'>z</xsl:when><xsl:otherwise><o/></xsl:otherwise></xsl:choose></xsl:template>",
            "<o/>",
        ),
    ] {
        assert_eq!(transform(sheet, source).unwrap(), expected, "{sheet}");
    }
}

#[test]
fn endless_recursion_ends() {
    let sheet = "<xsl:template match='/' name='t'><xsl:call-template name='t'/></xsl:template>";
    assert!(transform(sheet, "<a/>").unwrap_err().contains("nested"));
}

#[test]
fn what_is_not_available_is_refused_with_its_line() {
    assert!(transform("\n<xsl:include href='file:///etc/passwd'/>", "<a/>").unwrap_err().contains("line 2"));
    assert!(transform("<xsl:template match='/'><xsl:number/></xsl:template>", "<a/>").is_err());
    assert!(transform("<xsl:template match='f()'/>", "<a/>").is_err());
}
