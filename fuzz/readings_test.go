// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// readings returns the values of tsharkFields in a message, in the order in which it has them.
func readings(m wire.Message) []string {
	var r reading
	r.walk(reflect.ValueOf(m).Elem())
	values := make([]string, 0, len(tsharkFields))
	for _, list := range [][]string{r.handles, r.ids, r.homes, r.lives, r.policies, r.v4, r.v6} {
		values = append(values, strings.Join(list, ","))
	}
	return values
}

type reading struct{ handles, ids, homes, lives, policies, v4, v6 []string }

func (r *reading) walk(v reflect.Value) {
	switch x := v.Interface().(type) {
	case wire.PoolHandle:
		r.handles = append(r.handles, hex.EncodeToString(x))
		return
	case wire.PoolElement:
		r.ids = append(r.ids, x.ID.String())
		r.homes = append(r.homes, x.Home.String())
		r.lives = append(r.lives, fmt.Sprint(x.Life))
	case wire.Policy:
		if x.Type != 0 {
			r.policies = append(r.policies, fmt.Sprintf("0x%08x", uint32(x.Type)))
		}
		return
	case wire.HandleResolutionResponse:
		if !x.HasPolicy { // absent means round robin
			x.Policy = wire.Policy{}
			v = reflect.ValueOf(x)
		}
	case netip.Addr:
		if x.Is4() {
			r.v4 = append(r.v4, x.String())
		} else {
			r.v6 = append(r.v6, x.String())
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				r.walk(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Uint8 {
				return
			}
			r.walk(v.Index(i))
		}
	}
}
