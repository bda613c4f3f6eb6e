// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// heap has as many spans as are asked for, whose pages are hardly ever touched: half of the
// spans are one large object, the other half hold objects of 1 KiB of which every other one
// was dropped and swept.
type heap struct {
	smalls     []*small
	wholes     []*whole
	ring       [4096]uint64
	memory     []byte
	remapEvery int // operations
}

const (
	pieces     = 64
	pieceBytes = 64 << 10
)

type (
	small [1024]byte
	whole [8192]byte
)

func (h *heap) fill(spans int) {
	h.wholes = make([]*whole, 0, spans/2)
	h.smalls = make([]*small, 0, spans/2*8)
	for i := 0; i < spans/2; i++ {
		h.wholes = append(h.wholes, new(whole))
		for j := 0; j < 8; j++ {
			h.smalls = append(h.smalls, new(small))
		}
	}
	for i := range h.smalls {
		if i%2 == 0 {
			h.smalls[i] = nil
		}
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}

func newHeap(spans, remapEvery int) *heap {
	h := &heap{remapEvery: remapEvery}
	debug.SetGCPercent(-1)
	h.fill(spans)
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(100)
	return h
}

// remap is what a Go program does now and then, when its heap grows: it takes the lock of the
// address space, and so waits for who reads it.
func (h *heap) remap() {
	var err error

	if h.memory != nil {
		syscall.Munmap(h.memory)
	}
	h.memory, err = syscall.Mmap(-1, 0, pieces*pieceBytes, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
}

// operate faults in what was not touched yet, or was given back, computes on what lies in the
// cache, and gives back, as the allocator, the program and the scavenger do. It leaves the heap
// as it is: when a collection of that many spans falls would decide more than the report.
func (h *heap) operate(operation int) {
	if operation%h.remapEvery == 0 {
		h.remap()
	}
	piece := h.memory[operation%pieces*pieceBytes:][:pieceBytes]
	for i := 0; i < len(piece); i += 4096 {
		piece[i] = 1
	}
	for turn := 0; turn < 8; turn++ {
		for i := range h.ring {
			h.ring[i] = h.ring[i]*31 + uint64(i)
		}
	}
	syscall.Madvise(piece, syscall.MADV_DONTNEED)
}

func (h *heap) turn(m *meter) {
	for m.begin(); m.last.Sub(m.started) < 2*time.Second; m.add() {
		h.operate(m.operations)
	}
	m.end()
}
