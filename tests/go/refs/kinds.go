// SPDX-License-Identifier: GPL-2.0-or-later

package main

// Each is what variables of one kind lead to, and nothing else: no pointers, so that only the
// variable tells what it is.
type (
	inSlice   [6]uint64
	inMap     [6]uint64
	inChannel [6]uint64
	inFace    [6]uint64
	inStruct  [6]uint64
	inParts   [6]uint64
	inArray   [6]uint64
	inClosure [6]uint64
	pointedTo [6]uint64
	escaped   [6]uint64
	inlined   [6]uint64
	parameter [6]uint64

	capturedSlice   [6]uint64
	capturedFace    [6]uint64
	capturedByPlace [6]uint64
)

type three struct {
	number int
	first  *inStruct
	second []*inStruct
}

// Small enough for the compiler to take it apart.
type two struct {
	first, second *inParts
}

var (
	captures []func() int
	sink     *escaped
)

//go:noinline
func makeParameter() *parameter { return new(parameter) }

//go:noinline
func makeSlices(n int) []*inSlice {
	s := make([]*inSlice, n)
	for i := range s {
		s[i] = new(inSlice)
	}
	return s
}

//go:noinline
func makeMap(n int) map[int]*inMap {
	m := make(map[int]*inMap)
	for i := 0; i < n; i++ {
		m[i] = new(inMap)
	}
	return m
}

//go:noinline
func makeInChannel(n int) chan *inChannel {
	c := make(chan *inChannel, n)
	for i := 0; i < n; i++ {
		c <- new(inChannel)
	}
	return c
}

//go:noinline
func makeFace() interface{} { return new(inFace) }

//go:noinline
func makeThree(n int) three {
	t := three{first: new(inStruct), second: make([]*inStruct, n)}
	for i := range t.second {
		t.second[i] = new(inStruct)
	}
	return t
}

//go:noinline
func makePart() *inParts { return new(inParts) }

//go:noinline
func useTwo(parts two) int { return int(parts.first[0] + parts.second[0]) }

//go:noinline
func fillArray(a *[8]*inArray) {
	for i := range a {
		a[i] = new(inArray)
	}
}

//go:noinline
func useArray(a *[8]*inArray) int { return int(a[7][0]) }

//go:noinline
func makeClosure() func() int {
	held := new(inClosure)
	return func() int { return int(held[1]) }
}

//go:noinline
func makeText() string { return string(make([]byte, 100)) }

//go:noinline
func makeInlined() *inlined { return new(inlined) }

// Whether it is inlined or not, this is the function whose variable it is.
func waitInline(ready, stop chan bool) uint64 {
	kept := makeInlined()
	ready <- true
	<-stop
	return kept[0]
}

//go:noinline
func waitWithout(ready, stop chan bool) uint64 { return waitInline(ready, stop) }

//go:noinline
func holdParameter(kept *parameter, ready, stop chan bool) uint64 {
	ready <- true
	<-stop
	return kept[0]
}

//go:noinline
func fillFrame(a *[8]*pointedTo) *[8]*pointedTo {
	for i := range a {
		a[i] = new(pointedTo)
	}
	return a
}

// Only a pointer says that the array is still wanted.
//
//go:noinline
func holdThrough(ready, stop chan bool) uint64 {
	var array [8]*pointedTo
	pointer := fillFrame(&array)
	ready <- true
	<-stop
	return pointer[7][0]
}

//go:noinline
func holdKinds(ready, stop chan bool) int {
	slice := makeSlices(30)
	table := makeMap(40)
	queue := makeInChannel(20)
	face := makeFace()
	some := makeThree(10)
	parts := two{makePart(), makePart()}
	text := makeText()
	call := makeClosure()
	var array [8]*inArray
	fillArray(&array)
	var moved escaped
	sink = &moved
	sink = nil
	ready <- true
	<-stop
	moved[0]++
	return int(slice[1][0]) + len(table) + len(queue) + len(some.second) + some.number +
		int(some.first[0]) + int(text[5]) + call() + useArray(&array) + useFace(face) +
		int(moved[0]) + useTwo(parts)
}

//go:noinline
func useFace(face interface{}) int { return int(face.(*inFace)[2]) }

//go:noinline
func makeCaptures() {
	captures = make([]func() int, 0, 8)
	slice := make([]*capturedSlice, 3)
	for i := range slice {
		slice[i] = new(capturedSlice)
	}
	captures = append(captures, func() int { return int(slice[1][0]) })
	var face interface{} = new(capturedFace)
	captures = append(captures, func() int { return int(face.(*capturedFace)[0]) })
	byPlace := new(capturedByPlace)
	captures = append(captures, func() int {
		byPlace = &capturedByPlace{}
		return int(byPlace[0])
	})
}

func holdAllKinds(ready, stop chan bool) {
	go holdKinds(ready, stop)
	<-ready
	go waitWithout(ready, stop)
	<-ready
	go holdParameter(makeParameter(), ready, stop)
	<-ready
	go holdThrough(ready, stop)
	<-ready
	expectVariable("main.holdKinds slice", 1+30, 240+30*48)
	expectVariable("main.holdKinds some", 1+1+10, 80+11*48)
	expectVariable("main.holdKinds parts", 2, 2*48)
	expectVariable("main.holdKinds array", 8, 8*48)
	expectVariable("main.holdKinds face", 1, 48)
	expectVariable("main.holdKinds text", 1, 112)
	expectVariable("main.holdKinds call", 1+1, 16+48)
	expectVariable("main.holdKinds &moved", 1, 48)
	expectVariable("main.waitInline kept", 1, 48)
	expectVariable("main.holdParameter kept", 1, 48)
	expectVariable("main.holdThrough array", 8, 8*48)
}
