"""Judges reports of `portcullis audit` by what others published: the SARIF 2.1.0 schema, the OSCAL models of trestle,
junitparser, and our own JSON schema read by another validator. The signature is checked with the `cryptography` package."""

import base64
import hashlib
import json
import pathlib
import sys

import jsonschema
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from junitparser import JUnitXml
from trestle.oscal.assessment_results import Model

reports = pathlib.Path(sys.argv[1])
schemas = {"json": pathlib.Path(sys.argv[2]), "sarif": pathlib.Path(sys.argv[3])}
key = serialization.load_pem_private_key(pathlib.Path(sys.argv[4]).read_bytes(), None).public_key()


def valid(form, document):
    schema = json.loads(schemas[form].read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    faults = [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(document)]
    assert not faults, faults[:5]


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


for subject in sorted({path.name.rsplit(".", 1)[0] for path in reports.glob("*.json")}):
    read = {form: (reports / f"{subject}.{form}").read_text() for form in ("json", "sarif", "oscal", "junit", "html")}
    own = json.loads(read["json"])
    checks = [check for guideline in own["guidelines"] for check in guideline["checks"]]
    fails = sum(check["status"] == "fails" for check in checks)
    valid("json", own)

    sarif = json.loads(read["sarif"])
    valid("sarif", sarif)
    rules = {result["ruleId"] for result in sarif["runs"][0]["results"] if result["kind"] == "fail"}
    assert rules == {check["id"] for check in checks if check["status"] in ("fails", "waived")}, rules

    oscal = json.loads(read["oscal"])
    Model.parse_obj(oscal)
    findings = oscal["assessment-results"]["results"][0]["findings"]
    unmet = {f["target"]["target-id"] for f in findings if f["target"]["status"]["state"] == "not-satisfied"}
    assert {check["id"].lower() for check in checks if check["status"] == "fails"} <= unmet

    suites = list(JUnitXml.fromfile(str(reports / f"{subject}.junit")))
    cases = [case for suite in suites for case in suite]
    assert len(cases) == len(checks), (len(cases), len(checks))
    assert sum(suite.failures for suite in suites) == fails
    assert "<script" not in read["html"] and "http://" not in read["html"]

    signature = reports / f"{subject}.json.jws"
    if signature.exists():
        header, payload, value = signature.read_text().strip().split(".")
        key.verify(part(value), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
        assert json.loads(part(payload))["sha256"] == hashlib.sha256(read["json"].encode()).hexdigest()
    print(f"{subject}: {len(checks)} checks, {fails} fail; SARIF, OSCAL, JUnit, JSON and the signature are right")
