// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program whose heap has an owner for each object: global variables and a stack, each
// holding a number of objects known by construction, or by what runtime.MemStats counted
// while they were made. It prints them as one line of JSON, and the whole heap's size, and
// waits: nothing is allocated after the last GC.
package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"
)

type node struct {
	next *node
	pad  [5]uint64
}

type pair struct {
	left, right *node
}

// Larger than what the heap describes by bits since Go 1.22; its tail has no pointers.
type big struct {
	nodes [80]*node
	pad   [30]uint64
}

type holder struct {
	name           string
	objects, bytes uint64
}

var (
	list       *node
	ring       *node
	array      []*node
	large      []*node
	bytes      [][]byte
	bigs       []*big
	bigArray   []big
	numbers    map[int]*node
	words      map[string]string
	structs    map[pair]big
	small      map[int]*node
	functions  []func() *node
	counters   []func() int
	channel    chan *node
	faces      []interface{}
	finalized  []*node
	one, other *node

	holders   [64]holder
	count     int
	variables [64]holder
	known     int
	before    runtime.MemStats
	after     runtime.MemStats
	now       runtime.MemStats
	line      [65536]byte
)

//go:noinline
func makeList(n int) *node {
	var head *node
	for i := 0; i < n; i++ {
		head = &node{next: head}
	}
	return head
}

//go:noinline
func makeRing(n int) {
	ring = &node{}
	ring.next = makeList(n - 1)
	last := ring
	for last.next != nil {
		last = last.next
	}
	last.next = ring
}

//go:noinline
func makeNodes(n int) []*node {
	nodes := make([]*node, n)
	for i := range nodes {
		nodes[i] = new(node)
	}
	return nodes
}

//go:noinline
func makeBytes() {
	bytes = make([][]byte, 500)
	for i := range bytes {
		bytes[i] = make([]byte, 1024)
	}
}

//go:noinline
func makeBigs() {
	bigs = make([]*big, 50)
	for i := range bigs {
		bigs[i] = new(big)
		for j := range bigs[i].nodes {
			bigs[i].nodes[j] = new(node)
		}
		bigs[i].pad[29] = uint64(i)
	}
}

//go:noinline
func makeBigArray() {
	bigArray = make([]big, 100)
	for i := range bigArray {
		bigArray[i].nodes[79] = makeList(2)
	}
}

//go:noinline
func makeMaps() {
	numbers = make(map[int]*node)
	for i := 0; i < 5000; i++ {
		numbers[i] = makeList(2)
	}
}

//go:noinline
func makeWords() {
	words = make(map[string]string)
	for i := 0; i < 3000; i++ {
		s := make([]byte, 32)
		strconv.AppendInt(s[:0], int64(i), 10)
		words[string(s)] = string(s)
	}
}

//go:noinline
func makeStructs() {
	structs = make(map[pair]big)
	for i := 0; i < 100; i++ {
		structs[pair{left: new(node), right: makeList(2)}] = big{}
	}
}

//go:noinline
func makeSmall() {
	small = make(map[int]*node)
	for i := 0; i < 5; i++ {
		small[i] = new(node)
	}
}

//go:noinline
func makeFunctions() {
	functions = make([]func() *node, 375)
	for i := range functions {
		captured := makeList(3)
		functions[i] = func() *node { return captured }
	}
}

// What these hold is no pointer.
//
//go:noinline
func makeCounters() {
	counters = make([]func() int, 40)
	for i := range counters {
		n := i * 1000
		counters[i] = func() int { return n }
	}
}

//go:noinline
func makeChannel() {
	channel = make(chan *node, 300)
	for i := 0; i < 200; i++ {
		channel <- makeList(2)
	}
}

//go:noinline
func makeFaces() {
	faces = make([]interface{}, 600)
	for i := range faces {
		if i%2 == 0 {
			faces[i] = new(node)
		} else {
			faces[i] = pair{left: new(node)}
		}
	}
}

//go:noinline
func makeFinalized() {
	finalized = makeNodes(100)
	for _, n := range finalized {
		n.next = makeList(3)
		captured := makeList(4)
		runtime.SetFinalizer(n, func(n *node) { n.next = captured })
	}
}

//go:noinline
func makeShared() {
	one = makeList(700)
	other = one
}

//go:noinline
func holdOnStack(ready, stop chan bool) int {
	mine := makeList(900)
	ready <- true
	<-stop
	return int(mine.pad[0])
}

// A local whose address is taken stays on the stack, and is found through its pointer only.
//
//go:noinline
func holdByAddress(ready, stop chan bool) int {
	var frame [4]pair
	fill(&frame)
	ready <- true
	<-stop
	return use(&frame)
}

//go:noinline
func fill(frame *[4]pair) {
	for i := range frame {
		frame[i].right = makeList(50)
	}
}

//go:noinline
func use(frame *[4]pair) int {
	return int(frame[3].right.pad[0])
}

// What deferred calls have is in their records; those of a loop are in the heap.
//
//go:noinline
func holdDeferred(ready, stop chan bool) {
	for i := 0; i < 3; i++ {
		defer drop(makeList(70))
	}
	ready <- true
	<-stop
}

//go:noinline
func drop(n *node) {
	n.next = nil
}

// settle leaves no garbage, and nothing that a finalizer still holds. While it runs, the GC
// itself may have a few small objects: the least count is the one without.
func settle(stats *runtime.MemStats) {
	stats.HeapObjects = 1 << 63
	for i := 0; i < 8; i++ {
		runtime.GC()
		runtime.Gosched()
		runtime.ReadMemStats(&now)
		if now.HeapObjects < stats.HeapObjects {
			*stats = now
		}
	}
}

func expect(name string, objects, bytes uint64) {
	holders[count] = holder{name, objects, bytes}
	count++
}

// expectVariable expects it of a variable of a function, where these are known.
func expectVariable(name string, objects, bytes uint64) {
	variables[known] = holder{name, objects, bytes}
	known++
}

// measure expects what make leaves on the heap, as the runtime counts it.
func measure(name string, make func()) {
	settle(&before)
	make()
	settle(&after)
	expect(name, after.HeapObjects-before.HeapObjects, after.HeapAlloc-before.HeapAlloc)
}

func fillHeap() {
	list = makeList(10000)
	expect("main.list", 10000, 10000*48)
	makeRing(500)
	expect("main.ring", 500, 500*48)
	array = makeNodes(1000)
	expect("main.array", 1001, 1000*48+8192)
	large = makeNodes(100000)
	expect("main.large", 100001, 100000*48+802816)
	makeBytes()
	expect("main.bytes", 501, 500*1024+12288)
	makeBigs()
	expect("main.bigs", 1+50+50*80, 416+50*896+50*80*48)
	makeBigArray()
	expect("main.bigArray", 201, 90112+200*48)
	measure("main.numbers", makeMaps)
	measure("main.words", makeWords)
	measure("main.structs", makeStructs)
	measure("main.small", makeSmall)
	makeFunctions()
	expect("main.functions", 1+375+375*3, 3072+375*16+375*3*48)
	makeCounters()
	expect("main.counters", 1+40, 320+40*16)
	measure("main.channel", makeChannel)
	makeFaces()
	expect("main.faces", 1+900, 9728+600*48+300*16)
	makeFinalized()
	expect("main.finalized", 1+100+300, 896+400*48)
	expect("finalizers", 100+400, 100*16+400*48)
	makeShared()
	measure("main.captures", makeCaptures)
}

func stacks() {
	ready, stop := make(chan bool), make(chan bool)
	go holdOnStack(ready, stop)
	<-ready
	go holdByAddress(ready, stop)
	<-ready
	go holdDeferred(ready, stop)
	<-ready
	holdAllKinds(ready, stop)
	expect("main.holdOnStack", 900, 900*48)
	expect("main.holdByAddress", 200, 200*48)
	expectVariable("main.holdOnStack mine", 900, 900*48)
	expectVariable("main.holdByAddress frame", 200, 200*48)
}

func field(b []byte, name string, value uint64) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, "\":"...)
	return strconv.AppendUint(b, value, 10)
}

func rows(b []byte, name string, rows []holder) []byte {
	b = append(b, ",\""...)
	b = append(b, name...)
	b = append(b, "\":["...)
	for i, h := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "{\"holder\":\""...)
		b = append(b, h.name...)
		b = append(b, "\","...)
		b = field(b, "objects", h.objects)
		b = append(b, ',')
		b = field(b, "bytes", h.bytes)
		b = append(b, '}')
	}
	return append(b, ']')
}

func show() {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b := append(line[:0], '{')
	b = field(b, "heap_alloc_bytes", after.HeapAlloc)
	b = append(b, ',')
	b = field(b, "heap_objects", after.HeapObjects)
	b = append(b, ',')
	b = field(b, "closure", uint64(*(*uintptr)(unsafe.Pointer(&functions[7]))))
	b = rows(b, "holders", holders[:count])
	b = rows(b, "variables", variables[:known])
	syscall.Write(1, append(b, "}\n"...))
}

// spareThreads makes some, as one that came while something is measured would be counted to it.
func spareThreads() {
	done := make(chan bool)
	for i := 0; i < 8; i++ {
		go func() {
			syscall.Nanosleep(&syscall.Timespec{Nsec: 50000000}, nil)
			done <- true
		}()
	}
	for i := 0; i < 8; i++ {
		<-done
	}
}

func main() {
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	spareThreads()
	fillHeap()
	makeCleanups()
	stacks()
	show()
	syscall.Read(0, line[:])
}
