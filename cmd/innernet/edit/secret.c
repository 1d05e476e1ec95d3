#include "cmd/innernet/edit/secret.h"
#include "cmd/innernet/edit/edit.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/config.h"

int edit_secret_new(struct edit_job *job)
{
	job->secret.key = secret_new();
	if (job->secret.key)
		return 0;
	return diags_out_of_memory(&job->diags);
}

int edit_secret_to(struct edit_job *job, const char *file, const char *option)
{
	job->secret.option = option;
	if (!file || (job->secret.file = arena_strdup(job->arena, file)))
		return 0;
	return diags_out_of_memory(&job->diags);
}

int edit_secret_save(struct edit_job *job)
{
	if (!job->secret.file)
		return 0;
	if (job->command->write_secret(job))
		return -1;
	if (edit_git_exclude(job, job->secret.file) == 0)
		return 0;
	edit_secret_remove(job);
	return -1;
}

void edit_secret_remove(struct edit_job *job)
{
	if (job->secret.file)
		file_remove(job->secret.file, &job->diags);
}

void edit_secret_free(struct edit_job *job)
{
	secret_free(job->secret.key);
	job->secret.key = NULL;
}
