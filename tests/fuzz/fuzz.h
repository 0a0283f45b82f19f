/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what a fuzz target defines. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Feeds one input to the code under test; aborts when a property is broken; returns 0. */
int fuzz_one(const uint8_t *bytes, size_t n);
