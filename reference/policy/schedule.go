// SPDX-License-Identifier: Apache-2.0

package policy

// schedule is a treap of elements by deadline, in which each node also knows the
// earliest time at which anything below it is due. Its depth is logarithmic
// whatever the deadlines are, because the balance is random.
type schedule struct {
	nodes []occurrence // by Ref
	root  Ref
}

// occurrence is the next turn of an element.
type occurrence struct {
	due         moment
	turn        uint64 // order of arrival, decides between equal deadlines
	balance     uint64 // heap order of the treap
	left, right Ref
	soonest     Ref // of the earliest due in this subtree
}

// before orders nodes by deadline.
func (t *schedule) before(a, b Ref) bool {
	x, y := &t.nodes[a], &t.nodes[b]
	before, equal := x.due.deadlineBefore(&y.due)
	return before || equal && x.turn < y.turn
}

func (t *schedule) insert(r Ref) { t.root = t.insertAt(t.root, r) }

func (t *schedule) insertAt(at, r Ref) Ref {
	if at == none || t.nodes[r].balance > t.nodes[at].balance {
		n := &t.nodes[r]
		n.left, n.right = t.split(at, r)
		t.refresh(r)
		return r
	}
	if n := &t.nodes[at]; t.before(r, at) {
		n.left = t.insertAt(n.left, r)
	} else {
		n.right = t.insertAt(n.right, r)
	}
	t.refresh(at)
	return at
}

// split divides the subtree into what is before r and what is after it.
func (t *schedule) split(at, r Ref) (before, after Ref) {
	if at == none {
		return none, none
	}
	if n := &t.nodes[at]; t.before(at, r) {
		n.right, after = t.split(n.right, r)
		before = at
	} else {
		before, n.left = t.split(n.left, r)
		after = at
	}
	t.refresh(at)
	return before, after
}

func (t *schedule) remove(r Ref) { t.root = t.removeAt(t.root, r) }

func (t *schedule) removeAt(at, r Ref) Ref {
	n := &t.nodes[at]
	switch {
	case at == r:
		return t.merge(n.left, n.right)
	case t.before(r, at):
		n.left = t.removeAt(n.left, r)
	default:
		n.right = t.removeAt(n.right, r)
	}
	t.refresh(at)
	return at
}

// merge joins two subtrees of which all of a is before all of b.
func (t *schedule) merge(a, b Ref) Ref {
	switch {
	case a == none:
		return b
	case b == none:
		return a
	case t.nodes[a].balance > t.nodes[b].balance:
		t.nodes[a].right = t.merge(t.nodes[a].right, b)
		t.refresh(a)
		return a
	}
	t.nodes[b].left = t.merge(a, t.nodes[b].left)
	t.refresh(b)
	return b
}

// refresh recomputes what a node knows about its subtree.
func (t *schedule) refresh(at Ref) {
	n := &t.nodes[at]
	n.soonest = at
	for _, child := range [...]Ref{n.left, n.right} {
		if child == none {
			continue
		}
		if s := t.nodes[child].soonest; t.nodes[s].due.reached(&t.nodes[n.soonest].due) {
			n.soonest = s
		}
	}
}

// earliest returns the element with the earliest deadline of those due by now.
// There must be one.
func (t *schedule) earliest(now moment) Ref {
	at := t.root
	for {
		n := &t.nodes[at]
		switch {
		case n.left != none && t.nodes[t.nodes[n.left].soonest].due.reached(&now):
			at = n.left
		case n.due.reached(&now):
			return at
		default:
			at = n.right
		}
	}
}

// walk appends the first n elements of the subtree to dst by deadline and
// returns how many are still wanted.
func (t *schedule) walk(at Ref, n int, dst []Ref) ([]Ref, int) {
	if at == none || n == 0 {
		return dst, n
	}
	dst, n = t.walk(t.nodes[at].left, n, dst)
	if n > 0 {
		dst, n = t.walk(t.nodes[at].right, n-1, append(dst, at))
	}
	return dst, n
}
