// SPDX-License-Identifier: GPL-2.0-or-later

// Illness is a service with the classic one: a wave of work grows it to several
// hundred MiB, then it drops most of that and keeps a sparse remainder alive. What
// the runtime gives back lies scattered, and khugepaged, which may fill a huge page
// that is empty but for one 4 KiB page, brings all of it back.
//
// It says "ready PID" and then takes one command a line: "wave" is another wave,
// which leaves a new remainder in place of the last one; "metrics" changes nothing;
// "quit" ends. The first two are answered by what the runtime then thinks, as one
// line "KEY=BYTES ...".
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
)

const (
	objects = 100_000
	keep    = 256 // one of so many stays alive
)

type object [4096]byte

var kept []*object

func wave() {
	kept = nil
	all := make([]*object, objects)
	for i := range all {
		all[i] = new(object)
		all[i][i%len(all[i])] = 1
	}
	for i := 0; i < objects; i += keep {
		kept = append(kept, all[i])
	}
}

func report() {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(samples)
	for i, key := range []string{"objects", "unused", "free", "released", "total"} {
		fmt.Printf("%s=%d ", key, samples[i].Value.Uint64())
	}
	fmt.Println()
}

func main() {
	fmt.Println("ready", os.Getpid())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch lines.Text() {
		case "wave":
			wave()
			debug.FreeOSMemory()
			report()
		case "metrics":
			report()
		case "quit":
			return
		default:
			fmt.Println("commands: wave, metrics, quit")
		}
	}
}
