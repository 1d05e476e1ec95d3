#!/usr/bin/env bash
# What each room may include, what pure code may import, and how long a file may be (HACKING.md, "The map").
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1

# Includes point down: cmd -> reconcile/edge -> reconcile -> schema.
includes_outside() { # PATTERN FILE...
	local allowed=$1
	shift
	[ $# -gt 0 ] && grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$@" | grep -vE ":[[:space:]]*#[[:space:]]*include[[:space:]]*\"($allowed)\""
}
shopt -s nullglob
report 'schema/ includes schema/ alone' "$(includes_outside 'schema/[a-z0-9_]+\.h' schema/*.[ch])"
# A room of the layer above includes itself, the rooms that this table lists for it, and the layers below.
check_rooms() { # FOLDER LAYERS-BELOW: the table is the standard input
	local folder=$1 layers=$2 room below rooms=
	while read -r room below; do
		rooms="$rooms$room
"
		report "$folder/$room/ includes itself${below:+, ${below//|/, }}, and the layers below" \
			"$(includes_outside "($layers|$folder/($room${below:+|$below}))/[a-z0-9_]+\.h" "$folder/$room"/*.[ch])"
		report "$folder/$room/ has files" "$(compgen -G "$folder/$room/*.c" >/dev/null || echo 'it has none')"
	done
	report "$folder/ has no other room" "$(find "$folder" -mindepth 1 -maxdepth 1 ! -path reconcile/edge -printf '%f\n' | grep -vxF "$rooms")"
}
check_rooms reconcile schema <<'END'
text
net
wire text|net
plan text|wire
impact text|net|wire
show text|net|wire|plan|impact
lsp text|net
END
check_rooms reconcile/edge 'schema|reconcile/(text|net|wire|plan|impact|show|lsp)' <<'END'
base
device base
git base
http base
config base|git
peer base|device|git|http|config
revision base|git|config
control base
push base|git|config|revision|control
state base|device|git|config|revision|control
source base|git|config|revision|control|state
answer base|git|http|config|revision|control|state|source
server base|device|git|http|config|revision|control|state|source|answer
END
report 'cmd/ includes nothing of tests/' "$(includes_outside \
	'(schema|reconcile/[a-z]+|reconcile/edge/[a-z]+|cmd|cmd/[a-z-]+|cmd/innernet/edit)/[a-z0-9_]+\.h' cmd/*.[ch] cmd/*/*.[ch] cmd/*/*/*.[ch])"
report 'cmd/ and its programs include nothing of the rooms below them' "$(includes_outside \
	'(schema|reconcile/[a-z]+|reconcile/edge/[a-z]+|cmd|cmd/[a-z-]+)/[a-z0-9_]+\.h' cmd/*.[ch] cmd/*/*.[ch])"

# Pure objects import what tests/lint/pure-symbols lists, and each other.
impure() { # OBJECT...
	set -f
	# shellcheck disable=SC2046 # one pattern a word
	set -- $(sed 's/#.*//' tests/lint/pure-symbols) -- "$@"
	set +f
	local rules=()
	while [ "$1" != -- ]; do
		rules+=("$1")
		shift
	done
	shift
	nm --defined-only --extern-only "$@" | awk 'NF == 3 { print $3 }' | sort -u >"$tmp/defined"
	nm -A --undefined-only "$@" | awk '{ sub(/:$/, "", $1); print $NF, $1 }' | sort -u >"$tmp/undefined"
	while read -r symbol object; do
		grep -qxF -e "$symbol" "$tmp/defined" && continue
		local verdict=no rule
		# shellcheck disable=SC2053 # unquoted on the right of ==: the rules are patterns
		for rule in "${rules[@]}"; do
			if [[ $rule == !* ]]; then
				[[ $symbol == ${rule#!} ]] && verdict=no
			else
				[[ $symbol == $rule ]] && verdict=yes
			fi
		done
		[ $verdict = yes ] || printf '%s imports %s\n' "${object%%:*}" "$symbol"
	done <"$tmp/undefined"
}
objects() { # FOLDER: the objects of its sources, those that are there now
	local f
	for f in "$1"/*.c; do printf '%s\n' "$build/${f%.c}.o"; done
}
mapfile -t schema < <(objects schema)
mapfile -t pure < <(objects schema; for room in reconcile/*/; do
	[ "$room" = reconcile/edge/ ] || objects "${room%/}"
done)
if [ ${#pure[@]} -eq 0 ]; then
	echo 'Bail out! there are no pure objects'
	exit 1
fi
report 'schema/ imports nothing impure' "$(impure "${schema[@]}")"
report 'reconcile/ imports nothing impure' "$(impure "${pure[@]}")"
report 'pure code has no variables of its own' "$(size -A "${pure[@]}" |
	awk '/ :$/ || /:$/ { file = $1 } $1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 { print file, $1, $2 " bytes" }')"

# Every object, and what each calls or points at in another one.
mapfile -t all < <(for folder in schema reconcile/*/ reconcile/edge/*/ cmd cmd/*/ cmd/*/*/; do
	[ "$folder" = reconcile/edge/ ] || objects "${folder%/}"
done)
nm -A -g "${all[@]}" | awk -v build="$build/" '{
	object = substr($1, length(build) + 1)
	sub(/\.o:.*/, "", object)
	print object, $(NF - 1), $NF
}' >"$tmp/symbols"
report 'a name means one thing in both programs: no two objects define it' "$(awk '$2 ~ /^[TDRBCVW]$/ && $3 != "main" {
	if ($3 in by) print $3 ": " by[$3] ", " $1
	by[$3] = $1
}' "$tmp/symbols")"
awk '$2 ~ /^[TDRBCVW]$/ && $3 != "main" { by[$3] = $1 }
	$2 == "U" { user[++n] = $1; name[n] = $3 }
	END { for (i = 1; i <= n; i++) if (name[i] in by && by[name[i]] != user[i]) print user[i], by[name[i]] }' \
	"$tmp/symbols" | sort -u >"$tmp/calls"

ok 'objects call each other' [ -s "$tmp/calls" ]

# Calls run down.
report 'no objects call in a circle' "$(LC_ALL=C tsort "$tmp/calls" 2>&1 >/dev/null | sed -n 's/^tsort: \([^ ]*\)$/\1/p' | sort -u)"

# Only cmd/ prints to people, and only it ends the process.
talkers=$(nm -A --undefined-only "$build"/reconcile/edge/*/*.o 2>/dev/null |
	awk '{ sub(/@.*/, "", $NF) } $NF ~ /^(printf|__printf_chk|puts|putchar|exit|quick_exit)$/ { split($1, o, ":"); print o[1], "imports", $NF }' |
	grep -v '/log\.o ')
report 'reconcile/edge/ neither prints nor exits (the log does)' "$talkers"

report 'no file is longer than 900 lines' "$(find cmd schema reconcile tests contrib -type f \
	\( -name '*.[ch]' -o -name '*.t' -o -name '*.sh' \) -exec wc -l {} + | awk '$2 != "total" && $1 > 900 { print $2, $1 }')"
report 'one function says that there is no memory left' "$(grep -rnE --include='*.c' 'out_of_memory = true|diag_error\(.*"out-of-memory"' \
	cmd schema reconcile | grep -v '^schema/diag\.c:')"
report 'what compares for qsort(3) is called x_cmp' "$(grep -rnE --include='*.[ch]' \
	'^(static )?int [a-z0-9_]+\(const void \*[a-z]+, const void \*[a-z]+\)' cmd schema reconcile tests | grep -v '_cmp(')"
report 'nothing is left for later' "$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' --include='*.[ch]' --include='*.sh' --include='*.t' \
	cmd schema reconcile tests contrib | grep -v '^tests/lint/')"
echo "1..$n"
