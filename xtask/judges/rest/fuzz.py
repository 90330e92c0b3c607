"""Every operation of the management REST APIs under requests that schemathesis makes up from the OpenAPI documents, and
under objects of the server's own with one thing changed: no answer may be a server error, and every status must be one
that the document has."""

import base64
import json
import random
import sys
import urllib3

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SETTINGS = json.load(open(sys.argv[1]))
BASE = f"https://localhost:{SETTINGS['port']}"
ROUNDS = SETTINGS["rounds"]
# WSO2 answers these with 500 by contract (see the conformance scenarios of the deny policies).
PINNED = {("POST", "/api/am/admin/v4/throttling/deny-policies"), ("POST", "/throttling/deny-policies")}
# Ends what the run stands on: its own tokens, its own account.
LEFT_OUT = ("/oauth2/revoke", "/oidc/logout", "/me/change-password")

session = requests.Session()
session.verify = SETTINGS["ca"]
session.trust_env = False
# A server may close a connection whose last request it refused unread; on a new one it has to answer.
session.mount("https://", HTTPAdapter(max_retries=Retry(total=3, read=3, connect=0, status=0, allowed_methods=None)))
found = {}
statuses = {}


def token():
    basic = base64.b64encode(f"{SETTINGS['user']}:{SETTINGS['password']}".encode()).decode()
    client = session.post(
        f"{BASE}/client-registration/v0.17/register",
        headers={"Authorization": f"Basic {basic}"},
        json={"callbackUrl": "https://localhost/none", "clientName": "rest-fuzz", "owner": SETTINGS["user"],
              "grantType": "password refresh_token", "saasApp": True},
    ).json()
    answer = session.post(
        f"{BASE}/oauth2/token",
        auth=(client["clientId"], client["clientSecret"]),
        data={"grant_type": "password", "username": SETTINGS["user"], "password": SETTINGS["password"],
              "scope": " ".join(SETTINGS["scopes"])},
    ).json()
    return answer["access_token"]


HEADERS = {}


def judge(method, path, response, sent):
    """Keeps the first request that an operation answered wrongly."""
    status = response.status_code
    statuses[status] = statuses.get(status, 0) + 1
    key = (method, path)
    wrong = status >= 500 or not (200 <= status < 500)
    if wrong and key not in PINNED:
        found.setdefault(key, (status, sent, response.text[:300]))


def call(method, base, path, filled, **more):
    headers = {**HEADERS, **more.pop("headers", {})}
    response = session.request(method, BASE + base + filled, headers=headers, timeout=30, **more)
    judge(method, base + path, response, {k: repr(v)[:300] for k, v in more.items()} | {"url": filled})
    return response


def one(base, kind, wanted, key):
    """The id of the object of that name, made if it is not there (any more)."""
    answer = session.post(f"{BASE}{base}/{kind}", headers=HEADERS, json=wanted)
    if answer.status_code in (200, 201):
        return answer.json()[key]
    found = session.get(f"{BASE}{base}/{kind}", headers=HEADERS, params={"query": wanted["name"]}).json().get("list", [])
    return found[0].get(key) if found else None


def material():
    """Objects that exist, so that requests reach further than a 404."""
    if all(session.get(BASE + path, headers=HEADERS).ok for path in KEPT.values()) and KEPT:
        return KEPT_IDS
    api = one("/api/am/publisher/v4", "apis", {
        "name": "RestFuzz", "context": "/rest-fuzz", "version": "1", "policies": ["Unlimited"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9/"}}}, "id")
    application = one("/api/am/devportal/v3", "applications", {"name": "RestFuzz", "throttlingPolicy": "Unlimited"}, "applicationId")
    KEPT.update(api=f"/api/am/publisher/v4/apis/{api}", application=f"/api/am/devportal/v3/applications/{application}")
    KEPT_IDS.update(apiId=api, applicationId=application)
    return KEPT_IDS


KEPT, KEPT_IDS = {}, {}
ODD = ["00000000-0000-0000-0000-000000000000", "%00", "..", "a'b", "\u202e", "x" * 300, "-1", "%F0%9F%92%A9", ";a=b"]


def fill(path, rng, ids, share=0.85):
    """The path with ids that exist, as far as `share` goes and they are known, and odd ones for the rest."""
    parts = []
    for part in path.split("/"):
        if part.startswith("{"):
            real = ids.get(part[1:-1])
            parts.append(str(real) if real and rng.random() < share else rng.choice(ODD))
        else:
            parts.append(part)
    return "/".join(parts)


def harvest(base, paths, ids):
    """Ids of what the lists show, for the parameters of the paths below them."""
    for path in sorted(paths, key=len):
        above, _, last = path.rpartition("/")
        name = last.strip("{}")
        if not last.startswith("{") or "get" not in paths.get(above, {}) or name in ids:
            continue
        answer = call("GET", base, above, fill(above, random.Random(1), ids, 1))
        shown = answer.json() if answer.ok and "json" in answer.headers.get("Content-Type", "") else {}
        first = (shown.get("list") or [{}])[0] if isinstance(shown, dict) else {}
        for key in (name, "id", "policyId", "conditionId", "name", "alias"):
            if isinstance(first, dict) and first.get(key):
                ids[name] = first[key]
                break


def odd(rng):
    return rng.choice([
        None, True, -1, 0, 1e308, 2**63, "", " ", "\u0000", "a\nb", "x" * 5000, "<script>alert(1)</script>", "../../etc/passwd",
        "${jndi:ldap://127.0.0.1/a}", "' OR 1=1 --", [], {}, [None], [[[]]], {"": {}}, ["x"] * 200, "\ud83d\ude00", "%s%n",
    ])


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, path + (key,))
    elif isinstance(value, list):
        for n, inner in enumerate(value[:3]):
            yield from places(inner, path + (n,))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


def mutate(base, paths, ids):
    """What a GET shows is sent back with one thing changed, and to the POST above it."""
    rng = random.Random(7)
    harvest(base, paths, ids)
    for path, item in paths.items():
        if not any(method in item for method in ("put", "post", "patch")) or any(part in path for part in LEFT_OUT):
            continue
        shown = {}
        for source in (path, path + "/{id}"):
            if "get" in paths.get(source, {}):
                answer = call("GET", base, source, fill(source, rng, ids, 1))
                if answer.ok and "json" in answer.headers.get("Content-Type", ""):
                    shown = answer.json()
        if isinstance(shown, dict) and isinstance(shown.get("list"), list) and shown["list"]:
            shown = shown["list"][0]
        spots = list(places(shown)) or [()]
        for method in ("put", "post", "patch"):
            if method not in item:
                continue
            for _ in range(ROUNDS * 4):
                ids.update(material())
                body = changed(shown, rng.choice(spots), odd(rng))
                call(method.upper(), base, path, fill(path, rng, ids), json=body)
            for raw in (b"", b"{", b"[]", b"\xff\xfe", b"{\"a\":" * 2000, b"null"):
                call(method.upper(), base, path, fill(path, rng, ids), data=raw, headers={"Content-Type": "application/json"})
            files = {"file": ("a.zip", b"PK\x05\x06" + b"\0" * 18, "application/zip"), "additionalProperties": (None, "{")}
            call(method.upper(), base, path, fill(path, rng, ids), files=files)


def made_up(document, base):
    """What schemathesis makes of the document; operations that take a body get one of any form."""
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in ("post", "put", "patch"):
                operation.setdefault("requestBody", {"content": {"application/json": {"schema": {}}}})
            operation.setdefault("parameters", [])
            known = {parameter["name"] for parameter in operation["parameters"]}
            if method == "get":
                for name, schema in (("limit", {"type": "integer"}), ("offset", {"type": "integer"}), ("query", {"type": "string"})):
                    if name not in known:
                        operation["parameters"].append({"name": name, "in": "query", "schema": schema})
    schema = schemathesis.openapi.from_dict(document)
    number = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if any(part in operation.path for part in LEFT_OUT):
            continue
        number += 1

        @seed(number)
        @settings(max_examples=ROUNDS, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def run(case):
            response = case.call(base_url=BASE + base, headers=HEADERS, session=session, verify=SETTINGS["ca"])
            judge(operation.method.upper(), base + operation.path, response,
                  {"url": response.request.url[:300], "body": repr(response.request.body)[:300]})

        run()
    return number


def main():
    HEADERS["Authorization"] = f"Bearer {token()}"
    ids = dict(material())
    for file, base in SETTINGS["documents"]:
        document = json.load(open(file))
        mutate(base, document["paths"], ids)
        number = made_up(document, base)
        print(f"{base}: {number} operations; answers so far {dict(sorted(statuses.items()))}")
    if statuses.get(200, 0) < 100:
        sys.exit("hardly a request came through: this run says nothing")
    for (method, path), (status, sent, text) in sorted(found.items()):
        print(f"WRONG {method} {path}: {status}\n  sent {sent}\n  got {text}")
    sys.exit(1 if found else 0)


urllib3.disable_warnings()
main()
