// SPDX-License-Identifier: Apache-2.0

package fuzz_test

// attendances are what a registrar says to an element, as decisions: a granted registration, then
// keep-alives for its pool and another one, with and without the new home, and octets.
func attendances() map[string][]byte {
	return map[string][]byte{
		"granted":   {1, 0, 0, 0, 1},
		"rejected":  {1, 0, 0, 0, 0},
		"keptalive": {1, 0, 0, 0, 1, 1, 0, 0, 3, 1, 1, 1, 0, 0, 3, 0, 1, 1, 2, 0, 4, 1, 0},
		"errors":    {1, 0, 0, 6, 3, 1, 0, 0, 2, 1, 0, 2, 7, 0},
		"octets":    {0, 0, 8, 7, 0, 0, 8, 0, 9, 0, 4},
	}
}

// informations are what a registrar answers a user.
func informations() map[string][]byte {
	return map[string][]byte{
		"resolved": {1, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0},
		"unknown":  {1, 0, 1, 1, 9},
		"other":    {1, 1, 0, 2, 1, 0, 1, 1, 2, 0, 0, 3, 0, 0, 0, 1, 0, 0, 2, 1, 1, 2},
		"octets":   {0, 0, 16, 6, 0, 0, 16, 0, 9, 0, 12},
	}
}

// adapterScripts are lines that a harness writes.
func adapterScripts() map[string][]byte {
	return map[string][]byte{
		"hello":  []byte(`{"id":1,"op":"hello","protocol":1,"harness":"rspthreat"}` + "\n"),
		"start":  []byte(`{"id":1,"op":"hello","protocol":1}` + "\n" + `{"id":2,"op":"start-user","node":"u","user":{}}` + "\n" + `{"id":3,"op":"resolve","node":"u","timeout_ms":100}` + "\n"),
		"cancel": []byte(`{"id":2,"op":"start-element","node":"e","element":{}}` + "\n" + `{"id":4,"op":"cancel","request":2}` + "\n" + `{"id":5,"op":"stop","node":"e"}` + "\n"),
		"broken": []byte("{\"id\":1,\n\x00\n{\"id\":\"x\",\"op\":7}\n"),
	}
}
