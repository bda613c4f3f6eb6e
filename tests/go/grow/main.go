// SPDX-License-Identifier: GPL-2.0-or-later

// A program that keeps 10240 more objects of 1024 bytes for each line it reads, and
// answers with an empty line; at "again" it executes itself.
package main

import (
	"os"
	"runtime"
	"syscall"
)

const objects = 10240

var kept [][]byte

func grow() {
	for i := 0; i < objects; i++ {
		b := make([]byte, 1024)
		b[0] = 1
		kept = append(kept, b)
	}
}

func main() {
	var line [64]byte

	kept = make([][]byte, 0, 64*objects)
	for {
		runtime.GC()
		os.Stdout.WriteString("\n")
		n, _ := os.Stdin.Read(line[:])
		if n <= 0 {
			return
		}
		if string(line[:n]) == "again\n" {
			syscall.Exec("/proc/self/exe", os.Args, os.Environ())
		}
		grow()
	}
}
