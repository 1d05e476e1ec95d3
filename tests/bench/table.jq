# Figures (tests/bench/run --json) as one table; widths are for a terminal.
def pad(n): . + " " * ([n - length, 0] | max);
def lpad(n): " " * ([n - length, 0] | max) + .;
def number:
	if . == null then "-"
	elif . == 0 then "0"
	elif . >= 1000 then
		(round | tostring) as $s | ($s | length) as $n
		| [range(0; $n) | (if . > 0 and ($n - .) % 3 == 0 then "," else "" end) + $s[.:. + 1]] | add
	elif . >= 100 then round | tostring
	elif . >= 10 then . * 10 | round / 10 | tostring
	elif . >= 0.1 then . * 100 | round / 100 | tostring
	else . * 100000 | round / 100000 | tostring
	end;
def verdict: if .target == null then ""
	else "\(.target.is) \(.target.bound | number)" + (if .met == true then ", met" elif .met == false then ", MISSED" else "" end)
	end;
[["", "", "ours", "", "beside", "", "ratio", "target"]]
+ [.figures[] | [.row, .work, (.ours | number), .unit, (.beside // ""), (.rival | number), (.ratio | number), verdict]]
| . as $rows
| [range(0; 8) as $i | [$rows[][$i] | length] | max] as $w
| $rows[] as $r
| [range(0; 8) as $i | $r[$i] | if $i == 2 or $i == 5 or $i == 6 then lpad($w[$i]) else pad($w[$i]) end]
| join("  ") | sub(" +$"; "")
