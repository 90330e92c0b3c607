"""Flows of PyPI authlib against a started server; joserfc and jwcrypto verify our tokens, and we verify theirs."""

import base64
import datetime
import json
import os
import re
import sys
import time
import uuid
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwk as rfc_jwk
from joserfc import jwt as rfc_jwt
from jwcrypto import jwk as c_jwk
from jwcrypto import jwt as c_jwt



def certificate(directory, name, signer=None):
    """A client certificate with its key in one PEM file, signed by an authority or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Judges, Inc."), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer, issuer_key = signer or (subject, key)
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name + ".example")]), critical=False)
            .sign(issuer_key, hashes.SHA256()))
    pem = made.public_bytes(serialization.Encoding.PEM)
    with open(os.path.join(directory, name + ".pem"), "wb") as file:
        file.write(pem)
    with open(os.path.join(directory, name + "-key.pem"), "wb") as file:
        file.write(pem + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return subject, key


if sys.argv[1:2] == ["certificates"]:
    signer = certificate(sys.argv[2], "authority")
    certificate(sys.argv[2], "vouched", signer)
    certificate(sys.argv[2], "alone")
    sys.exit(0)

BASE = os.environ["PORTCULLIS_BASE"]
ISSUER = os.environ["PORTCULLIS_ISSUER"]
ROOTS = os.environ["PORTCULLIS_ROOTS"]
# A bundle that the environment names would count for more than the session's.
os.environ["REQUESTS_CA_BUNDLE"] = ROOTS
PERSON = (os.environ["PORTCULLIS_USER"], os.environ["PORTCULLIS_USER_PASSWORD"])
ADMIN = (os.environ["PORTCULLIS_ADMIN"], os.environ["PORTCULLIS_ADMIN_PASSWORD"])
CALLBACK = "https://client.example/callback"
TOKEN = BASE + "/oauth2/token"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
passed, failed = 0, 0


def step(name):
    def run(function):
        global passed, failed
        try:
            function()
            passed += 1
            print("ok", name)
        except Exception as error:
            failed += 1
            print("FAILED %s: %r" % (name, error))
        return function
    return run


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def register(**metadata):
    body = {"client_name": "judge " + str(uuid.uuid4()), "redirect_uris": [CALLBACK], "grant_types": [
        "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]}
    body.update(metadata)
    answer = requests.post(BASE + "/api/identity/oauth2/dcr/v1.1/register", json=body, auth=ADMIN, verify=ROOTS, timeout=30)
    expect(answer.status_code == 201, answer.text)
    return answer.json()


def hidden(page):
    return {unescape(n): unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)}


def browse(url):
    """Signs in and agrees; the address of the client that the browser is sent to."""
    browser = requests.Session()
    browser.verify = ROOTS
    method, form = "GET", None
    for _ in range(15):
        if not url.startswith(BASE + "/"):
            return url
        page = browser.request(method, url, data=form, allow_redirects=False, timeout=30, headers={"origin": BASE} if form else {})
        method, form = "GET", None
        onward = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', page.text)
        if "location" in page.headers:
            url = urljoin(url, page.headers["location"])
        elif onward:
            url = urljoin(url, unescape(onward.group(1)))
        else:
            expect(page.status_code == 200, page.text)
            action = re.search(r'<form[^>]* action="([^"]*)"', page.text).group(1)
            method, form = "POST", hidden(page.text)
            form.update({"name": PERSON[0], "password": PERSON[1]} if action == "/signin" else {"decision": "allow"})
            url = urljoin(url, action)
    raise AssertionError("the redirects do not end")


def session(client, **options):
    made = OAuth2Session(client["client_id"], client.get("client_secret"), redirect_uri=CALLBACK, code_challenge_method="S256", **options)
    made.verify = ROOTS
    return made


def sign_in(made, **options):
    verifier = base64.urlsafe_b64encode(os.urandom(48)).decode().rstrip("=")
    url, _ = made.create_authorization_url(BASE + "/oauth2/authorize", code_verifier=verifier, **options)
    back = browse(url)
    expect(parse_qs(urlsplit(back).query)["iss"] == [ISSUER], back)
    return made.fetch_token(TOKEN, authorization_response=back, code_verifier=verifier)


@step("authlib: code with PKCE, refresh, revocation")
def _():
    made = session(register(), scope="openid orders")
    token = sign_in(made)
    expect(token["token_type"] == "Bearer" and token["id_token"], token)
    info = made.get(BASE + "/oauth2/userinfo")
    expect(info.json()["sub"] == PERSON[0] + "@carbon.super", info.text)
    renewed = made.refresh_token(TOKEN, refresh_token=token["refresh_token"])
    expect(renewed["refresh_token"] != token["refresh_token"], "not rotated")
    live = made.introspect_token(BASE + "/oauth2/introspect", token=renewed["access_token"], token_type_hint="access_token")
    expect(live.json()["active"], live.text)
    expect(made.revoke_token(BASE + "/oauth2/revoke", token=renewed["refresh_token"]).status_code == 200, "not revoked")
    live = made.introspect_token(BASE + "/oauth2/introspect", token=renewed["access_token"])
    expect(not live.json()["active"], live.text)


@step("authlib: client credentials by header and by form")
def _():
    for method in ("client_secret_basic", "client_secret_post"):
        client = register(token_endpoint_auth_method=method)
        made = session(client, token_endpoint_auth_method=method)
        expect(made.fetch_token(TOKEN, grant_type="client_credentials")["access_token"], method)


@step("authlib: private_key_jwt")
def _():
    key = c_jwk.JWK.generate(kty="RSA", size=2048, kid="judge", alg="RS256")
    client = register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [json.loads(key.export_public())]})
    made = OAuth2Session(client["client_id"], key.export_to_pem(private_key=True, password=None).decode(), token_endpoint_auth_method="private_key_jwt")
    made.verify = ROOTS
    made.register_client_auth_method(PrivateKeyJWT(TOKEN, alg="RS256"))
    expect(made.fetch_token(TOKEN, grant_type="client_credentials")["access_token"], "no token")


def our_token():
    return session(register()).fetch_token(TOKEN, grant_type="client_credentials")["access_token"]


@step("joserfc and jwcrypto verify our token, and not a changed one")
def _():
    keys = requests.get(BASE + "/oauth2/jwks", verify=ROOTS, timeout=30).json()
    token = our_token()
    ours = rfc_jwt.decode(token, rfc_jwk.KeySet.import_key_set(keys), algorithms=ALGORITHMS)
    expect(ours.header["typ"] == "at+jwt" and ours.claims["iss"] == ISSUER, ours.claims)
    theirs = c_jwt.JWT(jwt=token, key=c_jwk.JWKSet.from_json(json.dumps(keys)), algs=ALGORITHMS)
    expect(json.loads(theirs.claims)["iss"] == ISSUER, theirs.claims)
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["scope"] = "apim:admin"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    for verify in (lambda t: rfc_jwt.decode(t, rfc_jwk.KeySet.import_key_set(keys), algorithms=ALGORITHMS),
                   lambda t: c_jwt.JWT(jwt=t, key=c_jwk.JWKSet.from_json(json.dumps(keys)), algs=ALGORITHMS)):
        try:
            verify(".".join((head, changed, signature)))
        except Exception:
            continue
        raise AssertionError("a changed token verifies")


def new_key(algorithm):
    made = {"RS256": ("RSA", {"size": 2048}), "PS256": ("RSA", {"size": 2048}), "ES256": ("EC", {"crv": "P-256"}), "EdDSA": ("OKP", {"crv": "Ed25519"})}
    kind, options = made[algorithm]
    return c_jwk.JWK.generate(kty=kind, alg=algorithm, kid=str(uuid.uuid4()), use="sig", **options)


def ask(assertion):
    form = {"grant_type": "client_credentials", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    return requests.post(TOKEN, data=form, verify=ROOTS, timeout=30)


for algorithm in ALGORITHMS:
    @step("we verify what joserfc and jwcrypto sign with " + algorithm)
    def _():
        key = new_key(algorithm)
        client = register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [json.loads(key.export_public())]})
        now = int(time.time())
        claims = lambda: {"iss": client["client_id"], "sub": client["client_id"], "aud": ISSUER, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 60}
        header = {"alg": algorithm, "kid": key.key_id, "typ": "JWT"}
        token = c_jwt.JWT(header=header, claims=claims())
        token.make_signed_token(key)
        expect(ask(token.serialize()).status_code == 200, "jwcrypto's signature was refused")
        imported = rfc_jwk.import_key(json.loads(key.export_private()))
        token = rfc_jwt.encode(header, claims(), imported, algorithms=[algorithm])
        expect(ask(token).status_code == 200, "joserfc's signature was refused")
        stranger = new_key(algorithm)
        token = c_jwt.JWT(header=header, claims=claims())
        token.make_signed_token(stranger)
        refused = ask(token.serialize())
        expect(refused.status_code == 401 and refused.json()["error"] == "invalid_client", refused.text)


@step("what forgers of tokens try at the token endpoint and at userinfo")
def _():
    token = our_token()
    head, body, signature = token.split(".")
    enc = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    keys = requests.get(BASE + "/oauth2/jwks", verify=ROOTS, timeout=30).json()
    public = c_jwk.JWK.from_json(json.dumps(keys["keys"][0])).export_to_pem()
    secret = c_jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(public).decode().rstrip("="))
    swapped = c_jwt.JWT(header={"alg": "HS256", "typ": "at+jwt"}, claims=json.loads(base64.urlsafe_b64decode(body + "==")))
    swapped.make_signed_token(secret)
    forged = [enc({"alg": "none", "typ": "at+jwt"}) + "." + body + ".", enc({"alg": "none"}) + "." + body + "." + signature,
              swapped.serialize(), head + "." + body + ".", head + "." + body, token[:-4], "a" * 20000]
    for text in forged:
        answer = requests.get(BASE + "/oauth2/userinfo", headers={"authorization": "Bearer " + text}, verify=ROOTS, timeout=30)
        expect(answer.status_code == 401, text[:80])


CERTIFICATES = os.environ.get("PORTCULLIS_CLIENT_CERTIFICATES", "")


def pair(name):
    return os.path.join(CERTIFICATES, name + ".pem"), os.path.join(CERTIFICATES, name + "-key.pem")


def with_certificate(client_id, name, **form):
    form.update({"grant_type": "client_credentials", "client_id": client_id})
    return requests.post(TOKEN, data=form, cert=pair(name) if name else None, verify=ROOTS, timeout=30)


if CERTIFICATES:
    @step("tls_client_auth: a certificate of a trusted authority with the registered subject")
    def _():
        client = register(token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=vouched,O=Judges\\, Inc.")
        by_name = register(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="vouched.example")
        for known in (client, by_name):
            answer = with_certificate(known["client_id"], "vouched")
            expect(answer.status_code == 200, answer.text)
            for wrong in ("alone", None):
                expect(with_certificate(known["client_id"], wrong).status_code == 401, "let in with %s" % wrong)
        other = register(token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn="CN=other,O=Judges\\, Inc.")
        expect(with_certificate(other["client_id"], "vouched").status_code == 401, "another's certificate was taken")

    @step("self_signed_tls_client_auth, and tokens bound to the certificate")
    def _():
        with open(pair("alone")[0], "rb") as file:
            made = x509.load_pem_x509_certificate(file.read())
        der = made.public_bytes(serialization.Encoding.DER)
        key = json.loads(c_jwk.JWK.from_pyca(made.public_key()).export_public())
        key["x5c"] = [base64.b64encode(der).decode()]
        client = register(token_endpoint_auth_method="self_signed_tls_client_auth", jwks={"keys": [key]},
                          tls_client_certificate_bound_access_tokens=True)
        expect(with_certificate(client["client_id"], "vouched").status_code == 401, "another certificate was taken")
        answer = with_certificate(client["client_id"], "alone", scope="internal_user_mgt_list")
        expect(answer.status_code == 200, answer.text)
        token = answer.json()["access_token"]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        expect(claims["cnf"]["x5t#S256"] == base64.urlsafe_b64encode(made.fingerprint(hashes.SHA256())).decode().rstrip("="), claims)
        call = lambda name: requests.get(BASE + "/scim2/Users", headers={"authorization": "Bearer " + token},
                                         cert=pair(name) if name else None, verify=ROOTS, timeout=30).status_code
        expect((call("alone"), call("vouched"), call(None)) == (200, 401, 401), "the token works without its certificate")


print("%d steps passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
