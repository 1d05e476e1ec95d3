#include "cmd/innernet/edit/take.h"

#include "cmd/innernet/edit/edit.h"
#include "schema/attributes.h"

#include <string.h>

bool edit_name_ok(const struct edit_job *job, const char *option, const char *name)
{
	if (name_valid(name, strlen(name)))
		return true;
	usage_error(job->inv, "--%s takes a host name: lower case letters, digits and hyphens, at most %d; not '%s'",
		    option, NAME_MAX_LEN, name);
	return false;
}

int edit_take_name(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "name");
	return 0;
}

int edit_take_rename(struct edit_job *job)
{
	job->edit.other = option_value(job->inv, "new-name");
	edit_take_name(job);
	return edit_name_ok(job, "new-name", job->edit.other) ? 0 : 1;
}

/* Returns the option's name of a key: "invite-expires" for invite_expires. NULL: out of memory. */
static const char *option_of(struct edit_job *job, const struct key_spec *k)
{
	char *name = arena_strdup(job->arena, k->name);

	for (char *c = name; c && *c; c++)
		*c = *c == '_' ? '-' : *c;
	if (!name)
		diags_out_of_memory(&job->diags);
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
