// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines with labels, each of which touches as much fresh memory as it says.
//
// After a line on stdin three workers run, one after the other, and each prints
//
//	worker GOID NAME BYTES
//
// Then they stay, and keep memory and labels, until stdin ends.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
)

const page = 4096

var kept [][]byte

// What the runtime says of itself, in the first line of a stack: "goroutine 18 [running]:".
func goid() uint64 {
	var text [64]byte
	fields := bytes.Fields(text[:runtime.Stack(text[:], false)])
	id, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

//go:noinline
func touch(memory []byte) {
	for i := 0; i < len(memory); i += page {
		memory[i] = 1
	}
}

//go:noinline
func serve(size int) {
	memory := make([]byte, size)
	touch(memory)
	kept = append(kept, memory)
}

func worker(name string, size int, done chan<- bool) {
	labels := pprof.Labels("tenant", name, "endpoint", "/"+name)
	pprof.Do(context.Background(), labels, func(context.Context) {
		serve(size)
		fmt.Printf("worker %d %s %d\n", goid(), name, size)
		done <- true
		select {}
	})
}

func main() {
	debug.SetGCPercent(-1)
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		panic(err)
	}
	done := make(chan bool)
	for i, name := range []string{"small", "middle", "large"} {
		go worker(name, 32<<20<<uint(i), done)
		<-done
	}
	fmt.Println("done")
	io.Copy(ioutil.Discard, in)
}
