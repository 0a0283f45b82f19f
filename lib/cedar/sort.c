/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/sort.c - sorting without memory of its own and without a bad case.
 *
 * qsort() may allocate and may be quadratic; sets come from hostile JSON. Small arrays, nearly all
 * there are, go by insertion; the rest by heap.
 */
#include "cedar/value.h"

#include <string.h>

enum { FEW = 12, ELEMENT_MAX = 32 };

struct array {
	char *p;
	size_t size;
	int (*cmp)(const void *a, const void *b, void *context);
	void *context;
};

static char *at(const struct array *a, size_t i)
{
	return a->p + i * a->size;
}

static void swap(const struct array *a, size_t i, size_t j)
{
	char held[ELEMENT_MAX];

	memcpy(held, at(a, i), a->size);
	memcpy(at(a, i), at(a, j), a->size);
	memcpy(at(a, j), held, a->size);
}

static void by_insertion(const struct array *a, size_t n)
{
	char held[ELEMENT_MAX];

	for (size_t i = 1; i < n; i++) {
		size_t j = i;

		memcpy(held, at(a, i), a->size);
		while (j > 0 && a->cmp(at(a, j - 1), held, a->context) > 0) {
			memcpy(at(a, j), at(a, j - 1), a->size);
			j--;
		}
		memcpy(at(a, j), held, a->size);
	}
}

static void sift_down(const struct array *a, size_t i, size_t n)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n) {
			return;
		}
		if (child + 1 < n && a->cmp(at(a, child), at(a, child + 1), a->context) < 0) {
			child++;
		}
		if (a->cmp(at(a, i), at(a, child), a->context) >= 0) {
			return;
		}
		swap(a, i, child);
		i = child;
	}
}

void cedar_sort(void *base, size_t n, size_t size,
		int (*cmp)(const void *a, const void *b, void *context), void *context)
{
	const struct array a = {.p = base, .size = size, .cmp = cmp, .context = context};

	MUST(size <= ELEMENT_MAX);
	if (n <= FEW) {
		by_insertion(&a, n);
		return;
	}
	for (size_t i = n / 2; i-- > 0;) {
		sift_down(&a, i, n);
	}
	for (size_t end = n - 1; end > 0; end--) {
		swap(&a, 0, end);
		sift_down(&a, 0, end);
	}
}
