// SPDX-License-Identifier: GPL-2.0-or-later

//go:build go1.24
// +build go1.24

package main

import "runtime"

const cleanups = 50

// Cleanups that wait behind one which never ends, and hold three objects each: nothing else does.
//
//go:noinline
func makeCleanups() {
	running, never := make(chan bool, cleanups), make(chan bool)
	for i := 0; i < cleanups; i++ {
		runtime.AddCleanup(new(node), func(*node) {
			running <- true
			<-never
		}, makeList(3))
	}
	runtime.GC()
	<-running
}
