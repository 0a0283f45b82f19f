/* SPDX-License-Identifier: Apache-2.0 */
/* governor/crc32c.h - CRC-32C (Castagnoli): against accidents of disks, not against people. */
#pragma once

#include "base/base.h"

/* Continues crc (0 at the start) over n more bytes. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n) MUST_USE;
/* The same without the processor's help. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n) MUST_USE;
