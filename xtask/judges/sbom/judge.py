"""Judges `portcullis version --sbom` by the schema and the reader of CycloneDX's own Python library."""
import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1]).read()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert error is None, error
bom = Bom.from_json(json.loads(text))
locked = {}
for package in open(sys.argv[2]).read().split("[[package]]")[1:]:
    fields = dict(line.split(" = ", 1) for line in package.splitlines() if " = " in line)
    locked[(fields["name"].strip('"'), fields["version"].strip('"'))] = fields.get("checksum", "").strip('"')
for part in bom.components:
    assert (part.name, part.version) in locked, f"{part.name} {part.version} is not in Cargo.lock"
    sums = {hash.content for hash in part.hashes}
    wanted = locked[(part.name, part.version)]
    assert sums == ({wanted} if wanted else set()), f"{part.name}: {sums}"
assert bom.metadata.timestamp and bom.metadata.component.version
print(f"CycloneDX 1.6: valid, {len(bom.components)} parts, all of Cargo.lock with its checksums")
