/* SPDX-License-Identifier: Apache-2.0 */
/* libfuzzer.c - explores a target with clang's libFuzzer. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	return fuzz_one(bytes, n);
}
