"""Ends tokens, keys, applications and rights at one node, and measures when two gateways refuse them.

Two processes over one database; the node that is told is not the one whose gateway must learn it from the database.
"""

import base64
import http.client
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import time
import uuid
from urllib.parse import urlencode

CONSOLE, GATEWAY = int(os.environ["PORTCULLIS_CONSOLE"]), int(os.environ["PORTCULLIS_GATEWAY"])
NODES = os.environ["PORTCULLIS_NODES"].split(",")
ADMIN = (os.environ["PORTCULLIS_ADMIN"], os.environ["PORTCULLIS_ADMIN_PASSWORD"])
TLS = ssl.create_default_context(cafile=os.environ["PORTCULLIS_ROOTS"])
LIMIT = 5.0
PUBLISHER, DEVPORTAL = "/api/am/publisher/v4", "/api/am/devportal/v3"


class Connection(http.client.HTTPSConnection):
    """To an address, under the name of the certificate."""

    def __init__(self, address, port):
        super().__init__("localhost", port, context=TLS, timeout=30)
        self.address = address

    def connect(self):
        self.sock = TLS.wrap_socket(socket.create_connection((self.address, self.port), 30), server_hostname="localhost")


def send(address, port, method, path, authorization=None, body=None, kind="application/json", headers=()):
    connection = Connection(address, port)
    all_headers = {"Content-Type": kind, "Accept": "application/json", "Connection": "close", **dict(headers)}
    if authorization:
        all_headers["Authorization"] = authorization
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    connection.request(method, path, body, all_headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def basic(name, password):
    return "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode()


def manage(method, path, body=None, who=ADMIN, accepted=(200, 201, 202, 204)):
    status, text = send(NODES[0], CONSOLE, method, path, basic(*who), body)
    if status not in accepted:
        raise AssertionError("%s %s: %d %s" % (method, path, status, text))
    return json.loads(text) if text.strip() else None


class Upstream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def publish(upstream):
    endpoint = {"url": "http://127.0.0.1:%d" % upstream}
    api = manage("POST", PUBLISHER + "/apis", {
        "name": "ending", "version": "1.0", "context": "/ending", "policies": ["Unlimited"], "transport": ["https"],
        "securityScheme": ["oauth2", "api_key", "oauth_basic_auth_api_key_mandatory"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": endpoint, "sandbox_endpoints": endpoint},
        "operations": [{"target": "/x", "verb": "GET", "authType": "Application & Application User", "throttlingPolicy": "Unlimited"}],
    })["id"]
    revision = manage("POST", "%s/apis/%s/revisions" % (PUBLISHER, api), {"description": "one"})["id"]
    manage("POST", "%s/apis/%s/deploy-revision?revisionId=%s" % (PUBLISHER, api, revision),
           [{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}])
    manage("POST", "%s/apis/change-lifecycle?action=Publish&apiId=%s" % (PUBLISHER, api))
    return api


def application(api):
    made = manage("POST", DEVPORTAL + "/applications", {"name": "app-" + uuid.uuid4().hex[:8], "throttlingPolicy": "Unlimited"})["applicationId"]
    keys = manage("POST", "%s/applications/%s/generate-keys" % (DEVPORTAL, made), {
        "keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials", "password", "refresh_token"], "callbackUrl": ""})
    manage("POST", DEVPORTAL + "/subscriptions", {"applicationId": made, "apiId": api, "throttlingPolicy": "Unlimited"})
    return {"id": made, "client": (keys["consumerKey"], keys["consumerSecret"]), "mapping": keys["keyMappingId"]}


def token(app, user=None):
    form = {"grant_type": "client_credentials"}
    if user:
        form = {"grant_type": "password", "username": user["name"], "password": user["password"]}
    status, text = send(NODES[0], CONSOLE, "POST", "/oauth2/token", basic(*app["client"]), urlencode(form), "application/x-www-form-urlencoded")
    if status != 200:
        raise AssertionError(text)
    return json.loads(text)


def person():
    name, password = "p" + uuid.uuid4().hex[:8], "Judge-of-ends-4471-lantern"
    made = manage("POST", "/scim2/Users", {"userName": name, "password": password})
    return {"name": name, "password": password, "id": made["id"]}


def call(address, header):
    return send(address, GATEWAY, "GET", "/ending/1.0/x", headers=[header])[0]


def until(header, wanted, limit):
    """Seconds until each gateway answers as wanted."""
    begun, found = time.monotonic(), {}
    while len(found) < len(NODES):
        for address in NODES:
            if address not in found and call(address, header) in wanted:
                found[address] = time.monotonic() - begun
        if time.monotonic() - begun > limit:
            raise AssertionError("after %.1f s only %s answer with %s" % (limit, sorted(found), wanted))
        time.sleep(0.02)
    return [found[address] for address in NODES]


failed = 0


def ends(name, header, act):
    global failed
    try:
        until(header, (200,), 20)
        act()
        times = until(header, (401, 403), LIMIT)
        print("ok %-44s %s s" % (name, "  ".join("%.2f" % t for t in times)))
    except Exception as error:
        failed += 1
        print("FAILED %s: %r" % (name, error))


def bearer(answer):
    return ("Authorization", "Bearer " + answer["access_token"])


def main():
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    api = publish(upstream.server_address[1])
    app = application(api)
    revoke = lambda app, value: send(NODES[0], CONSOLE, "POST", "/oauth2/revoke", basic(*app["client"]),
                                     urlencode({"token": value}), "application/x-www-form-urlencoded")
    issued = token(app)
    ends("an access token is revoked", bearer(issued), lambda: revoke(app, issued["access_token"]))
    user = person()
    issued_to_user = token(app, user)
    ends("a refresh token is revoked", bearer(issued_to_user), lambda: revoke(app, issued_to_user["refresh_token"]))
    key = manage("POST", "%s/applications/%s/api-keys/PRODUCTION/generate" % (DEVPORTAL, app["id"]), {"keyName": "k", "validityPeriod": 3600})["apikey"]
    ends("an API key is revoked", ("ApiKey", key),
         lambda: manage("POST", "%s/applications/%s/api-keys/PRODUCTION/revoke" % (DEVPORTAL, app["id"]), {"apikey": key}))
    locked = person()
    ends("the user is locked", bearer(token(app, locked)), lambda: manage("PATCH", "/scim2/Users/" + locked["id"], {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "path": "active", "value": False}]}))
    demoted = person()
    role = next(r for r in manage("GET", "/scim2/Groups?count=100")["Resources"] if r["displayName"].endswith("subscriber"))
    change = lambda operation: manage("PATCH", "/scim2/Groups/" + role["id"], {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
    change({"op": "add", "path": "members", "value": [{"value": demoted["id"]}]})
    ends("the user loses a role", bearer(token(app, demoted)),
         lambda: change({"op": "remove", "path": 'members[value eq "%s"]' % demoted["id"]}))
    changed = person()
    ends("the password changes", bearer(token(app, changed)), lambda: manage("PATCH", "/scim2/Users/" + changed["id"], {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "path": "password", "value": "Another-of-ends-9910-ferry"}]}))
    deleted = person()
    ends("the user is deleted", bearer(token(app, deleted)), lambda: manage("DELETE", "/scim2/Users/" + deleted["id"]))
    gone = application(api)
    ends("the application is deleted", bearer(token(gone)), lambda: manage("DELETE", "%s/applications/%s" % (DEVPORTAL, gone["id"])))
    print("%d failed" % failed)
    sys.exit(1 if failed else 0)


main()
