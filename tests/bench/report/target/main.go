// SPDX-License-Identifier: GPL-2.0-or-later

// Target is the program that is looked at, of one of two kinds: "server", or "heap SPANS
// OPERATIONS", which maps memory anew after so many operations.
// It says "ready" and then, for each line it reads, works a turn and says what a meter does.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	var turn func(*meter)

	if os.Args[1] == "server" {
		turn = newServer().turn
	} else {
		turn = newHeap(number(os.Args[2]), number(os.Args[3])).turn
	}
	m := newMeter()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		turn(m)
	}
}
