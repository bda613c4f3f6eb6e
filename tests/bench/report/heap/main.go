// SPDX-License-Identifier: GPL-2.0-or-later

// Heap is a program with as many spans as its first argument says, whose pages are
// hardly ever touched: half of the spans are one large object, the other half hold
// objects of 1 KiB of which every other one was dropped and swept. It says "ready"
// and then, for each line it reads, works for two seconds and says how many operations
// it got done a second, how many a second of the CPU time that it was given, and the
// time that one in a thousand exceeded, µs.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
)

type (
	small [1024]byte
	whole [8192]byte
)

var (
	smalls []*small
	wholes []*whole
	ring   [4096]uint64
	took   [1 << 20]time.Duration
)

func fill(spans int) {
	wholes = make([]*whole, 0, spans/2)
	smalls = make([]*small, 0, spans/2*8)
	for i := 0; i < spans/2; i++ {
		wholes = append(wholes, new(whole))
		for j := 0; j < 8; j++ {
			smalls = append(smalls, new(small))
		}
	}
	for i := range smalls {
		if i%2 == 0 {
			smalls[i] = nil
		}
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage

	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// operate does what a report may get in the way of: it maps, touches and unmaps memory, which
// takes the lock of the address space, and computes on what lies in the cache. It allocates
// nothing, or when a collection of that many spans falls would decide more than the report.
func operate() {
	memory, err := syscall.Mmap(-1, 0, 64<<10, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	for turn := 0; turn < 8; turn++ {
		for i := range ring {
			ring[i] = ring[i]*31 + uint64(i)
		}
	}
	syscall.Munmap(memory)
}

func work() {
	const length = 2 * time.Second
	operations, before, started := 0, cpuTime(), time.Now()
	for last := started; last.Sub(started) < length; operations++ {
		operate()
		now := time.Now()
		took[operations%len(took)] = now.Sub(last)
		last = now
	}
	cpu, wall := cpuTime()-before, time.Since(started)
	all := took[:min(operations, len(took))]
	slices.Sort(all)
	fmt.Println(int(float64(operations)/wall.Seconds()), int(float64(operations)/cpu.Seconds()),
		all[len(all)*999/1000].Microseconds())
}

func main() {
	spans, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	debug.SetGCPercent(-1)
	fill(spans)
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(100)
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		work()
	}
}
