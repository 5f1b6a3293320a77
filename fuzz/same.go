// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"net/netip"
	"reflect"
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// same tells whether two messages mean the same: all exported fields are equal, where a nil
// slice equals an empty one.
func same(a, b wire.Message) bool { return equal(reflect.ValueOf(a), reflect.ValueOf(b)) }

var addrType = reflect.TypeFor[netip.Addr]()

func equal(a, b reflect.Value) bool {
	if a.Type() != b.Type() {
		return false
	}
	switch {
	case a.Type() == addrType:
		return a.Equal(b)
	case a.Kind() == reflect.Pointer:
		return equal(a.Elem(), b.Elem())
	case a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Uint8:
		return slices.Equal(a.Bytes(), b.Bytes())
	case a.Kind() == reflect.Slice:
		for i := range min(a.Len(), b.Len()) {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return a.Len() == b.Len()
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Equal(b)
}

// sameParameters compares what two decoders skipped.
func sameParameters(a, b []wire.Parameter) bool {
	return slices.EqualFunc(a, b, func(p, q wire.Parameter) bool {
		return p.Type == q.Type && slices.Equal(p.Value, q.Value)
	})
}
