// SPDX-License-Identifier: GPL-2.0-or-later

// A program with a little of everything that holds memory: lists, maps, channels,
// closures, interfaces, finalizers, and goroutines with labels. It says when it is
// done with an empty line, and ends with its input.
package main

import (
	"context"
	"os"
	"runtime"
	"runtime/pprof"
)

type node struct {
	next *node
	name string
	any  interface{}
}

var (
	list   *node
	byName = map[string]*node{}
	byID   = map[int][]byte{}
	calls  []func() int
	queue  = make(chan *node, 16)
)

func fill() {
	for i := 0; i < 100; i++ {
		i := i
		n := &node{next: list, name: string(rune('a' + i%26)), any: i}
		list = n
		byName[n.name] = n
		byID[i] = make([]byte, 10*i)
		calls = append(calls, func() int { return i + len(n.name) })
	}
	queue <- list
	runtime.SetFinalizer(list.next, func(*node) {})
}

func wait(ready chan<- bool) {
	pprof.Do(context.Background(), pprof.Labels("tenant", "a", "path", "/b"),
		func(context.Context) {
			var frame [10]*node
			frame[3] = list
			ready <- true
			select {}
		})
}

func main() {
	fill()
	ready := make(chan bool)
	for i := 0; i < 3; i++ {
		go wait(ready)
		<-ready
	}
	runtime.GC()
	os.Stdout.WriteString("\n")
	os.Stdin.Read(make([]byte, 1))
}
