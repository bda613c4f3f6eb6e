// SPDX-License-Identifier: GPL-2.0-or-later

// Goroutines that block in every way there is, in known numbers, with stacks of a known size and
// labels. When all of them stand still it prints what the runtime says of them, runtime.Stack,
// then "end", how many there are and runtime.MemStats.StackInuse, and waits for stdin to end. With the argument "gc" it
// collects once before it prints; with "spin", one goroutine works for ever.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var (
	never = make(chan int)
	mutex sync.Mutex
	rw    sync.RWMutex
	group sync.WaitGroup
	lock  sync.Mutex
	cond  = sync.NewCond(&lock)
	count int
	spins uint64
	other = make(chan int)
)

//go:noinline
func receiver() { <-never }

//go:noinline
func sender() { other <- 1 }

//go:noinline
func nobody() {
	var c chan int
	<-c
}

//go:noinline
func selecter() {
	select {
	case <-never:
	case other <- 1:
	}
}

//go:noinline
func sleeper() { time.Sleep(1000 * time.Hour) }

//go:noinline
func locker() { mutex.Lock() }

//go:noinline
func reader() { rw.RLock() }

//go:noinline
func waiter() { group.Wait() }

//go:noinline
func condition() {
	lock.Lock()
	cond.Wait()
}

//go:noinline
func fileReader() {
	read, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	defer write.Close()
	var b [1]byte
	read.Read(b[:])
}

// Into the kernel, where the runtime does not know what it waits for.
//
//go:noinline
func rawReader(fd int) {
	var b [1]byte
	syscall.Read(fd, b[:])
}

// Each level has a KiB and what a call takes: 90 levels fit into 128 KiB, not into 64.
//
//go:noinline
func deep(level int) byte {
	var frame [1024]byte
	frame[level%1024] = 1
	if level > 0 {
		return deep(level-1) + frame[0]
	}
	<-never
	return frame[1]
}

// Inlined: the frames are there all the same.
func outer() { inner() }
func inner() { <-never }

//go:noinline
func inlines() { outer() }

type server struct{}

//go:noinline
func (s *server) handle(name string) {
	labels := pprof.Labels("tenant", name, "endpoint", "/"+name)
	pprof.Do(context.Background(), labels, func(context.Context) { <-never })
}

//go:noinline
func spin() {
	for {
		spins++
	}
}

func start(n int, f func()) {
	for i := 0; i < n; i++ {
		go f()
		count++
	}
}

func startAll() {
	var raw [2]int
	if err := syscall.Pipe(raw[:]); err != nil {
		panic(err)
	}
	mutex.Lock()
	rw.Lock()
	group.Add(1)
	start(1000, receiver)
	start(10, sender)
	start(2, nobody)
	start(20, selecter)
	start(1, func() { select {} })
	start(15, sleeper)
	start(7, locker)
	start(4, reader)
	start(3, waiter)
	start(6, condition)
	start(5, fileReader)
	start(2, func() { rawReader(raw[0]) })
	start(20, func() { deep(90) })
	start(9, inlines)
	for _, name := range []string{"a", "b"} {
		name := name
		start(30, func() { (&server{}).handle(name) })
	}
	startC()
}

func dump() string {
	b := make([]byte, 4<<20)
	return string(b[:runtime.Stack(b, true)])
}

// A goroutine that still goes somewhere is running or can run; main alone may.
func settle() string {
	for {
		time.Sleep(20 * time.Millisecond)
		text := dump()
		moving := strings.Count(text, " [runnable") + strings.Count(text, " [running")
		if moving <= 1 && strings.Count(text, "goroutine ") >= count {
			return text
		}
	}
}

func monotonic() int64 {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func main() {
	var before, after int64
	what := ""
	if len(os.Args) > 1 {
		what = os.Args[len(os.Args)-1]
	}
	if what == "gc" {
		before = monotonic()
		runtime.GC()
		after = monotonic()
	}
	startAll()
	text := settle()
	if what == "gc" {
		runtime.GC()
		text = settle()
	}
	if what == "spin" {
		go spin()
		time.Sleep(50 * time.Millisecond)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("%s\nend %d %d %d %d\n", text, runtime.NumGoroutine(), stats.StackInuse, before,
		after)
	var b [1]byte
	syscall.Read(0, b[:])
}
