// SPDX-License-Identifier: GPL-2.0-or-later

//go:build cgo
// +build cgo

package main

// #include <unistd.h>
// static void stay(void) { for (;;) pause(); }
import "C"

// In C, as far as the runtime knows in a system call.
//
//go:noinline
func inC() { C.stay() }

func startC() { start(2, inC) }
