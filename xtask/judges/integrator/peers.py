"""A SOAP client, an HTTP client and a backend that other people wrote, on both sides of `portcullis integrator run`.

zeep reads the description that a proxy publishes and calls it; the backend is http.server with xml.etree; bodies are compared
after xml.etree or json has parsed them. Usage: peers.py PORTCULLIS FOLDER
"""

import http.client
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as tree

import zeep

# The folder of the judges is part of the sources.
sys.dont_write_bytecode = True
import flows

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
NS = 'xmlns="http://ws.apache.org/ns/synapse"'


class Backend(http.server.BaseHTTPRequestHandler):
    """Doubles numbers over SOAP, echoes everything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/echo"):
            self.echo(b"")
        elif self.path.startswith("/status/"):
            status = int(self.path.rpartition("/")[2].partition("?")[0])
            self.answer(status, "application/json", json.dumps({"status": status}).encode())
        elif self.path.startswith("/notjson"):
            self.answer(200, "application/json", b"{not json")
        elif self.path.startswith("/slow"):
            time.sleep(2)
            self.answer(200, "text/plain", b"late")
        elif self.path.startswith(("/close", "/cut", "/garbage")):
            self.misbehave()
        else:
            self.answer(200, "application/json", json.dumps({"path": self.path, "method": self.command}).encode())

    def misbehave(self):
        """Closes without an answer, in the middle of one, or speaks something else."""
        text = {"/clo": b"", "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "/gar": b"220 ready\r\n\r\n"}[self.path[:4]]
        self.wfile.write(text)
        self.close_connection = True

    def echo(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = {"method": self.command, "path": self.path, "headers": headers, "body": body.decode()}
        self.answer(200, "application/json", json.dumps(told).encode())

    def do_PUT(self):
        self.do_POST()

    def do_DELETE(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.headers.get("Content-Type", "")
        if self.path.startswith("/echo"):
            self.echo(body)
            return
        if not self.path.startswith("/double"):
            self.answer(200, kind, body)
            return
        envelope = tree.fromstring(body)
        soap = envelope.tag[1:].split("}")[0]
        kind = "text/xml; charset=utf-8" if soap == SOAP11 else "application/soap+xml; charset=utf-8"
        number = int(envelope.find(f"{{{soap}}}Body").find(".//{urn:d}number").text)
        if number < 0:
            fault = "<faultcode>s:Client</faultcode><faultstring>negative</faultstring>"
            if soap == SOAP12:
                fault = '<s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">negative</s:Text></s:Reason>'
            text = f'<s:Envelope xmlns:s="{soap}"><s:Body><s:Fault>{fault}</s:Fault></s:Body></s:Envelope>'
            self.answer(500, kind, text.encode())
            return
        text = (
            f'<s:Envelope xmlns:s="{soap}"><s:Body><d:doubleResponse xmlns:d="urn:d"><d:result>{number * 2}</d:result>'
            "</d:doubleResponse></s:Body></s:Envelope>"
        )
        self.answer(200, kind, text.encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def description(backend):
    return f"""<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:d="urn:d"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" targetNamespace="urn:d">
  <wsdl:types><x:schema targetNamespace="urn:d" elementFormDefault="qualified">
    <x:element name="double"><x:complexType><x:sequence><x:element name="number" type="x:int"/></x:sequence></x:complexType></x:element>
    <x:element name="doubleResponse"><x:complexType><x:sequence><x:element name="result" type="x:int"/></x:sequence></x:complexType></x:element>
  </x:schema></wsdl:types>
  <wsdl:message name="in"><wsdl:part name="p" element="d:double"/></wsdl:message>
  <wsdl:message name="out"><wsdl:part name="p" element="d:doubleResponse"/></wsdl:message>
  <wsdl:portType name="T"><wsdl:operation name="double"><wsdl:input message="d:in"/><wsdl:output message="d:out"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="B11" type="d:T"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/><wsdl:operation name="double">
    <s:operation soapAction="urn:double"/><wsdl:input><s:body use="literal"/></wsdl:input><wsdl:output><s:body use="literal"/></wsdl:output>
  </wsdl:operation></wsdl:binding>
  <wsdl:binding name="B12" type="d:T"><s12:binding transport="http://schemas.xmlsoap.org/soap/http"/><wsdl:operation name="double">
    <s12:operation soapAction="urn:double"/><wsdl:input><s12:body use="literal"/></wsdl:input><wsdl:output><s12:body use="literal"/></wsdl:output>
  </wsdl:operation></wsdl:binding>
  <wsdl:service name="S"><wsdl:port name="P11" binding="d:B11"><s:address location="{backend}/double"/></wsdl:port>
    <wsdl:port name="P12" binding="d:B12"><s12:address location="{backend}/double"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""


def artifacts(folder, backend):
    direct = f'<endpoint><address uri="{backend}/double"/></endpoint>'
    files = {
        "double.xml": f'<proxy {NS} name="Double"><target><inSequence><call>{direct}</call><respond/></inSequence></target>'
        f"<publishWSDL>{description(backend)}</publishWSDL></proxy>",
        "json.xml": f'<api {NS} name="json" context="/json"><resource methods="POST GET"><inSequence>'
        '<property name="n" expression="json-eval($.n)"/><payloadFactory media-type="xml"><format>'
        '<d:double xmlns:d="urn:d"><d:number>$1</d:number></d:double></format><args><arg expression="get-property(\'n\')"/></args>'
        f'</payloadFactory><call><endpoint><address uri="{backend}/double" format="soap11"/></endpoint></call>'
        '<payloadFactory media-type="json"><format>{"result":$1}</format><args><arg xmlns:d="urn:d" expression="//d:result"/></args></payloadFactory>'
        '<property name="messageType" value="application/json" scope="axis2"/><respond/></inSequence></resource></api>',
        "mirror.xml": f'<api {NS} name="mirror" context="/mirror"><resource methods="POST GET PUT" url-mapping="/*"><inSequence>'
        f'<call><endpoint><address uri="{backend}"/></endpoint></call><respond/></inSequence></resource></api>',
    }
    files.update(flows.artifacts(NS, backend, f"http://127.0.0.1:{free_port()}"))
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method, path, body=None, kind=None, chunked=False):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"X-Sent": "1"} | ({"Content-Type": kind} if kind else {})
    parts = [body[i : i + 1000] for i in range(0, len(body), 1000)] if chunked else body
    connection.request(method, path, parts, headers, encode_chunked=chunked)
    response = connection.getresponse()
    return response.status, response.getheader("Content-Type"), response.read()


def check(name, got, wanted):
    if got != wanted:
        raise SystemExit(f"{name}: {got!r} instead of {wanted!r}")
    print(f"ok {name}")


def soap(port):
    client = zeep.Client(f"http://127.0.0.1:{port}/services/Double?wsdl")
    for name in ("P11", "P12"):
        service = client.bind("S", name)
        check(f"{name}: the address is the proxy's", f":{port}/services/Double" in service._binding_options["address"], True)
        for number in (0, 1, 21, 2**30):
            check(f"{name}: {number} doubled", service.double(number), number * 2)
        try:
            service.double(-1)
            raise SystemExit(f"{name}: no fault")
        except zeep.exceptions.Fault as fault:
            check(f"{name}: the fault of the backend", fault.message, "negative")


def rest(port):
    status, kind, body = ask(port, "POST", "/json", b'{"n": 4}', "application/json")
    check("JSON over SOAP", (status, kind.split(";")[0], json.loads(body)), (200, "application/json", {"result": 8}))
    check("JSON that is none", ask(port, "POST", "/json", b'{"n": ', "application/json")[0], 500)
    check("rest of the path", json.loads(ask(port, "GET", "/mirror/a/b?c=d")[2])["path"], "/a/b?c=d")
    for name, kind, text in [
        ("text", "text/plain; charset=utf-8", "größer".encode()),
        ("bytes", "application/octet-stream", bytes(range(256))),
        ("form", "application/x-www-form-urlencoded", b"a=1&b=%20"),
        ("JSON", "application/json", b'{ "a" : [1, 2.50, null, "\\u00e4"] }'),
        ("XML", "application/xml", b'<?xml version="1.0"?><a b="c"> <!-- d --><e/></a>'),
        ("multipart", "multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'),
        ("much", "application/octet-stream", os.urandom(3_000_000)),
    ]:
        for chunked in (False, True):
            status, got, body = ask(port, "POST", "/mirror/x", text, kind, chunked)
            same = (status, got.split(";")[0], body) == (200, kind.split(";")[0], text)
            check(f"{name} comes back as it was, chunked {chunked}", same, True)


def main():
    portcullis, folder = sys.argv[1:3]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    artifacts(folder, f"http://127.0.0.1:{server.server_address[1]}")
    port = free_port()
    integrator = subprocess.Popen([portcullis, "integrator", "run", folder, "--port", str(port)])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        soap(port)
        rest(port)
        flows.ask_all(lambda method, path, body, kind: ask(port, method, path, body, kind))
    finally:
        integrator.terminate()
        integrator.wait(10)


main()
