// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with an array of pointers whose first MiB nobody can read: it says how many of
// the objects that the array holds are named behind that, and waits.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

const (
	count  = 1 << 19
	hidden = 1 << 20
)

type node struct {
	next *node
	pad  uint64
}

var large []*node

func main() {
	debug.SetGCPercent(-1)
	large = make([]*node, count)
	for i := range large {
		large[i] = new(node)
	}
	runtime.GC()
	runtime.GC()
	_, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, uintptr(unsafe.Pointer(&large[0])), hidden,
		syscall.PROT_NONE)
	if errno != 0 {
		panic(errno)
	}
	os.Stdout.WriteString(strconv.Itoa(count-hidden/8) + "\n")
	var b [1]byte
	syscall.Read(0, b[:])
}
