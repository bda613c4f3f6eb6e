// SPDX-License-Identifier: GPL-2.0-or-later

// Known is a program whose live and dead objects are known by construction. It prints
// "ADDRESS live" or "ADDRESS dead" for objects of several sizes, with and without
// pointers, and then "done"; it stands still until its input ends. Its argument:
//
//	swept    after collections that were swept to the end
//	unswept  after one whose sweep has hardly begun: nothing of the runtime runs, since
//	         the only P waits in the kernel without telling the scheduler. Run it with
//	         GOMAXPROCS=1 and GODEBUG=asyncpreemptoff=1
//	huge     one object in each 2 MiB lives, which are then made huge pages; prints
//	         "BLOCK LIVE-BYTES" for each that holds nothing else
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

// Sizes that the runtime itself hardly uses, below and above 512, where the inline
// marks of Green Tea end; the last is a large object. Each thread that is made meanwhile has
// some of 384 to 448 for its goroutines, and from Go 1.23 on of 1152 for profiles.
type (
	s48       [48]byte
	s144      [144]byte
	s352      [352]byte
	s1408     [1408]byte
	s9472     [9472]byte
	s40000    [40000]byte
	p48       struct{ a [6]*byte }
	p144      struct{ a [18]*byte }
	p352      struct{ a [44]*byte }
	p1280     struct{ a [150]*byte }
	hugeBlock [2 << 20]byte
)

const (
	perSize = 4000
	keep    = 5
	madv    = 25 // MADV_COLLAPSE
)

var (
	kept []unsafe.Pointer
	all  []unsafe.Pointer
	dead []uintptr
	live []uintptr
	buf  [1 << 16]byte
	used int
	sink = make([]byte, 1)
)

func makeOne(kind int) unsafe.Pointer {
	switch kind {
	case 0:
		return unsafe.Pointer(new(s48))
	case 1:
		return unsafe.Pointer(new(s144))
	case 2:
		return unsafe.Pointer(new(s352))
	case 3:
		return unsafe.Pointer(new(s1408))
	case 4:
		return unsafe.Pointer(new(s9472))
	case 5:
		return unsafe.Pointer(new(p48))
	case 6:
		return unsafe.Pointer(new(p144))
	case 7:
		return unsafe.Pointer(new(p352))
	case 8:
		return unsafe.Pointer(new(p1280))
	}
	return unsafe.Pointer(new(s40000))
}

const kinds = 10

//go:noinline
func fill() {
	all = make([]unsafe.Pointer, 0, kinds*perSize)
	kept = make([]unsafe.Pointer, 0, kinds*perSize)
	dead = make([]uintptr, 0, kinds*perSize)
	live = make([]uintptr, 0, kinds*perSize)
	for kind := 0; kind < kinds; kind++ {
		count := perSize
		if kind == 4 || kind == kinds-1 {
			count /= 10
		}
		for i := 0; i < count; i++ {
			all = append(all, makeOne(kind))
		}
	}
}

// choose forgets all but every fifth, in runs, so that some spans are empty.
//
//go:noinline
func choose() {
	for i, p := range all {
		if i%keep == 0 && i/200%2 == 0 {
			kept = append(kept, p)
			live = append(live, uintptr(p))
		} else {
			dead = append(dead, uintptr(p))
		}
		all[i] = nil
	}
}

func flush() {
	for done := 0; done < used; {
		n, _, _ := syscall.RawSyscall(syscall.SYS_WRITE, 1,
			uintptr(unsafe.Pointer(&buf[done])), uintptr(used-done))
		done += int(n)
	}
	used = 0
}

// say prints without allocating.
func say(address uintptr, word string) {
	if used+len(word)+24 > len(buf) {
		flush()
	}
	line := strconv.AppendUint(buf[used:used:len(buf)], uint64(address), 16)
	line = append(line, ' ')
	line = append(line, word...)
	line = append(line, '\n')
	used += len(line)
}

func wait() {
	say(0, "done")
	flush()
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, 0,
			uintptr(unsafe.Pointer(&buf[0])), 1)
		if n == 0 && errno == 0 {
			os.Exit(0)
		}
	}
}

func tell() {
	for _, address := range live {
		say(address, "live")
	}
	first := uintptr(unsafe.Pointer(&sink[0])) // may have taken the place of a dead one
	for _, address := range dead {
		if address < first || address >= first+uintptr(len(sink)) {
			say(address, "dead")
		}
	}
	wait()
}

// unswept allocates until a collection has ended, and stops at once: what it allocates
// itself then makes the runtime sweep, by as much as it is in a hurry to be done. That must be
// little, as GOGC has it, and small pieces.
func unswept() {
	var stats runtime.MemStats

	runtime.ReadMemStats(&stats)
	before := stats.NumGC
	choose()
	debug.SetGCPercent(50)
	for stats.NumGC == before {
		sink = make([]byte, 1<<15)
		runtime.ReadMemStats(&stats)
	}
	tell()
}

//go:noinline
func fillHuge(blocks map[uintptr]int) {
	all = make([]unsafe.Pointer, 0, 1<<20)
	for i := 0; i < cap(all); i++ {
		object := new(s48)
		object[0] = 1 // or there may be no page
		p := unsafe.Pointer(object)
		all = append(all, p)
		blocks[uintptr(p)/unsafe.Sizeof(hugeBlock{})]++
	}
	kept = make([]unsafe.Pointer, 0, len(blocks))
	taken := make(map[uintptr]bool)
	for i, p := range all {
		block := uintptr(p) / unsafe.Sizeof(hugeBlock{})
		if !taken[block] {
			taken[block] = true
			kept = append(kept, p)
		}
		all[i] = nil
	}
	all = nil
}

func huge() {
	blocks := make(map[uintptr]int)
	fillHuge(blocks)
	most := 0
	for _, count := range blocks {
		if count > most {
			most = count
		}
	}
	runtime.GC()
	debug.FreeOSMemory()
	for _, p := range kept {
		block := uintptr(p) / unsafe.Sizeof(hugeBlock{})
		size := unsafe.Sizeof(hugeBlock{})
		if blocks[block] != most {
			continue // not all of it was ours
		}
		_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, block*size, size, madv)
		if errno == 0 {
			say(block*size, "48")
		}
	}
	wait()
}

func main() {
	debug.SetGCPercent(-1)
	switch os.Args[len(os.Args)-1] {
	case "swept":
		fill()
		choose()
		runtime.GC()
		runtime.GC()
		tell()
	case "unswept":
		fill()
		runtime.GC()
		unswept()
	case "huge":
		huge()
	}
}
