/* innernet schema: prints the JSON Schema with which editors complete and check network.yaml. */
#include "cmd/innernet/commands.h"
#include "reconcile/show/json_schema.h"

static const struct option_spec options[] = {
    {"included", 0, NULL, "the schema of a file that network.yaml includes"},
    {0},
};

static int run(struct invocation *inv)
{
	struct buf b = {0};
	int rc;

	if (json_schema_render(&b, option_given(inv, "included")))
		b.failed = true;
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

const struct command command_schema = {
    .name = "schema",
    .synopsis = "[--included]",
    .summary = "print the JSON Schema of network.yaml, for editors",
    .text = "An editor with the YAML language server finds it by the definition's first line:\n"
	    "  # yaml-language-server: $schema=network.schema.json",
    .example = "innernet schema >network.schema.json",
    .options = options,
    .run = run,
};
