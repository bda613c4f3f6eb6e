// SPDX-License-Identifier: GPL-2.0-or-later

// Server is what a report must not slow down: it answers requests, of which each reads
// sessions in a map, writes a text and replaces a session, so that it allocates all the
// time and collects as often as GOGC says, on a live heap of 160 MiB.
// It says "ready" and then, for each line it reads, works from the end of a collection to
// the end of the next but one, since where collections fall would decide more than a report:
// it says how many requests it answered a second, how many a second of the CPU time that
// it was given, and the time that one in a thousand exceeded, µs.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	sessions    = 100000
	collections = 2
	latencies   = 1 << 21
)

type item struct {
	name  string
	count int
	next  *item
}

type session struct {
	id    int
	user  string
	items *item
	state []byte
}

type server struct {
	sessions map[int]*session
	random   uint64
	sum      uint32
}

func (s *server) next(n int) int {
	s.random ^= s.random << 13
	s.random ^= s.random >> 7
	s.random ^= s.random << 17
	return int(s.random % uint64(n))
}

func (s *server) open(id int) {
	fresh := &session{id: id, user: "user-" + strconv.Itoa(id), state: make([]byte, 256+s.next(1536))}

	for i := s.next(8); i >= 0; i-- {
		fresh.items = &item{name: "item-" + strconv.Itoa(i), count: i, next: fresh.items}
	}
	s.sessions[id] = fresh
}

func (s *server) serve() {
	var answer bytes.Buffer

	for i := 0; i < 4; i++ {
		found := s.sessions[s.next(sessions)]
		answer.WriteString(found.user)
		for at := found.items; at != nil; at = at.next {
			answer.WriteString(at.name)
			answer.WriteString(strconv.Itoa(at.count))
		}
		answer.Write(found.state[:64])
	}
	s.sum += crc32.ChecksumIEEE(answer.Bytes())
	s.open(s.next(sessions))
}

func collected() int64 {
	var stats debug.GCStats

	debug.ReadGCStats(&stats)
	return stats.NumGC
}

func cpuTime() time.Duration {
	var usage syscall.Rusage

	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// until serves until so many collections have ended, and counts.
func (s *server) until(end int64, took []time.Duration) (requests int) {
	for ; requests%256 != 0 || collected() < end; requests++ {
		started := time.Now()
		s.serve()
		took[requests%len(took)] = time.Since(started)
	}
	return requests
}

func (s *server) turn(took []time.Duration) {
	s.until(collected()+1, took)
	before, started := cpuTime(), time.Now()
	requests := s.until(collected()+collections, took)
	cpu, wall := cpuTime()-before, time.Since(started)
	took = took[:min(requests, len(took))]
	slices.Sort(took)
	fmt.Println(int(float64(requests)/wall.Seconds()), int(float64(requests)/cpu.Seconds()),
		took[len(took)*999/1000].Microseconds())
}

func main() {
	s := &server{sessions: make(map[int]*session), random: 88172645463325252}
	took := make([]time.Duration, latencies)

	for id := 0; id < sessions; id++ {
		s.open(id)
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		s.turn(took)
	}
}
