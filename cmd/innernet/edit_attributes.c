#include "cmd/innernet/edit_attributes.h"

#include "cmd/innernet/edit.h"
#include "schema/attributes.h"

#include <string.h>

/* "invite-expires" for the key invite_expires. NULL: out of memory. */
static const char *option_of(struct edit_job *job, const struct key_spec *k)
{
	char *name = arena_strdup(job->arena, k->name);

	for (char *c = name; c && *c; c++)
		*c = *c == '_' ? '-' : *c;
	if (!name)
		job->diags.out_of_memory = true;
	return name;
}

static int take(struct edit_job *job, const struct key_spec *k, const char *option, void *thing)
{
	const char *given = option_value(job->inv, option), *text = given;
	long number;

	switch (k->type) {
	case TYPE_BOOL:
		attribute_set_bool(k, thing, option_true(job->inv, option));
		return 0;
	case TYPE_INT:
		if (option_number(job->inv, option, (long)k->min, (long)k->max, k->absent, &number))
			return 1;
		attribute_set_number(k, thing, number);
		return 0;
	case TYPE_ENDPOINT:
		if (given && !(text = endpoint_canonical(job->arena, given, strlen(given))))
			return usage_error(job->inv, "--%s takes host:port, as in vpn.example.com:51820, not '%s'",
					   option, given);
		break;
	default:
		break;
	}
	attribute_set_text(k, thing, text);
	return 0;
}

int edit_take_attributes(struct edit_job *job, enum key_place place, void *thing)
{
	const struct key_spec *k;
	const char *option;

	attributes_init(place, thing);
	for (size_t i = 0; (k = attribute_next(place, &i));) {
		if (!k->by_option)
			continue;
		option = option_of(job, k);
		if (!option || take(job, k, option, thing))
			return 1;
	}
	return 0;
}
