"""Flows that peers.py deploys and asks: mediators around a backend that is `http.server`, and the ways in which that fails.

Each flow is an API of its own: name, mediators, what is sent (content type and body, none for GET), the status, and a check of the
answer, which gets it parsed by `json` or `xml.etree`, else as bytes.
"""

import json
import xml.etree.ElementTree as tree

SHOW = (
    '<payloadFactory media-type="json"><format>{"code":"$1","message":"$2"}</format><args><arg expression="get-property(\'ERROR_CODE\')"/>'
    "<arg expression=\"get-property('ERROR_MESSAGE')\"/></args></payloadFactory>"
    '<property name="messageType" value="application/json" scope="axis2"/><property name="HTTP_SC" value="500" scope="axis2"/><respond/>'
)
JSON, XML, TEXT = "application/json", "application/xml", "text/plain"
AS_JSON = '<property name="messageType" value="application/json" scope="axis2"/>'
AS_XML = '<property name="messageType" value="application/xml" scope="axis2"/>'


def http(path, method="get", more=""):
    return f'<call><endpoint><http method="{method}" uri-template="BACKEND{path}">{more}</http></endpoint></call>'


def is_(value):
    return lambda got: got == value


def code(number):
    return lambda got: got["code"] == str(number)


def texts(path, values):
    return lambda got: [element.text for element in got.iterfind(path)] == values


XSD = (
    '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="a"><x:complexType><x:sequence><x:element name="n" type="x:int"'
    ' maxOccurs="2"/></x:sequence></x:complexType></x:element></x:schema>'
)
SHEET = (
    '<s:stylesheet xmlns="" xmlns:s="http://www.w3.org/1999/XSL/Transform" version="1.0"><s:template match="/"><r><s:for-each select="//n"><s:sort'
    ' data-type="number" order="descending"/><v><s:value-of select=". * 2"/></v></s:for-each></r></s:template></s:stylesheet>'
)
ENTRIES = {
    "xsd": XSD,
    "sheet": SHEET,
    "mapping": "<![CDATA[map_S_a_S_b = function() { var out = {}; out.sum = 0; for (i in inputa.n) out.sum += inputa.n[i]; return out; };]]>",
    "mapping-in": '<![CDATA[{"title":"a","type":"object","properties":{"n":{"type":"array","items":[{"type":"number"}]}}}]]>',
    "mapping-out": '<![CDATA[{"title":"b","type":"object","properties":{"sum":{"type":"number"}}}]]>',
    "json-schema": '<![CDATA[{"type":"object","required":["n"],"properties":{"n":{"type":"integer","maximum":9}}}]]>',
}
VALIDATE = '<validate><schema key="{}"/><on-fail><property name="HTTP_SC" value="400" scope="axis2"/><respond/></on-fail></validate>'

FLOWS = [
    # What the backend does, through call
    ("status-400", http("/status/400") + "<respond/>", None, None, 400, is_({"status": 400})),
    ("status-503", http("/status/503") + "<respond/>", None, None, 503, is_({"status": 503})),
    ("status-changed", http("/status/404") + '<property name="HTTP_SC" value="200" scope="axis2"/><respond/>', None, None, 200, is_({"status": 404})),
    ("status-read", http("/status/409") + '<filter source="$axis2:HTTP_SC" regex="409"><then><property name="HTTP_SC" value="200" scope="axis2"/>'
     "</then></filter><respond/>", None, None, 200, is_({"status": 409})),
    ("closed", http("/close") + "<respond/>", None, None, 500, code(101505)),
    ("cut", http("/cut") + "<respond/>", None, None, 500, code(101501)),
    ("garbage", http("/garbage") + "<respond/>", None, None, 500, code(101506)),
    ("slow", http("/slow", more="<timeout><duration>300</duration><responseAction>fault</responseAction></timeout>") + "<respond/>", None, None, 500, code(101504)),
    ("dead", '<call><endpoint><address uri="DEAD/"/></endpoint></call><respond/>', None, None, 500, code(101503)),
    ("failover", '<call><endpoint><failover><endpoint><address uri="DEAD/"/></endpoint><endpoint><http method="get" uri-template="BACKEND/status/200"/>'
     "</endpoint></failover></endpoint></call><respond/>", None, None, 200, is_({"status": 200})),
    # Methods and headers that arrive
    ("put", http("/echo", "put") + "<respond/>", JSON, '{"a":1}', 200, lambda got: (got["method"], got["body"]) == ("PUT", '{"a":1}')),
    ("delete", http("/echo", "delete") + "<respond/>", None, None, 200, lambda got: got["method"] == "DELETE"),
    ("header", '<header name="X-A" value="b" scope="transport"/>' + http("/echo") + "<respond/>", None, None, 200, lambda got: got["headers"]["x-a"] == "b"),
    ("header-removed", '<header name="X-Sent" action="remove" scope="transport"/>' + http("/echo") + "<respond/>", None, None, 200,
     lambda got: "x-sent" not in got["headers"]),
    ("header-split", '<property name="X-A" scope="transport" expression="json-eval($.a)"/>' + http("/echo", "post") + "<respond/>", JSON,
     json.dumps({"a": "b\r\nX-Evil: 1"}), 200, lambda got: "x-evil" not in got["headers"]),
    ("template", '<property name="uri.var.v" value="a b/&amp;?"/>' + http("/echo/{uri.var.v}") + "<respond/>", None, None, 200,
     lambda got: got["path"].startswith("/echo/a%20b")),
    # Bodies that change
    ("to-xml", AS_XML + '<call><endpoint><address uri="BACKEND/echo"/></endpoint></call><respond/>', JSON, '{"a":{"b":[1,2]}}', 200,
     lambda got: [e.text for e in tree.fromstring(got["body"]).iter("b")] == ["1", "2"]),
    ("to-json", AS_JSON + "<respond/>", XML, "<a><b>1</b><b>2</b></a>", 200, is_({"a": {"b": [1, 2]}})),
    ("payload-json", '<payloadFactory media-type="json"><format>{"v":$1}</format><args><arg evaluator="json" expression="$.a"/></args></payloadFactory>'
     "<respond/>", JSON, '{"a":[1,{"b":"\\""}]}', 200, is_({"v": [1, {"b": '"'}]})),
    ("payload-inject", '<payloadFactory media-type="xml"><format><r xmlns=""><v>$1</v></r></format><args><arg evaluator="json" expression="$.a"/></args>'
     "</payloadFactory>" + AS_XML + "<respond/>", JSON, '{"a":"&<x>"}', 200, texts("v", ["&<x>"])),
    ("enrich", '<enrich><source type="inline"><n xmlns="">3</n></source><target xpath="//a" action="child"/></enrich><respond/>', XML, "<a><n>1</n></a>", 200,
     texts("n", ["1", "3"])),
    ("xslt", '<xslt key="sheet"/><respond/>', XML, "<a><n>1</n><n>3</n><n>2</n></a>", 200, texts("v", ["6", "4", "2"])),
    ("mapped", '<datamapper config="mapping" inputSchema="mapping-in" inputType="XML" outputSchema="mapping-out" outputType="JSON"/><respond/>', XML,
     "<a><n>1</n><n>2.5</n></a>", 200, is_({"sum": 3.5})),
    ("script", '<script language="js">var a = mc.getPayloadJSON(); a.n += 1; mc.setPayloadJSON(a);</script><respond/>', JSON, '{"n":1}', 200, is_({"n": 2})),
    ("script-fails", '<script language="js">throw new Error("on purpose");</script><respond/>', JSON, "{}", 500, lambda got: "on purpose" in got["message"]),
    ("valid", VALIDATE.format("xsd") + "<respond/>", XML, "<a><n>1</n></a>", 200, texts("n", ["1"])),
    ("invalid", VALIDATE.format("xsd") + "<respond/>", XML, "<a><n>x</n></a>", 400, texts("n", ["x"])),
    ("invalid-many", VALIDATE.format("xsd") + "<respond/>", XML, "<a><n>1</n><n>1</n><n>1</n></a>", 400, texts("n", ["1"] * 3)),
    ("json-valid", VALIDATE.format("json-schema") + "<respond/>", JSON, '{"n":9}', 200, is_({"n": 9})),
    ("json-invalid", VALIDATE.format("json-schema") + "<respond/>", JSON, '{"n":10}', 400, is_({"n": 10})),
    # Branches
    ("switch", '<switch source="json-eval($.k)"><case regex="a|b"><payloadFactory media-type="json"><format>{"case":1}</format><args/></payloadFactory>'
     '</case><default><payloadFactory media-type="json"><format>{"case":0}</format><args/></payloadFactory></default></switch><respond/>', JSON, '{"k":"b"}', 200, is_({"case": 1})),
    ("filter", '<filter xpath="count(//n) &gt; 1"><then><property name="HTTP_SC" value="201" scope="axis2"/></then></filter><respond/>', XML,
     "<a><n/><n/></a>", 201, lambda got: got.tag == "a"),
    ("foreach", '<foreach expression="//n"><sequence><payloadFactory media-type="xml"><format><m xmlns="">$1</m></format><args><arg expression="//n"/></args>'
     "</payloadFactory></sequence></foreach><respond/>", XML, "<a><n>1</n><n>2</n></a>", 200, texts("m", ["1", "2"])),
    ("fault", '<makefault version="soap11"><code xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" value="s:Client"/><reason value="no"/></makefault>'
     '<property name="messageType" value="text/xml" scope="axis2"/><respond/>', XML, "<a/>", 500, lambda got: got.find(".//faultstring").text == "no"),
    ("thrown", '<throwError type="T" errorMessage="stop"/>', JSON, "{}", 500, lambda got: got["message"] == "stop"),
    ("expression", '<payloadFactory media-type="json"><format>{"v":${payload.a + 1},"q":"${params.queryParams.q}"}</format></payloadFactory><respond/>', JSON,
     '{"a":41}', 200, is_({"v": 42, "q": "1"})),
    ("variable", '<variable name="v" type="INTEGER" expression="${payload.a * 2}"/><payloadFactory media-type="json"><format>{"v":${vars.v}}</format>'
     "</payloadFactory><respond/>", JSON, '{"a":4}', 200, is_({"v": 8})),
]


def artifacts(namespace, backend, dead):
    """Names of files with their texts."""
    files = {f"entry-{key}.xml": f'<localEntry {namespace} key="{key}">{text}</localEntry>' for key, text in ENTRIES.items()}
    for name, mediators, *_ in FLOWS:
        inside = mediators.replace("BACKEND", backend).replace("DEAD", dead)
        files[f"flow-{name}.xml"] = (
            f'<api {namespace} name="{name}" context="/{name}"><resource methods="GET POST"><inSequence>{inside}</inSequence>'
            f"<outSequence><respond/></outSequence><faultSequence>{SHOW}</faultSequence></resource></api>"
        )
    return files


def parsed(kind, body):
    kind = (kind or "").split(";")[0]
    if kind == JSON:
        return json.loads(body)
    return tree.fromstring(body) if kind.endswith("xml") else body


def ask_all(ask):
    """Asks every flow; names those whose answer is not as it has to be."""
    wrong = []
    for name, _, kind, body, status, right in FLOWS:
        method, sent = ("GET", None) if kind is None else ("POST", body.encode())
        got, kind, answer = ask(method, f"/{name}?q=1", sent, kind)
        try:
            fits = got == status and right(parsed(kind, answer))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fits, answer = False, f"{error!r}: {answer!r}".encode()
        print("ok" if fits else "WRONG", name)
        if not fits:
            wrong.append(f"{name}: {got} {kind} {answer[:300]!r}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(FLOWS)} flows")
