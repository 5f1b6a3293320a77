// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxResults bounds what ReadResults takes into memory; clean keeps results.json far below it.
const maxResults = 64 << 20

// Errors of ReadResults.
var (
	ErrSchema   = errors.New("unknown schema")
	ErrTooLarge = errors.New("results are too large")
)

//go:embed schema/results.schema.json
var schema []byte

// Schema returns the JSON schema (draft 2020-12) of results.json.
func Schema() []byte { return bytes.Clone(schema) }

func writeSchema(w io.Writer) error {
	_, err := w.Write(schema)
	return err
}

// writeJSON writes clean results; < and > are escaped, so that the file may stand inside a page.
func writeJSON(w io.Writer, r *Results) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// ReadResults reads a results.json. It refuses another schema version with ErrSchema, unknown fields, unknown verdicts,
// and anything after the results: what it does not understand it must not judge by.
func ReadResults(in io.Reader) (*Results, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxResults+1))
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	if len(b) > maxResults {
		return nil, fmt.Errorf("read results: %w: more than %d bytes", ErrTooLarge, maxResults)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(b, &head); err != nil { // also when anything follows the results
		return nil, fmt.Errorf("read results: %w", err)
	}
	if head.Schema != SchemaID {
		return nil, fmt.Errorf("read results: %w %q; this version reads %s", ErrSchema, cleanLine(head.Schema, maxLine), SchemaID)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Results
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return &r, nil
}
