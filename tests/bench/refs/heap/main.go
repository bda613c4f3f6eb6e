// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with a large heap of what programs have: records in maps, with strings, slices
// and interfaces in them, lists and trees. Its argument is how many million objects; it says
// how many there are, and how many bytes, and waits.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

// One record is nine objects, about 890 bytes.
type record struct {
	id       int
	name     string
	next     *record
	tags     []string
	value    interface{}
	children [2]*leaf
	payload  []byte
}

type leaf struct {
	up    *record
	value [10]uint64
}

type point struct {
	x, y, z float64
	owner   *record
}

var (
	byID  map[int]*record
	first *record
	stats runtime.MemStats
)

func text(prefix string, n int) string {
	return prefix + strconv.Itoa(n) + " of the records"
}

func makeRecord(id int) *record {
	r := &record{id: id, name: text("name ", id), next: first}
	r.tags = []string{text("first tag ", id), text("second tag ", id)}
	r.value = point{x: float64(id), owner: r}
	r.children[0] = &leaf{up: r}
	r.children[1] = &leaf{up: r}
	r.payload = make([]byte, 400)
	first = r
	return r
}

func main() {
	millions, _ := strconv.ParseFloat(os.Args[1], 64)
	records := int(millions * 1000000 / 9)
	debug.SetGCPercent(400)
	byID = make(map[int]*record)
	for id := 0; id < records; id++ {
		byID[id] = makeRecord(id)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	os.Stdout.WriteString(strconv.FormatUint(stats.HeapObjects, 10) + " " +
		strconv.FormatUint(stats.HeapAlloc, 10) + "\n")
	var b [1]byte
	syscall.Read(0, b[:])
}
