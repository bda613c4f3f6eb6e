# SPDX-License-Identifier: GPL-2.0-or-later
#
# awk -f throughput.awk ROWS
#
# Of turns "alone", "watched" and "again" (alone), in rounds, each with operations a second,
# operations a second of CPU time, and the latency that one in a thousand exceeded, µs: the
# medians of what is left of the throughput in each round, %: watched, against the mean of the
# turns before and after; alone, the second by the first; and watched, by CPU time, which other
# work on the machine hardly changes, but which knows no waiting. Then what else there is to say.

function median(values, count, i, j, swap)
{
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && values[j] < values[j - 1]; j--) {
			swap = values[j]
			values[j] = values[j - 1]
			values[j - 1] = swap
		}
	return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}

# Of sorted values, between which two the median lies 19 times of 20
function interval(values, count, k)
{
	k = int((count - 1.96 * sqrt(count)) / 2)
	return sprintf("%.1f to %.1f", values[k + 1], values[count - k])
}

{ speed[$1] = $2; by_cpu[$1] = $3; late[$1, ++turns[$1]] = $4 }

$1 == "again" {
	rounds++
	left[rounds] = 200 * speed["watched"] / (speed["alone"] + speed["again"])
	cpu[rounds] = 200 * by_cpu["watched"] / (by_cpu["alone"] + by_cpu["again"])
	noise[rounds] = 100 * speed["again"] / speed["alone"]
}

END {
	for (i = 1; i <= rounds; i++) {
		late_alone[i] = late["alone", i]
		late_watched[i] = late["watched", i]
	}
	printf "%.1f %.1f %.1f\n", median(left, rounds), median(noise, rounds), median(cpu, rounds)
	printf "of %d rounds: %s, not looked at: %s; one in a thousand takes %d us, alone %d\n",
		rounds, interval(left, rounds), interval(noise, rounds),
		median(late_watched, rounds), median(late_alone, rounds)
}
