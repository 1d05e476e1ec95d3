#!/bin/sh
# innernet schema: a schema by its own rules, and by another validator's reading of it. (tests/edge/json_schema.c
# compares it with the loader.)
. "$(dirname "$0")/../tap.sh"

"$innernet" schema >"$tmp/root.json"
tap $? 'it is printed'
"$innernet" schema --included >"$tmp/included.json"
tap $? 'and that of an included file'
holds() { # NAME FILE FILTER: jq's filter says true of it
	jq -e "$3" "$tmp/$2" >/dev/null
	tap $? "$1"
}
holds 'it says which draft it is' root.json '."$schema" == "https://json-schema.org/draft/2020-12/schema"'
holds 'unknown keys are refused everywhere' root.json \
	'[.. | objects | select(.type == "object" and has("properties")) | .additionalProperties == false] | all'
holds 'each key says what it is' root.json \
	'[.. | objects | select(has("additionalProperties")) | .properties // {} | .[] | objects | (.description | length) > 5] | all'
holds 'each expression has a message that a person can read' root.json \
	'[.. | objects | select(.pattern? | type == "string") | .patternErrorMessage] | length > 20 and all(. != null and startswith("not "))'
holds 'defaults are those of the table' root.json \
	'[.properties.peers.additionalProperties.properties.admin, .properties.defaults.properties.mtu | .default] == [false, 1280]'
holds 'an included file has what it may have' included.json '.properties | keys == ["associations", "cidrs", "peers", "tests"]'

# The same by python3-jsonschema, where it is installed.
cat >"$tmp/check.py" <<'END'
import json, sys
import jsonschema, yaml

class Core(yaml.SafeLoader):  # YAML 1.2's core schema: times are texts
    yaml_implicit_resolvers = {k: [r for r in v if r[0] != 'tag:yaml.org,2002:timestamp']
                               for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}

for name in sys.argv[1:3]:
    jsonschema.Draft202012Validator.check_schema(json.load(open(name)))
check = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
check.validate(yaml.load(open(sys.argv[3]), Core))
broken = yaml.load(open(sys.argv[3]), Core)
broken['peers']['alice']['amdin'] = True
assert not check.is_valid(broken)
END
if python3 -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null; then
	out=$(python3 "$tmp/check.py" "$tmp/root.json" "$tmp/included.json" "$top/examples/network.yaml" 2>&1)
	tap $? 'another validator reads it, and accepts the example'
	[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/# /'
else
	n=$((n + 1))
	echo "ok $n - another validator # SKIP python3-jsonschema is not installed"
fi
echo "1..$n"
