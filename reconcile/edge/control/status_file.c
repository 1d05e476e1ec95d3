#include "reconcile/edge/control/status_file.h"
#include "reconcile/edge/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int status_file_read(const char *data_dir, struct buf *text, json_t **out, struct diags *d)
{
	struct buf path = {0}, own = {0};
	bool absent = false;
	int ret = -1;

	*out = NULL;
	if (!text)
		text = &own;
	buf_printf(&path, "%s/" STATUS_FILE, data_dir);
	if (path.failed) {
		diags_out_of_memory(d);
		goto out;
	}
	if (file_read(path.p, STATUS_FILE_MAX, text, &absent, d) < 0)
		goto out;
	ret = 0;
	if (absent)
		goto out;
	*out = text->p ? json_loadb(text->p, text->n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	ret = 1;
	if (!json_is_object(*out)) {
		diag_file_error(d, "bad-status", path.p, "%s is not a status; the server writes a new one", path.p);
		json_decref(*out);
		*out = NULL;
		ret = -1;
	}
out:
	buf_free(&path);
	buf_free(&own);
	return ret;
}

const char *status_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

void status_put_version(struct buf *out, const json_t *o)
{
	const json_t *v = json_object_get(o, "version");

	if (v)
		buf_printf(out, "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT,
			   json_integer_value(json_object_get(v, "epoch")),
			   json_integer_value(json_object_get(v, "number")));
	else
		buf_char(out, '-');
}

json_t *status_condition(const json_t *o, const char *type)
{
	size_t i;
	json_t *c;

	json_array_foreach(json_object_get(o, "conditions"), i, c)
	{
		if (!strcmp(status_text(c, "type"), type))
			return c;
	}
	return NULL;
}

/*
 * Reads the kernel's list of locks. Trying to take the lock would need write permission, and could make a starting server
 * fail. Compares the inode only: on overlayfs the list has the device of another layer.
 */
bool status_server_runs(const char *data_dir)
{
	struct buf path = {0};
	char line[256];
	struct stat st;
	unsigned long long inode;
	bool found = false, known;
	FILE *f;

	buf_printf(&path, "%s/" SERVER_LOCK_FILE, data_dir);
	known = !path.failed && !stat(path.p, &st);
	buf_free(&path);
	if (!known)
		return errno != ENOENT;
	if (!(f = fopen("/proc/locks", "re")))
		return true;
	/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:131074 0 EOF" */
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "FLOCK") && sscanf(line, "%*s %*s %*s %*s %*s %*x:%*x:%llu", &inode) == 1 &&
			inode == st.st_ino;
	fclose(f);
	return found;
}

void status_not_running(json_t *o)
{
	json_t *ready = status_condition(o, "Ready");

	json_object_set_new(ready, "status", json_string("False"));
	json_object_set_new(ready, "reason", json_string("NotRunning"));
	json_object_set_new(ready, "message", json_string("all else is as a server wrote it down last"));
}
