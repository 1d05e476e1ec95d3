#!/usr/bin/env bash
# HACKING.md is the map of this tree: each file, room, function and type that it names exists, and it names each room.
. "$(dirname "$0")/../tap.sh"
cd "$top" || exit 1
map=HACKING.md
mapfile -t named < <(grep -oE '`[^`]+`' "$map" | tr -d '`' | sort -u)

# A path has a slash or a source file's ending. What begins with a slash, or is a branch, is of another tree.
paths=() functions=() types=() targets=()
for word in "${named[@]}"; do
	case $word in
	innernet/enrolments) ;;
	*' '*) [[ $word =~ ^(struct|enum)\ [a-z_]+$ ]] && types+=("$word")
		[[ $word =~ ^make\ [a-z-]+$ ]] && targets+=("${word#make }") ;;
	/*) ;;
	*'()') functions+=("${word%'()'}") ;;
	*/* | *.md | *.[ch1-8] | *.t) paths+=("$word") ;;
	esac
done
report 'each file and room that it names exists' "$(for p in "${paths[@]}"; do
	# A slash at the end says that it is a folder.
	if [ "${p%/}" != "$p" ]; then [ -d "$p" ]; else [ -f "$p" ] || [ -L "$p" ]; fi || echo "there is no $p"
done)"
report 'each page that it links exists' "$(grep -oE '\]\([^)#]+' "$map" | cut -c 3- | grep -v '^https:' |
	while read -r p; do [ -e "$p" ] || echo "there is no $p"; done)"
report 'each function that it names exists' "$(for f in "${functions[@]}"; do
	grep -rqE --include='*.h' "\\b$f\\(" schema reconcile cmd || echo "no header has $f()"
done)"
report 'each type that it names exists' "$(for t in "${types[@]}"; do
	grep -rqE --include='*.h' "\\b$t( \\{|;)" schema reconcile cmd || echo "no header has $t"
done)"
mapfile -t typed < <(sed -nE 's/^    make ([^#]*).*/\1/p' "$map" | tr ' ' '\n' | grep -xE '[a-z-]+')
report 'each make target that it names exists' "$(for t in "${targets[@]}" "${typed[@]}"; do
	grep -qE "^($t|[a-z -]* $t)( [a-z -]+)?:" Makefile || echo "the Makefile has no $t"
done)"

report 'each page that a comment names exists' "$({
	grep -rhoE '\b(innernet(-[a-z]+)?|network\.yaml)\([1-9]\)' schema reconcile cmd tests contrib ./*.md
	grep -rhow 'DESIGN' schema reconcile cmd man contrib
} | sort -u | while read -r name; do
	page=man/${name%(*}.${name: -2:1}
	[ -f "$page" ] || echo "there is no $name"
done)"

# A room is a folder with sources or tests of its own; the top level's folders are named, too.
mapfile -t rooms < <({
	find schema reconcile cmd tests contrib .ci man examples -type f \( -name '*.[ch]' -o -name '*.t' \) -printf '%h/\n'
	find contrib -mindepth 1 -type d -printf '%p/\n'
	printf '%s/\n' .ci contrib examples man
} | grep -v '^tests/fuzz/corpus/' | sort -u)
report 'it names each room' "$(for room in "${rooms[@]}"; do
	printf '%s\n' "${named[@]}" | grep -qxF -e "$room" || echo "$room is not in $map"
done)"

# The table of rooms and that of layering.t say the same.
allowed() { awk -v folder="$1" '/^END/ { on = 0 } on { print folder "/" $0 } $1 == "check_rooms" && $2 == folder { on = 1 }' tests/lint/layering.t; }
said() { # FOLDER: "ROOM A|B" of each row
	sed -nE "s,^\\| \`($1/[a-z]+)/\` \\| .* \\| ([^|]*) \\|\$,\\1 \\2,p" "$map" |
		sed -E 's/ (`schema\/`|the pure rooms)(, )?/ /; s/, /|/g; s/ *$//'
}
for folder in reconcile reconcile/edge; do
	report "what the rooms of $folder/ may include is what layering.t checks" \
		"$(diff <(allowed "$folder" | sort) <(said "$folder" | sort))"
done
echo "1..$n"
