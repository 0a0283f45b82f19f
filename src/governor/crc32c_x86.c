/* SPDX-License-Identifier: Apache-2.0 */
/* governor/crc32c_x86.c - CRC-32C by SSE 4.2 where the processor has it. */
#include "governor/crc32c.h"

#include <nmmintrin.h>
#include <string.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *p,
								 size_t n)
{
	uint64_t c = ~crc;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		c = _mm_crc32_u64(c, word);
	}
	for (; n > 0; n--, p++) {
		c = _mm_crc32_u8((uint32_t)c, *p);
	}
	return ~(uint32_t)c;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, p, n)
						: crc32c_portable(crc, p, n);
}
