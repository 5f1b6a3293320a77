// SPDX-License-Identifier: Apache-2.0

//go:build libfuzzer

// Command libfuzzer is a target of package fuzz for clang's libFuzzer, instrumented by the Go
// compiler. Script fuzz-libfuzzer builds it, and chooses the target when it links.
package main

/*
#include <stddef.h>
#include <stdint.h>
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
*/
import "C"

import (
	"math/rand/v2"
	"unsafe"

	"github.com/rspthreat/rspthreat/fuzz"
	"github.com/rspthreat/rspthreat/fuzz/mutate"
)

// name of the target, set by the linker.
var name string

var targets = map[string]func(data []byte) int{
	"FuzzASAP":        fuzz.FuzzASAP,
	"FuzzENRP":        fuzz.FuzzENRP,
	"FuzzReencode":    fuzz.FuzzReencode,
	"FuzzLeniency":    fuzz.FuzzLeniency,
	"FuzzLayer":       fuzz.FuzzLayer,
	"FuzzFraming":     fuzz.FuzzFraming,
	"FuzzHandlespace": fuzz.FuzzHandlespace,
	"FuzzRegistrar":   fuzz.FuzzRegistrar,
	"FuzzElement":     fuzz.FuzzElement,
	"FuzzUser":        fuzz.FuzzUser,
	"FuzzConfig":      fuzz.FuzzConfig,
	"FuzzAdapter":     fuzz.FuzzAdapter,
	"FuzzResults":     fuzz.FuzzResults,
}

// onMessages are the targets whose input is a message.
var onMessages = map[string]bool{
	"FuzzASAP": true, "FuzzENRP": true, "FuzzReencode": true, "FuzzLeniency": true, "FuzzLayer": true,
}

var (
	target     = targets[name]
	structured = onMessages[name]
)

//export LLVMFuzzerTestOneInput
func LLVMFuzzerTestOneInput(data *C.uint8_t, size C.size_t) C.int {
	b := unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size))
	target(b[:size:size])
	return 0
}

// LLVMFuzzerCustomMutator edits messages half of the time, and leaves the rest to libFuzzer, which
// has learned what the target compares its input with.
//
//export LLVMFuzzerCustomMutator
func LLVMFuzzerCustomMutator(data *C.uint8_t, size, most C.size_t, seed C.uint) C.size_t {
	if !structured || seed&1 == 0 {
		return C.LLVMFuzzerMutate(data, size, most)
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(data)), int(most))
	return C.size_t(copy(b, mutate.Message(rand.New(rand.NewPCG(uint64(seed), 0)), b[:size], int(most))))
}

func main() {}
