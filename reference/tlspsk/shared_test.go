// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"reflect"
	"sync"
	"testing"
)

func TestConnectionsOfAConfigShareOneContext(t *testing.T) {
	sc := pskServer()
	var wg sync.WaitGroup
	engines := make([]*engine, 8)
	for i := range engines {
		wg.Go(func() { engines[i], _ = sc.pskEngine(serverRole) })
	}
	wg.Wait()
	for _, e := range engines {
		if e == nil || e != engines[0] {
			t.Fatalf("engines differ: %v", engines)
		}
	}
}

func TestCopiedConfigIsRefused(t *testing.T) {
	c := pskClient()
	if _, err := c.pskEngine(clientRole); err != nil {
		t.Fatal(err)
	}
	var dup Config
	reflect.ValueOf(&dup).Elem().Set(reflect.ValueOf(c).Elem()) // what vet would not let pass
	if _, err := Client(nil, &dup); !errors.Is(err, ErrConfigCopied) {
		t.Errorf("got %v, want ErrConfigCopied", err)
	}
}

func TestCloneCopiesEveryField(t *testing.T) {
	var c Config
	v := reflect.ValueOf(&c).Elem()
	exported := 0
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue
		}
		exported++
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.SetBytes([]byte{1})
		case reflect.Uint16:
			f.SetUint(1)
		case reflect.Int64:
			f.SetInt(1)
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Func:
			f.Set(reflect.ValueOf(lookup))
		case reflect.Interface:
			f.Set(reflect.ValueOf(t.Output()))
		default:
			t.Fatalf("teach this test about %v", f.Kind())
		}
	}
	clone := reflect.ValueOf(c.Clone()).Elem()
	for i := range v.NumField() {
		if v.Field(i).CanSet() && clone.Field(i).IsZero() {
			t.Errorf("Clone forgets %s", v.Type().Field(i).Name)
		}
	}
	if exported == 0 {
		t.Error("no fields seen")
	}
}
