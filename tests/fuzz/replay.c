/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - main() for a fuzz target without a fuzzer: feeds it the files named, or all seeds of CS_FUZZ_NAME.
 *
 * Each seed is also fed cut at every eighth byte and with single bytes changed, which costs milliseconds and finds what
 * a reader does beyond the end of its input (run it under a sanitizer).
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/mem.h"

#define SEED_MAX ((size_t)1 << 20)
#define MUTATED_MAX ((size_t)8192) /* larger seeds are fed whole only */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* From memory that ends where the input ends, so that a sanitizer sees the first byte beyond. */
static void
feed(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);

	if (exact == NULL)
		abort();
	memcpy(exact, data, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static void
feed_variants(uint8_t *data, size_t n)
{
	static const uint8_t odd[] = { 0, '"', '\\', '{', ']', ',', 0xff, '9' };

	feed(data, n);
	if (n > MUTATED_MAX)
		return;
	for (size_t i = 0; i < n; i += 8) {
		uint8_t was = data[i];

		feed(data, i);
		data[i] = odd[i / 8 % sizeof(odd)];
		feed(data, n);
		data[i] = was;
	}
}

static int
replay(const char *path)
{
	uint8_t *data = cs_xmalloc(SEED_MAX);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "could not open %s\n", path);
		free(data);
		return 1;
	}
	n = fread(data, 1, SEED_MAX, f);
	fclose(f);
	feed_variants(data, n);
	free(data);
	return 0;
}

static int
replay_seeds(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), failed = 0, fed = 0;

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			char *path = cs_xasprintf("%s/%s", folder, names[i]->d_name);

			failed |= replay(path);
			fed++;
			free(path);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	printf("%d seeds of %s\n", fed, folder);
	return failed != 0 || fed == 0;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return replay_seeds(CS_FUZZ_SEEDS "/" CS_FUZZ_NAME);
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	return failed;
}
