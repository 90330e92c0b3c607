use super::Schema;
use crate::xml::{Document, Limits};

fn check(schema: &str, message: &str) -> Vec<String> {
    let text = format!(
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns='urn:t' targetNamespace='urn:t' \
         elementFormDefault='qualified'>{schema}</xs:schema>"
    );
    let schema = Schema::read(&[text], &mut |_| None).unwrap();
    let document = Document::parse(message, Limits::MESSAGE).unwrap();
    schema.check(&document, document.root().unwrap(), &|_| Ok(())).unwrap()
}

fn refused(schema: &str) -> String {
    let text = format!("<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema'>{schema}</xs:schema>");
    Schema::read(&[text], &mut |_| None).unwrap_err()
}

const ORDER: &str = "<xs:element name='order' type='Order'/><xs:complexType name='Order'><xs:sequence>\
    <xs:element name='who' type='xs:string'/><xs:choice minOccurs='0' maxOccurs='2'><xs:element name='a' type='xs:int'/>\
    <xs:element name='b' type='xs:date'/></xs:choice><xs:element name='item' maxOccurs='unbounded'><xs:complexType>\
    <xs:simpleContent><xs:extension base='Amount'><xs:attribute name='unit' use='required' type='xs:NCName'/>\
    </xs:extension></xs:simpleContent></xs:complexType></xs:element></xs:sequence><xs:attribute name='id' type='xs:ID'/>\
    </xs:complexType><xs:simpleType name='Amount'><xs:restriction base='xs:decimal'><xs:minExclusive value='0'/>\
    <xs:fractionDigits value='2'/></xs:restriction></xs:simpleType>\
    <xs:complexType name='Express'><xs:complexContent><xs:extension base='Order'><xs:sequence><xs:any namespace='##other' \
    processContents='lax'/></xs:sequence><xs:attribute name='fast' type='xs:boolean' fixed='true'/></xs:extension>\
    </xs:complexContent></xs:complexType>";

fn order(inside: &str) -> Vec<String> {
    check(
        ORDER,
        &format!("<order xmlns='urn:t' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' {inside}</order>"),
    )
}

#[test]
fn what_is_valid() {
    for inside in [
        "><who/><item unit='kg'>1.50</item>",
        "id='x'><who>A</who><a>-7</a><b>2024-02-29</b><item unit='kg'>1</item><item unit='g'>2.5</item>",
        "xsi:type='Express' fast='true'><who/><item unit='kg'>1</item><x xmlns='urn:other'><y/></x>",
    ] {
        assert_eq!(order(inside), Vec::<String>::new(), "{inside}");
    }
}

#[test]
fn what_is_not() {
    for (inside, expected) in [
        (">", "expected is {urn:t}who"),
        ("><who/>", "expected is {urn:t}item, and the element ends"),
        ("><item unit='kg'>1</item><who/>", "expected is {urn:t}who, and found is {urn:t}item"),
        ("><who><b/></who><item unit='k'>1</item>", "text only"),
        ("><who/><a>x</a><item unit='k'>1</item>", "not of the type int"),
        ("><who/><a>3000000000</a><item unit='k'>1</item>", "not of the type int"),
        ("><who/><b>2024-13-01</b><item unit='k'>1</item>", "not of the type date"),
        ("><who/><a>1</a><a>1</a><a>1</a><item unit='k'>1</item>", "found is {urn:t}a"),
        ("><who/><item>1</item>", "the attribute unit is missing"),
        ("><who/><item unit='k'>0</item>", "beyond 0"),
        ("><who/><item unit='k'>1.234</item>", "too many digits"),
        ("other='1'><who/><item unit='k'>1</item>", "the attribute other is not allowed"),
        ("id='1 2'><who/><item unit='k'>1</item>", "the attribute id"),
        ("><who/>text<item unit='k'>1</item>", "text between"),
        ("><who/><item unit='k'>1</item><more/>", "{urn:t}more is not expected here"),
        // A sender may not choose a weaker type.
        ("xsi:type='xs:anyType' xmlns:xs='http://www.w3.org/2001/XMLSchema'><evil/>", "not derived"),
        ("xsi:type='Amount'>1", "not derived"),
        ("xsi:nil='true'>", "may not be nil"),
        ("xsi:type='Express' fast='false'><who/><item unit='k'>1</item><x xmlns='u'/>", "has to be \"true\""),
    ] {
        let found = order(inside).join("; ");
        assert!(found.contains(expected), "{inside}: {found}");
    }
    assert!(check(ORDER, "<order/>").join("").contains("declares no element order"));
}

#[test]
fn models_types_and_facets() {
    let schema = "<xs:element name='r'><xs:complexType><xs:all><xs:element name='list' minOccurs='0'><xs:simpleType>\
        <xs:restriction><xs:simpleType><xs:list itemType='xs:int'/></xs:simpleType><xs:maxLength value='2'/></xs:restriction>\
        </xs:simpleType></xs:element><xs:element name='code' minOccurs='0'><xs:simpleType><xs:restriction base='xs:string'>\
        <xs:pattern value='[A-Z]{2}\\d+'/></xs:restriction></xs:simpleType></xs:element><xs:element name='either' \
        minOccurs='0'><xs:simpleType><xs:union memberTypes='xs:int xs:boolean'/></xs:simpleType></xs:element>\
        <xs:element name='one' minOccurs='0'><xs:simpleType><xs:restriction base='xs:token'><xs:enumeration value='x'/>\
        <xs:enumeration value='y'/></xs:restriction></xs:simpleType></xs:element><xs:element name='nil' nillable='true' \
        minOccurs='0' type='xs:dateTime'/></xs:all></xs:complexType></xs:element>";
    let ask = |inside: &str| {
        let xsi = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'";
        check(schema, &format!("<r xmlns='urn:t' {xsi}>{inside}</r>")).is_empty()
    };
    for good in [
        "",
        "<either>true</either><code>AB12</code>",
        "<list>1 2</list><one> x </one>",
        "<nil xsi:nil='true'/>",
        "<nil>2024-01-01T10:00:00.5+02:00</nil>",
    ] {
        assert!(ask(good), "{good}");
    }
    for bad in [
        "<code>ab12</code>",
        "<code>xAB12</code>",
        "<list>1 2 3</list>",
        "<list>1 x</list>",
        "<either>maybe</either>",
        "<one>z</one>",
        "<one>x</one><one>y</one>",
        "<nil/>",
        "<nil>2024-01-01</nil>",
        "<nil xsi:nil='true'>x</nil>",
    ] {
        assert!(!ask(bad), "{bad}");
    }
}

#[test]
fn schemas_that_are_refused_say_why() {
    for (schema, expected) in [
        ("<xs:element name='a' type='b'/>", "the type b and does not declare it"),
        ("<xs:element name='a'><xs:key name='k'/></xs:element>", "key is not available"),
        ("<xs:element name='a' substitutionGroup='b'/>", "substitutionGroup is not available"),
        ("<xs:redefine schemaLocation='x'/>", "redefine is not available"),
        (
            "<xs:simpleType name='a'><xs:restriction base='xs:string'><xs:pattern value='('/></xs:restriction></xs:simpleType>",
            "regular expression",
        ),
    ] {
        let found = refused(schema);
        assert!(found.contains(expected), "{schema}: {found}");
    }
    assert!(Schema::read(&["<a/>".to_owned()], &mut |_| None).unwrap_err().contains("not an XML Schema"));
    assert!(Schema::read(&["<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_owned()], &mut |_| None).is_err());
}

#[test]
fn types_and_groups_that_hold_themselves_end() {
    let schema = "<xs:element name='r' type='A'/><xs:complexType name='A'><xs:complexContent><xs:extension base='B'/>\
        </xs:complexContent></xs:complexType><xs:complexType name='B'><xs:complexContent><xs:extension base='A'/>\
        </xs:complexContent></xs:complexType>";
    assert!(check(schema, "<r xmlns='urn:t'/>").join("").contains("derived from itself"));
    let schema = "<xs:element name='r'><xs:complexType><xs:group ref='g'/></xs:complexType></xs:element><xs:group name='g'>\
        <xs:sequence><xs:group ref='g'/></xs:sequence></xs:group>";
    assert!(check(schema, "<r xmlns='urn:t'><x/></r>").join("").contains("holds itself"));
}
