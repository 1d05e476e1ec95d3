#!/bin/sh
# innernet validate around the diagnostics: what it reads, what it does not, its exit codes and its JSON.
. "$(dirname "$0")/../tap.sh"
cd "$tmp" || exit 1
export HOME=$tmp
is() { # NAME EXIT-CODE PATTERN ARGUMENT...: validate ends with the code and says what matches
	name=$1 code=$2 pattern=$3
	shift 3
	n=$((n + 1))
	out=$(timeout 20 "$innernet" validate "$@" 2>&1)
	got=$?
	if [ "$got" = "$code" ] && printf '%s\n' "$out" | grep -qe "$pattern"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		printf 'exit code %s\n%s\n' "$got" "$out" | sed 's/^/# /'
	fi
}

is 'the example is valid' 0 'network.yaml: valid: network corp, ' "$top/examples/network.yaml"
is 'and by its folder' 0 'network.yaml: valid: network corp, ' "$top/examples"
is 'nothing in the current folder' 2 '^error\[file-error\]: .*network.yaml'
is 'a file that is not there' 2 '^error\[file-error\]: .*nonesuch.yaml' nonesuch.yaml
is 'neither that nor a network' 2 "^error\[no-clone\]: there is no file or folder 'nonesuch', and no clone of" nonesuch
is 'two files, the one valid, the other not there' 2 '^examples: \|network.yaml: valid' "$top/examples" nonesuch
is 'two valid ones' 0 'valid' "$top/examples" "$top/examples/network.yaml"
is 'a format that is none' 2 "not 'xml'" --format xml
mkfifo pipe
is 'a pipe is no definition' 2 'file-not-regular' pipe

base='network: corp
cidr: 10.60.0.0/16
peers:
  hub: { ip: 10.60.0.1, public_key: "SPrps3IDBV6RrS/otJ+VcDfXhISQFxRzzMyPRiHiQxg=", endpoint: "192.0.2.1:51820", server: true }'
mkdir -p net/teams/deep net/other
printf '%s\n' "$base" >net/network.yaml
is 'the folder and its file as typed' 0 '^net/network.yaml: valid' net
is 'with a slash too' 0 '^net/network.yaml: valid' net/
cp net/network.yaml .
is 'the file in the current folder by its name alone' 0 '^network.yaml: valid' .

printf '%s\ninclude: ["teams/*.yaml", "*/deep/x?.yaml"]\n' "$base" >net/network.yaml
printf 'cidrs:\n  a: 10.60.1.0/24\n' >net/teams/a.yaml
printf 'cidrs:\n  b: 10.60.2.0/24\n' >net/teams/deep/x1.yaml
printf 'cidrs:\n  c: 10.60.3.0/24\n' >net/teams/.hidden.yaml
is 'patterns find files in folders, but for hidden ones' 0 ' 3 CIDRs' net
printf 'cidrs:\n  a: 10.60.1.0/25\n' >net/teams/b.yaml
is 'places name the included file as one would open it' 1 '^ --> net/teams/b.yaml:2:3$' net
rm net/teams/b.yaml
printf 'cidrs:\n  d: 10.60.4.0/24\n' >outside.yaml
ln -s ../../outside.yaml net/teams/link.yaml
ln -s ../../ net/teams/up
is 'symbolic links are not followed' 0 ' 3 CIDRs' net
printf '%s\ninclude: ["teams/link.yaml"]\n' "$base" >net/network.yaml
is 'not by name either' 1 'no file matches' net
printf '%s\ninclude: ["teams/up/outside.yaml"]\n' "$base" >net/network.yaml
is 'nor on the way' 1 'no file matches' net
mkfifo net/teams/pipe.yaml
printf '%s\ninclude: ["teams/*.yaml"]\n' "$base" >net/network.yaml
is 'a pipe is passed by' 0 ' 2 CIDRs' net
if [ "$(id -u)" != 0 ]; then
	chmod 0 net/teams/a.yaml
	is 'an included file that cannot be read' 2 'cannot open net/teams/a.yaml' net
	chmod 644 net/teams/a.yaml
fi

is 'JSON that is valid' 0 '"valid": true' --format json net
printf 'network: corp\n' >net/network.yaml
is 'JSON that is not' 1 '"code": "missing-key"' --format=json net
is 'JSON without a file' 2 '"error_count": 1' --format json nonesuch
is 'one JSON for two' 2 '"error_count": 3' --format json net nonesuch

# Annotations land where the person's file is, the included one's too.
printf '%s\ninclude: ["teams/*.yaml"]\n' "$base" >net/network.yaml
printf 'cidrs:\n  a: 10.60.1.7/24\n' >net/teams/a.yaml
is 'an annotation for GitHub' 1 \
	'^::error file=net/teams/a.yaml,line=2,col=6,endLine=2,endColumn=18,title=host-bits::10.60.1.7/24 has bits set' \
	--format github net
is 'nothing to annotate' 0 '^$' --format github "$top/examples"
is 'SARIF of a folder' 1 '"uri": "net/teams/a.yaml"' --format sarif net
is 'JUnit of a folder' 1 '<testcase classname="innernet.validate" name="net/teams/a.yaml" file="net/teams/a.yaml"' \
	--format junit net
is 'JUnit of the other file' 1 '<testsuite .*tests="2" failures="1" errors="0"' --format junit net
is 'JUnit of what is not there' 2 '<error type="file-error"' --format junit nonesuch.yaml
is '--diff takes no format' 2 'takes no --format' --diff --format json net

is 'a diff' 1 '^+  a: 10.60.1.0/24$' --diff net
is 'that changed nothing' 1 'host-bits' net
chmod 640 net/teams/a.yaml
is 'a fix' 0 '^net/teams/a.yaml:2:6: 10.60.1.7/24 becomes 10.60.1.0/24 \[host-bits\]$' --fix net
is 'that stays' 0 '^net/network.yaml: valid: network corp, 2 CIDRs' net
n=$((n + 1))
if [ "$(stat -c %a net/teams/a.yaml)" = 640 ]; then echo "ok $n - with its mode"; else echo "not ok $n - with its mode"; fi
echo "1..$n"
