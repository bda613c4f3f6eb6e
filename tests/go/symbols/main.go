// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program that says of its own code what the runtime knows: for many addresses all
// over it
//
//	at ADDRESS ENTRY FUNCTION LINE FILE
//
// where FUNCTION is the innermost one at ADDRESS, inlined or not, and ENTRY where the code
// of the function begins that it lies in; then for one address in the midst of functions
// that were inlined into each other, for each of these, innermost first,
//
//	in ADDRESS FUNCTION LINE FILE
//
// and waits for a line.
package main

import (
	"bufio"
	"fmt"
	"io/ioutil"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

const stride = 173 // bytes; no power of two, to meet all parts of functions

//go:noinline
func here() []uintptr {
	pcs := make([]uintptr, 16)
	return pcs[:runtime.Callers(2, pcs)]
}

func inner() []uintptr { return here() }

func middle() []uintptr {
	return inner()
}

//go:noinline
func outer() []uintptr { return middle() }

// code is where this program has its instructions: in the file, itself or a library, that main
// is of.
func code() (ranges [][2]uintptr) {
	maps, _ := ioutil.ReadFile("/proc/self/maps")
	mine := reflect.ValueOf(main).Pointer()
	files := map[string][][2]uintptr{}
	file := ""
	for _, line := range strings.Split(string(maps), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.Contains(fields[1], "x") {
			continue
		}
		ends := strings.Split(fields[0], "-")
		start, _ := strconv.ParseUint(ends[0], 16, 64)
		end, _ := strconv.ParseUint(ends[1], 16, 64)
		r := [2]uintptr{uintptr(start), uintptr(end)}
		files[fields[5]] = append(files[fields[5]], r)
		if mine >= r[0] && mine < r[1] {
			file = fields[5]
		}
	}
	return files[file]
}

// at tells of pc, if the runtime does: it takes what it is asked of for a return address,
// that is, for one past pc; and it does not know the first of its names.
func at(out *bufio.Writer, pc uintptr) {
	f, next := runtime.FuncForPC(pc), runtime.FuncForPC(pc+1)
	if f == nil || next == nil || f.Entry() != next.Entry() {
		return
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc + 1}).Next()
	if frame.Function == "" {
		return
	}
	fmt.Fprintf(out, "at %x %x %s %d %s\n", pc, f.Entry(), frame.Function, frame.Line, frame.File)
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	for _, r := range code() {
		for pc := r[0]; pc < r[1]; pc += stride {
			at(out, pc)
		}
	}
	frames := runtime.CallersFrames(outer())
	first := uintptr(0)
	for {
		frame, more := frames.Next()
		if first == 0 {
			first = frame.PC
		}
		if !more || frame.Function == "main.main" {
			break
		}
		fmt.Fprintf(out, "in %x %s %d %s\n", first, frame.Function, frame.Line, frame.File)
	}
	out.Flush()
	os.Stdout.Close()
	os.Stdin.Read(make([]byte, 1))
}
