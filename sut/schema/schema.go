// SPDX-License-Identifier: Apache-2.0

// Package schema holds the JSON schemas of what vendors write: the configuration of a system
// under test, and the messages of an adapter.
package schema

import _ "embed"

// Adapter describes the lines of the adapter protocol.
//
//go:embed adapter.schema.json
var Adapter []byte

// Config describes the configuration file of a system under test.
//
//go:embed sut.schema.json
var Config []byte
