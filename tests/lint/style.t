#!/usr/bin/env bash
# Formatting of C, shell scripts, man pages, and what the second compiler says.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
said() { # STATUS OUTPUT: what report() is to have of a command: nothing of one that went well and was silent
	[ "$1" = 0 ] || set -- "$1" "${2:-exit code $1}"
	echo "$2"
}

# clang-format's style differs between versions; .clang-format means version 14, which `make deps` installs where the
# system has a package of it.
mapfile -t c < <(find cmd schema reconcile tests -name '*.[ch]' | sort)
format=clang-format
command -v clang-format-14 >/dev/null && format=clang-format-14
version=$($format --version 2>/dev/null | grep -oE 'version [0-9]+')
if [ "$version" = 'version 14' ]; then
	out=$($format --dry-run -Werror "${c[@]}" 2>&1 | awk -F: '/error:/ && !seen[$1]++ { print $1 ":" $2 }')
	report 'clang-format (make format)' "$out"
else
	skip 'clang-format' ".clang-format is for version 14; clang-format here is ${version:-not installed}"
fi

# The other compiler than the one the tests were built with: cmd/ here, the rest in the fuzzers' build.
read -ra flags < <(pkg-config --cflags libgit2 libmnl libcyaml libmicrohttpd libcurl yaml-0.1 libsodium jansson libqrencode)
mapfile -t cmd < <(find cmd -name '*.c' | sort)
if [ ${#cmd[@]} -gt 0 ]; then
	out=$(clang -fsyntax-only -std=c11 -D_GNU_SOURCE -I. -DINNERNET_VERSION='"0"' -Wall -Wextra -Wpedantic -Wshadow \
		-Wstrict-prototypes -Wmissing-prototypes -Wformat=2 "${flags[@]}" "${cmd[@]}" 2>&1)
	report 'clang has no warning about cmd/' "$(said $? "$out")"
fi

mapfile -t scripts < <(find .ci contrib tests -type f -perm -u+x ! -name '*.py' | sort | while read -r f; do
	head -c 64 "$f" | head -n 1 | grep -aqE '^#! ?/(usr/)?bin/(env )?(ba)?sh' && printf '%s\n' "$f"
done; find tests contrib -name '*.sh' -o -name '*.bash' | sort)
out=$(shellcheck -x --severity=warning "${scripts[@]}" 2>&1)
report 'shellcheck' "$(said $? "$out")"

shopt -s nullglob
pages=(man/*.[1-8])
if [ ${#pages[@]} -gt 0 ]; then
	# Whether the pages it refers to are installed is this machine's affair.
	out=$(mandoc -Tlint -Wstyle "${pages[@]}" 2>/dev/null | grep -v 'referenced manual not found')
	report 'mandoc' "$out"
fi
echo "1..$n"
