/* What may stand on the ledger's branch, and what the server keeps beside git: taken or left, and never both. */
#include "reconcile/edge/git/ledger_record.h"
#include "reconcile/edge/revision/publish.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The commit that ends a record: 40 hex digits, or 64 of SHA-256. */
static const char *commit_of(struct span record, char out[static HASH_HEX_LEN + 1])
{
	size_t n = 0;

	while (n < HASH_HEX_LEN && n + 1 < record.n && record.p[record.n - 2 - n] != ' ')
		n++;
	memcpy(out, record.p + record.n - 1 - n, n);
	out[n] = '\0';
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = {data, size};
	struct ledger_address a;
	struct key invite;
	char name[NAME_MAX_LEN + 1], path[LEDGER_PATH_LEN], commit[HASH_HEX_LEN + 1];
	struct buf again = {0};
	struct arena *arena = arena_new();
	struct source_file *files;
	size_t n;

	if (!ledger_address_parse(bytes, &a, name)) {
		a.name = name;
		ledger_address_path(path, &a.addr);
		ledger_address_write(&again, &a, commit_of(bytes, commit));
		/* What is read is said again in the same bytes. */
		if (again.n != size || memcmp(again.p, data, size))
			abort();
	} else if (!ledger_spent_parse(bytes, &invite)) {
		ledger_key_path(path, "spent", &invite);
		ledger_spent_write(&again, &invite, commit_of(bytes, commit));
		if (again.n != size || memcmp(again.p, data, size))
			abort();
	}
	struct signed_text signed_text;
	struct statement statement;
	if (arena && !ledger_statement_parse(arena, bytes, &signed_text, &statement)) {
		buf_reset(&again);
		ledger_statement_path(path, bytes);
		ledger_statement_write(&again, &signed_text);
		if (!again.failed && (again.n != size || memcmp(again.p, data, size)))
			abort();
	}
	if (arena && !definition_container_parse(arena, bytes, commit, &files, &n))
		for (size_t i = 0; i < n; i++)
			if (files[i].bytes.p < data || files[i].bytes.p + files[i].bytes.n > data + size)
				abort();
	buf_free(&again);
	arena_free(arena);
	return 0;
}
