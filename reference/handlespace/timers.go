// SPDX-License-Identifier: Apache-2.0

package handlespace

import "time"

// timers orders elements by the time at which their life ends: a heap in which
// an element is a small number, so that what a heap operation touches all over
// the place lies close together.
type timers struct {
	heap  []timer
	where []int32    // index in heap, by number
	who   []*element // by number; nil is free
	free  []uint32   // numbers
}

type timer struct {
	at     time.Duration // since Space.epoch
	number uint32
}

// unscheduled is the number of an element that has no timer.
const unscheduled = ^uint32(0)

// timerArity is the number of children of a node: the four lie in one cache line.
const timerArity = 4

// first returns the element whose life ends first, nil if none does.
func (t *timers) first() *element {
	if len(t.heap) == 0 {
		return nil
	}
	return t.who[t.heap[0].number]
}

// set adds the element or moves it to its new time.
func (t *timers) set(e *element) {
	if e.timer != unscheduled {
		at := int(t.where[e.timer])
		t.heap[at].at = e.expires
		t.fix(at)
		return
	}
	if n := len(t.free); n > 0 {
		e.timer = t.free[n-1]
		t.free = t.free[:n-1]
		t.who[e.timer] = e
	} else {
		e.timer = uint32(len(t.who))
		t.who = append(t.who, e)
		t.where = append(t.where, 0)
	}
	t.heap = append(t.heap, timer{e.expires, e.timer})
	t.up(len(t.heap) - 1)
}

// remove takes the element out, if it is in.
func (t *timers) remove(e *element) {
	if e.timer == unscheduled {
		return
	}
	at, last := int(t.where[e.timer]), len(t.heap)-1
	moved := t.heap[last]
	t.heap = t.heap[:last]
	t.who[e.timer] = nil
	t.free = append(t.free, e.timer)
	e.timer = unscheduled
	if at < last {
		t.place(at, moved)
		t.fix(at)
	}
}

func (t *timers) place(at int, x timer) {
	t.heap[at] = x
	t.where[x.number] = int32(at)
}

// fix restores the order after the timer at this index changed.
func (t *timers) fix(at int) {
	if !t.up(at) {
		t.down(at)
	}
}

// up moves the timer to its place among its ancestors and reports whether it moved.
func (t *timers) up(at int) bool {
	x, from := t.heap[at], at
	for at > 0 {
		parent := (at - 1) / timerArity
		if t.heap[parent].at <= x.at {
			break
		}
		t.place(at, t.heap[parent])
		at = parent
	}
	t.place(at, x)
	return at != from
}

// down moves the timer to its place among its descendants.
func (t *timers) down(at int) {
	x := t.heap[at]
	for first := at*timerArity + 1; first < len(t.heap); first = at*timerArity + 1 {
		least := first
		for c := first + 1; c < min(first+timerArity, len(t.heap)); c++ {
			if t.heap[c].at < t.heap[least].at {
				least = c
			}
		}
		if x.at <= t.heap[least].at {
			break
		}
		t.place(at, t.heap[least])
		at = least
	}
	t.place(at, x)
}
