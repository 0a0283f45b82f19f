/* SPDX-License-Identifier: Apache-2.0 */
/* governor/crc32c_other.c - CRC-32C on processors we know no instruction of. */
#include "governor/crc32c.h"

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return crc32c_portable(crc, p, n);
}
