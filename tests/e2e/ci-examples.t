#!/usr/bin/env bash
# examples/ci/ and .pre-commit-hooks.yaml: their shell lines are run in a clone, with gh and curl that answer as the
# forges do. No root, no network.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
PATH=$work/bin:$(realpath "${BUILD:-$top/build}"):$PATH
export PATH
export HOME=$work GIT_CONFIG_NOSYSTEM=1 NO_COLOR=1 STORE=$work/comments.json
unset FORCE_COLOR
git config --global user.name ada && git config --global user.email ada@example.com
git config --global init.defaultBranch main
if ! python3 -c 'import yaml' 2>/dev/null; then
	echo '1..0 # SKIP python3-yaml is not installed'
	exit 0
fi
n=0
tap() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
is() { # GOT WANTED NAME
	[ "$1" = "$2" ]
	tap $? "$3"
	[ "$1" = "$2" ] || diff <(printf '%s\n' "$2") <(printf '%s\n' "$1") | sed 's/^/# /'
}
has() { # TEXT PART NAME
	case $1 in *"$2"*) tap 0 "$3" ;; *) is "$1" "... $2 ..." "$3" ;; esac
}
yaml() { # FILE EXPRESSION: python's, of the document `d`; texts are printed as they are
	python3 -c 'import json, sys, yaml
d = yaml.safe_load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v))' "$@"
}

# A definition, a branch, and a change on it.
git init -q --bare "$work/origin.git"
git clone -q "$work/origin.git" "$work/net" 2>/dev/null
cd "$work/net" || exit 1
cp "$top/examples/network.yaml" . && innernet validate --fix >"$work/fixed"
git add -A && git commit -qm one && git push -q origin main
git checkout -qb change
sed -i 's/^  - \[ci-servers, databases\]/&\n  - [databases, sites]/' network.yaml
git commit -qam 'backups'

# gh and curl, over one file of comments.
mkdir "$work/bin"
cat >"$work/bin/gh" <<'END'
#!/usr/bin/env bash
# gh api [--paginate] [--method M] PATH [--jq FILTER] [-F body=@FILE]
set -eu
[ "$1" = api ] && [ -n "$GH_TOKEN" ]
shift
method=GET path='' filter=. body=
while [ $# -gt 0 ]; do
	case $1 in
	--paginate) ;;
	--method) method=$2; shift ;;
	--jq) filter=$2; shift ;;
	-F) body=${2#body=@}; shift ;;
	*) path=$1 ;;
	esac
	shift
done
echo "$method $path" >>"$STORE.log"
case $method in
GET) jq -r "$filter" "$STORE" ;;
POST) jq --rawfile b "$body" '. + [{id: (length + 100), user: {type: "Bot"}, body: $b}]' "$STORE" >"$STORE.new" ;;
PATCH) jq --rawfile b "$body" --argjson id "${path##*/}" 'map(if .id == $id then .body = $b else . end)' "$STORE" >"$STORE.new" ;;
esac
[ "$method" = GET ] || mv "$STORE.new" "$STORE"
END
cat >"$work/bin/curl" <<'END'
#!/usr/bin/env bash
set -eu
method=GET url='' body=
while [ $# -gt 0 ]; do
	case $1 in
	--silent | --show-error | --fail) ;;
	--header) echo "$2" >>"$STORE.headers"; shift ;;
	--output) shift ;;
	--data) body=${2#@}; shift ;;
	--request) method=$2; shift ;;
	*) url=$1 ;;
	esac
	shift
done
echo "$method $url" >>"$STORE.log"
case $method,$url in
GET,*/user) echo '{"id": 7}' ;;
GET,*) cat "$STORE" ;;
POST,*) jq --slurpfile b "$body" '. + [{id: (length + 100), author: {id: 7}, body: $b[0].body}]' "$STORE" >"$STORE.new" ;;
PUT,*) id=${url##*/}; jq --slurpfile b "$body" --argjson id "$id" 'map(if .id == $id then .body = $b[0].body else . end)' "$STORE" >"$STORE.new" ;;
esac
[ "$method" = GET ] || mv "$STORE.new" "$STORE"
END
chmod +x "$work/bin/gh" "$work/bin/curl"

# GitHub's workflow: each step's lines as the runner runs them, with bash -e.
flow=$top/examples/ci/github-workflow.yml
step() { # NAME: runs that step's lines
	yaml "$flow" "next(s['run'] for s in d['jobs']['network']['steps'] if s.get('name') == '$1')" >"$work/step"
	out=$(bash --noprofile --norc -e -o pipefail "$work/step" 2>&1)
	status=$?
}
export GITHUB_REPOSITORY=ada/network PR=5 GH_TOKEN=secret BASE=main RUNNER_TEMP=$work
export GITHUB_STEP_SUMMARY=$work/summary GITHUB_OUTPUT=$work/output
is "$(yaml "$flow" "[s.get('name', s.get('uses')) for s in d['jobs']['network']['steps']]")" \
	'["actions/checkout@v4", "Install innernet", "Validate", "Plan", "Comment"]' 'GitHub: the steps'
is "$(yaml "$flow" "[len(s['run'].strip()) > 0 for s in d['jobs']['network']['steps'] if 'run' in s and '\${{' in s['run']]")" '[]' \
	'GitHub: what outsiders choose comes into the lines by variables alone'
bash -n <(yaml "$flow" "d['jobs']['network']['steps'][1]['run']")
tap $? 'GitHub: the installation is shell'
echo '[{"id": 1, "user": {"type": "User"}, "body": "<!-- innernet plan --> somebody wrote this"}]' >"$STORE"
step Validate
is "$status $out" '0 ' 'GitHub: nothing to annotate'
step Plan
is "$status $(cat "$work/output")" '0 status=2' 'GitHub: a plan with changes'
has "$(cat "$work/summary")" office 'GitHub: the summary has it'
step Comment
is "$status $(jq -c 'map(.id)' "$STORE")" '0 [1,101]' 'GitHub: a comment of its own, whatever else there is'
has "$(jq -r '.[1].body' "$STORE")" office 'GitHub: with the plan'
sed -i 's/databases, sites/ci-servers, sites/' network.yaml
step Plan
step Comment
is "$status $(jq -c 'map(.id)' "$STORE")" '0 [1,101]' 'GitHub: the next time it is the same comment'
has "$(jq -r '.[1].body' "$STORE")" ci-servers 'GitHub: with the new plan'
git checkout -q network.yaml
sed -i 's/10.60.250.0\/24/10.60.250.1\/24/' network.yaml
step Validate
is "$status" 1 'GitHub: what is not valid fails'
has "$out" '::error file=network.yaml,line=' 'GitHub: with its place'
: >"$work/output"
step Plan
is "$status $(cat "$work/output")" '1 status=1' 'GitHub: and has no plan'
step Comment
is "$status" 0 'GitHub: the comment says that'
is "$(jq -r '.[1].body' "$STORE" | wc -c | xargs test 20 -lt && echo more)" more 'GitHub: and is not empty'
git checkout -q network.yaml

# GitLab's job: all lines of `script` in one shell.
job=$top/examples/ci/gitlab-ci.yml
gitlab() {
	yaml "$job" "'\n'.join(d['network']['script'])" >"$work/job"
	out=$(sh -e "$work/job" 2>&1)
	status=$?
}
export CI_API_V4_URL=https://gitlab.example/api/v4 CI_PROJECT_ID=3 CI_MERGE_REQUEST_IID=9 INNERNET_TOKEN=secret
CI_MERGE_REQUEST_DIFF_BASE_SHA=$(git rev-parse origin/main)
export CI_MERGE_REQUEST_DIFF_BASE_SHA
sh -n <(yaml "$job" "'\n'.join(d['network']['before_script'])")
tap $? 'GitLab: the installation is shell'
echo '[{"id": 1, "author": {"id": 8}, "body": "<!-- innernet plan --> somebody wrote this"}]' >"$STORE"
: >"$STORE.log"
gitlab
is "$status $(jq -c 'map(.id)' "$STORE")" '0 [1,101]' 'GitLab: a note of its own'
has "$(jq -r '.[1].body' "$STORE")" office 'GitLab: with the plan'
has "$(cat validate.xml)" 'tests="1" failures="0"' 'GitLab: the report'
gitlab
is "$status $(jq -c 'map(.id)' "$STORE")" '0 [1,101]' 'GitLab: updated in place'
is "$(grep -v ^GET "$STORE.log")" "POST $CI_API_V4_URL/projects/3/merge_requests/9/notes
PUT $CI_API_V4_URL/projects/3/merge_requests/9/notes/101" 'GitLab: by the API'
sed -i 's/10.60.250.0\/24/10.60.250.1\/24/' network.yaml
gitlab
is "$status" 1 'GitLab: what is not valid fails'
has "$(cat validate.xml)" 'failures="1"' 'GitLab: and is in the report'
is "$(yaml "$job" "d['network']['artifacts']['reports']['junit']")" validate.xml 'GitLab: which is taken'
unset INNERNET_TOKEN
git checkout -q network.yaml
gitlab
is "$status" 0 'GitLab: without a token there is no note'

# The hooks for pre-commit.
hooks=$top/.pre-commit-hooks.yaml
is "$(yaml "$hooks" "[sorted({'id', 'name', 'entry', 'language'} - set(h)) for h in d]")" '[[], []]' 'hooks: they have what is required'
hook() { # ID: its entry, as pre-commit runs it
	# shellcheck disable=SC2046 # words
	out=$(eval "$(yaml "$hooks" "next(h['entry'] for h in d if h['id'] == '$1')")" 2>&1)
	status=$?
}
hook innernet-validate
is "$status" 0 'hooks: a valid network'
sed -i 's/10.60.250.0\/24/10.60.250.1\/24/' network.yaml
hook innernet-validate
is "$status" 1 'hooks: one that is not'
hook innernet-fix
is "$status $(git status --porcelain network.yaml)" '0 ' 'hooks: corrected'
if command -v pre-commit >/dev/null; then
	git clone -q "$top" "$work/top" 2>/dev/null || git init -q "$work/top"
	cp "$hooks" "$work/top/" && git -C "$work/top" add -A && git -C "$work/top" commit -qm hooks --allow-empty
	out=$(pre-commit try-repo "$work/top" innernet-validate --all-files --color never 2>&1)
	tap $? 'hooks: pre-commit itself runs them'
	has "$out" 'Passed' 'hooks: and says so'
	sed -i 's/10.60.250.0\/24/10.60.250.1\/24/' network.yaml
	out=$(pre-commit try-repo "$work/top" innernet-validate --all-files --color never 2>&1)
	has "$out" 'error[host-bits]' 'hooks: with what is wrong'
else
	n=$((n + 1))
	echo "ok $n - hooks: pre-commit # SKIP it is not installed"
fi
echo "1..$n"
