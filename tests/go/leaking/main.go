// SPDX-License-Identifier: GPL-2.0-or-later

// Twenty goroutines that stay, ten more each second, and after two seconds three others.
package main

import "time"

var never = make(chan int)

//go:noinline
func leak() { <-never }

//go:noinline
func late() { <-never }

//go:noinline
func worker() { time.Sleep(time.Hour) }

func main() {
	for i := 0; i < 20; i++ {
		go worker()
	}
	for i := 1; ; i++ {
		go leak()
		time.Sleep(100 * time.Millisecond)
		if i == 20 {
			for j := 0; j < 3; j++ {
				go late()
			}
		}
	}
}
