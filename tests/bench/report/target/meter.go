// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// meter counts operations and the time that each took.
type meter struct {
	operations int
	took       []time.Duration
	started    time.Time
	last       time.Time
	cpu        time.Duration
}

func newMeter() *meter {
	return &meter{took: make([]time.Duration, 1<<21)}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage

	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (m *meter) begin() {
	m.operations, m.cpu = 0, cpuTime()
	m.started = time.Now()
	m.last = m.started
}

func (m *meter) add() {
	now := time.Now()
	m.took[m.operations%len(m.took)] = now.Sub(m.last)
	m.last = now
	m.operations++
}

// end says how many operations there were a second, how many a second of the CPU time that
// was given, and the time that one in a thousand exceeded, µs.
func (m *meter) end() {
	cpu, wall := cpuTime()-m.cpu, time.Since(m.started)
	took := m.took[:min(m.operations, len(m.took))]
	slices.Sort(took)
	fmt.Println(int(float64(m.operations)/wall.Seconds()), int(float64(m.operations)/cpu.Seconds()),
		took[len(took)*999/1000].Microseconds())
}
