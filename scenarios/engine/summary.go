// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// maxSummary bounds the line that describes a message; its bytes are beside it.
const maxSummary = 400

// summarise renders the fields of a message in a line, by their RFC names as the codec has
// them: "PoolHandle EchoPool, PEID 0x12345678".
func summarise(m wire.Message) string {
	v := reflect.Indirect(reflect.ValueOf(m))
	var fields []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || v.Field(i).IsZero() {
			continue
		}
		fields = append(fields, f.Name+" "+render(v.Field(i)))
	}
	s := strings.Join(fields, ", ")
	if len(s) > maxSummary {
		s = strings.ToValidUTF8(s[:maxSummary], "") + "..." // the cut may be within a character
	}
	return s
}

func render(v reflect.Value) string {
	if v.CanInterface() {
		if s, ok := v.Interface().(fmt.Stringer); ok {
			return s.String()
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		var fields []string
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !v.Field(i).IsZero() {
				fields = append(fields, f.Name+" "+render(v.Field(i)))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%x", v.Bytes())
		}
		items := make([]string, 0, v.Len())
		for i := range v.Len() {
			items = append(items, render(v.Index(i)))
		}
		return "[" + strings.Join(items, " ") + "]"
	default:
		return fmt.Sprint(v.Interface())
	}
}
