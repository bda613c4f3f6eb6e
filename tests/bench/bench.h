/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the measurements share. They run as root in a virtual machine whose clock
 * counts instructions, with /gomem.ko present, and print a row per figure:
 *
 *	figure<TAB>who<TAB>value<TAB>note
 *
 * Values are whole numbers in the figure's unit; tests/bench/figures has those, and
 * the limits. A value that could not be had is "-", and the note says why.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <x86intrin.h>

/* Instructions the guest executed; what it idled counts as if it had executed some. */
static inline uint64_t ticks(void)
{
	return __rdtsc();
}

void row(const char *figure, const char *who, long value);
void row_missing(const char *figure, const char *who, const char *why);

/* The smallest of @count values: what an unrelated event in between did not raise. */
long smallest(const long *values, int count);

/*
 * What can be measured; arguments as on the command line, after the name.
 *
 * fault FIGURE WHO [target|go]	a 4 KiB anonymous fault; of a target; of one that runs a
 *				goroutine, while stacks=1
 * read				reads of /proc/gomem and of its peers
 * hold				how long these hold the mmap lock
 * stall			what a looping reader does to the process it reads
 * memory			what a record and an idle target take
 * load				insmod and rmmod
 *
 * All but fault, memory and load need the module loaded; memory and load, not loaded.
 */
void bench_fault(int argc, char **argv);
void bench_read(int argc, char **argv);
void bench_hold(int argc, char **argv);
void bench_stall(int argc, char **argv);
void bench_memory(int argc, char **argv);
void bench_load(int argc, char **argv);

/* Read @path to its end, or die; through one buffer, which is there from the second time on. */
void read_through(const char *path);

#endif
