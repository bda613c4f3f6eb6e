# SPDX-License-Identifier: GPL-2.0-or-later
#
# awk -v kernel=NAME -v tsv=FILE -f report.awk figures ROWS
#
# Holds the rows that a guest printed against the limits: as text for people, and into
# tsv. Exits with 1 when a limit is broken, or a figure that has one is not there.

BEGIN {
	FS = OFS = "\t"
	print "kernel", "figure", "who", "value", "unit", "limit", "verdict", "note" >tsv
}

/^#/ { next }

NR == FNR {
	order[++figures] = $1
	base[$1] = $2
	unit[$1] = $3
	limit[$1] = $4
	title[$1] = $6
	for (i = split($5, exceptions, " "); i; i--)
		if (split(exceptions[i], pair, "=") == 2 && pair[1] == kernel)
			limit[$1] = pair[2]
	next
}

NF == 4 {
	whose[$1, ++count[$1]] = $2
	value[$1, $2] = $3
	note[$1, $2] = $4
}

function grouped(n, text, sign)
{
	sign = n < 0 ? "-" : ""
	for (n = sign ? -n : n + 0; n >= 1000; n = int(n / 1000))
		text = sprintf(",%03d%s", n % 1000, text)
	return sign n text
}

# What the row is worth: above its base, where it has one
function worth(figure, who, v)
{
	v = value[figure, who]
	if (v == "-" || base[figure] == "-")
		return v
	return v - value[base[figure], "kernel"]
}

function limit_of(figure)
{
	if (limit[figure] == "2xidle")
		return 2 * value[figure, "idle"]
	return limit[figure]
}

function judge(figure, who, v, most)
{
	if (who != "gomem" || most == "-")
		return "-"
	if (v == "-")
		return "skipped"
	if (v + 0 <= most + 0)
		return "pass"
	bad = 1
	return "FAIL"
}

function tell(figure, who, v, most, verdict, shown)
{
	v = worth(figure, who)
	most = limit_of(figure)
	verdict = judge(figure, who, v, most)
	if (who != "gomem")
		most = "-"
	shown = v == "-" ? "-" : (base[figure] != "-" && v >= 0 ? "+" : "") grouped(v)
	printf "  %-34s %14s", who, shown
	if (verdict != "-")
		printf "  at most %s: %s", grouped(most), verdict
	print note[figure, who] ? "  " note[figure, who] : ""
	print kernel, figure, who, v, unit[figure], most, verdict, note[figure, who] >tsv
}

END {
	for (f = 1; f <= figures; f++) {
		figure = order[f]
		print figure ": " title[figure] ", " unit[figure]
		for (i = 1; i <= count[figure]; i++)
			tell(figure, whose[figure, i])
		if (limit[figure] != "-" && !((figure, "gomem") in value)) {
			print "  gomem was not measured: FAIL"
			bad = 1
		}
	}
	exit bad
}
