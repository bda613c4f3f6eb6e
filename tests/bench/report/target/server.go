// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"hash/crc32"
	"runtime/debug"
	"strconv"
)

const (
	sessions    = 100000
	collections = 2
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

// server answers requests, of which each reads sessions in a map, writes a text and replaces a
// session, so that it allocates all the time and collects as often as GOGC says, on a live heap
// of 160 MiB.
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

// until serves until so many collections have ended.
func (s *server) until(end int64, m *meter) {
	for m.begin(); m.operations%256 != 0 || collected() < end; m.add() {
		s.serve()
	}
}

// turn is from the end of a collection to the end of the next but one, since where collections
// fall would decide more than a report.
func (s *server) turn(m *meter) {
	s.until(collected()+1, m)
	s.until(collected()+collections, m)
	m.end()
}

func newServer() *server {
	s := &server{sessions: make(map[int]*session), random: 88172645463325252}
	for id := 0; id < sessions; id++ {
		s.open(id)
	}
	return s
}
