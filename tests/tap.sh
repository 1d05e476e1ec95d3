# shellcheck shell=sh
# What the scripts share that need no hosts: tests/golden and tests/lint. Source it first of all:
#
#	. "$(dirname "$0")/../tap.sh"
#
# $top is the tree; $build where it was built, wherever the script goes from here ($BUILD, else build/ of the tree), and
# $innernet the program there; $tmp is an empty folder that goes with the script. At the end: echo "1..$n".

set -u
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=$(realpath "${BUILD:-$top/build}") || exit 1
innernet=$build/innernet
[ -x "$innernet" ] || {
	echo "Bail out! there is no $innernet"
	exit 1
}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
unset FORCE_COLOR COLUMNS
export NO_COLOR=1

n=0
tap() { # STATUS NAME: ok when the status is 0
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
ok() { # NAME COMMAND...: ok when it succeeds; its output goes nowhere
	tap_name=$1
	shift
	"$@" >/dev/null 2>&1
	tap $? "$tap_name"
}
report() { # NAME FINDINGS: ok when there are none
	[ -z "$2" ]
	tap $? "$1"
	[ -z "$2" ] || printf '%s\n' "$2" | head -n 40 | sed 's/^/#   /'
}
skip() { # NAME REASON
	tap 0 "$1 # SKIP $2"
}
