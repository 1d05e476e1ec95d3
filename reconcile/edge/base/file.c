#include "reconcile/edge/base/file.h"
#include "schema/order.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STEP_MS 20 /* between two attempts to take a lock */

static const char *errno_help(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return "run it as root, or as the user that owns the file";
	case ENOSPC:
	case EDQUOT:
		return "make room on the file system; nothing was lost";
	case EROFS:
		return "the file system is mounted read-only";
	case ENOENT:
		return "check the path";
	}
	return NULL;
}

int file_fail(struct diags *d, const char *path, const char *what, int err)
{
	struct diag *g = diag_file_error(d, "file-error", path, "cannot %s %s: %s", what, path, strerror(err));
	const char *help = errno_help(err);

	if (help)
		diag_help(d, g, "%s", help);
	return -1;
}

/* Only root and this process's user may be able to read or change a file with secrets. */
static int check_secret(const char *path, const struct stat *st, struct diags *d)
{
	struct diag *g;

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		g = diag_file_error(d, "file-permissions", path, "%s holds secrets, but belongs to user %u", path,
				    (unsigned)st->st_uid);
		diag_help(d, g, "chown it to yourself or root, or ask for a new one");
		return -1;
	}
	if (st->st_mode & 077) {
		g = diag_file_error(d, "file-permissions", path,
				    "%s holds secrets, but other users can read or change it (mode %04o)", path,
				    (unsigned)(st->st_mode & 07777));
		diag_help(d, g, "chmod 600 %s -- and if another user may have read it, ask for a new one", path);
		return -1;
	}
	return 0;
}

/*
 * Allocates the buffer once, before the first read, so that no realloc leaves a copy of a secret in freed memory. Refuses
 * a file that grows during the read ("file-changed").
 */
static int read_all(int fd, const char *path, size_t size, size_t max, struct buf *out, struct diags *d)
{
	size_t cap = size + 1, n = 0;
	char *p = malloc(cap + 1);

	if (!p)
		return diags_out_of_memory(d);
	for (;;) {
		ssize_t r = read(fd, p + n, cap - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			int err = errno;
			sodium_memzero(p, cap);
			free(p);
			return file_fail(d, path, "read", err);
		}
		n += (size_t)r;
		if (r == 0 || n == cap)
			break;
	}
	if (n > size || n > max) {
		sodium_memzero(p, cap);
		free(p);
		diag_file_error(d, "file-changed", path, "%s grew while it was read", path);
		return -1;
	}
	p[n] = '\0';
	buf_free(out);
	*out = (struct buf){.p = p, .n = n, .cap = cap + 1};
	return 0;
}

static int read_file(const char *path, size_t max, bool secret, struct buf *out, bool *absent, struct diags *d)
{
	struct stat st;
	int fd, r = -1;

	if (absent)
		*absent = false;
	/* O_NONBLOCK: open(2) of a FIFO must not block. It has no effect on a regular file. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (secret ? O_NOFOLLOW : 0));
	if (fd < 0) {
		if (errno == ENOENT && absent) {
			*absent = true;
			return 0;
		}
		return file_fail(d, path, "open", errno);
	}
	if (fstat(fd, &st) < 0) {
		file_fail(d, path, "look at", errno);
	} else if (!S_ISREG(st.st_mode)) {
		diag_help(d, diag_file_error(d, "file-not-regular", path, "%s is not a regular file", path),
			  "name a file; folders, pipes and devices are not read");
	} else if ((uintmax_t)st.st_size > max) {
		diag_help(d,
			  diag_file_error(d, "file-too-large", path, "%s has %jd bytes; at most %zu are read", path,
					  (intmax_t)st.st_size, max),
			  "check that it is the right file");
	} else if (!secret || check_secret(path, &st, d) == 0) {
		r = read_all(fd, path, (size_t)st.st_size, max, out, d);
	}
	close(fd);
	return r;
}

int file_read(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d)
{
	return read_file(path, max, false, out, absent, d);
}

int file_read_secret(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d)
{
	return read_file(path, max, true, out, absent, d);
}

/* "/a/b" -> "/a"; "b" -> "."; "/b" -> "/". -1 when it does not fit. */
static int parent_of(const char *path, char out[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= PATH_MAX)
		return -1;
	if (!slash)
		strcpy(out, ".");
	else if (n == 0)
		strcpy(out, "/");
	else {
		memcpy(out, path, n);
		out[n] = '\0';
	}
	return 0;
}

static int sync_parent(const char *path, struct diags *d)
{
	char dir[PATH_MAX];
	int fd, r;

	if (parent_of(path, dir) < 0)
		return file_fail(d, path, "sync the folder of", ENAMETOOLONG);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_fail(d, dir, "open", errno);
	r = fsync(fd);
	/* Some file systems cannot sync a folder and return EINVAL. */
	if (r < 0 && errno != EINVAL) {
		r = file_fail(d, dir, "sync", errno);
	} else {
		r = 0;
	}
	close(fd);
	return r;
}

static int write_all(int fd, struct span bytes)
{
	while (bytes.n) {
		ssize_t w = write(fd, bytes.p, bytes.n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		bytes.p += w;
		bytes.n -= (size_t)w;
	}
	return 0;
}

enum replace_how { REPLACE, REPLACE_LAZY, CREATE };

static int replace(const char *path, struct span bytes, mode_t mode, enum replace_how how, struct diags *d)
{
	char temp[PATH_MAX];
	int fd, err;
	int n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);

	if (n < 0 || (size_t)n >= sizeof(temp))
		return file_fail(d, path, "write", ENAMETOOLONG);
	fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return file_fail(d, path, "write", errno);
	if (fchmod(fd, mode) < 0 || write_all(fd, bytes) < 0 || (how != REPLACE_LAZY && fsync(fd) < 0)) {
		err = errno;
		close(fd);
		goto undo;
	}
	if (close(fd) < 0) {
		err = errno;
		goto undo;
	}
	/* link(2) refuses an existing target, where rename(2) would replace it. */
	if (how == CREATE ? link(temp, path) < 0 : rename(temp, path) < 0) {
		err = errno;
		goto undo;
	}
	if (how == CREATE)
		unlink(temp);
	return how == REPLACE_LAZY ? 0 : sync_parent(path, d);
undo:
	unlink(temp);
	if (how == CREATE && err == EEXIST) {
		struct diag *g = diag_file_error(d, "file-exists", path, "%s is there already", path);
		diag_help(d, g, "choose another name, or move it away; it is never overwritten");
		return -1;
	}
	return file_fail(d, path, "write", err);
}

int file_write(const char *path, struct span bytes, mode_t mode, struct diags *d)
{
	return replace(path, bytes, mode, REPLACE, d);
}

int file_replace(const char *path, struct span bytes, mode_t mode, struct diags *d)
{
	return replace(path, bytes, mode, REPLACE_LAZY, d);
}

int file_create(const char *path, struct span bytes, mode_t mode, struct diags *d)
{
	return replace(path, bytes, mode, CREATE, d);
}

int file_mkdirs(const char *path, mode_t mode, struct diags *d)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return file_fail(d, path, "make", ENAMETOOLONG);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) == 0) {
			if (sync_parent(part, d) < 0)
				return -1;
		} else if (errno != EEXIST) {
			return file_fail(d, part, "make the folder", errno);
		}
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return file_fail(d, path, "look at", errno);
	if (!S_ISDIR(st.st_mode))
		return file_fail(d, path, "make the folder", ENOTDIR);
	return 0;
}

int file_remove(const char *path, struct diags *d)
{
	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		return file_fail(d, path, "remove", errno);
	}
	return sync_parent(path, d);
}

int file_lock(const char *path, unsigned wait_ms, int *fd, struct diags *d)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return file_fail(d, path, "open", errno);
	while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno;

		if (err == EINTR)
			continue;
		if (err != EWOULDBLOCK || wait_ms < LOCK_STEP_MS) {
			close(*fd);
			*fd = -1;
			return err == EWOULDBLOCK ? 1 : file_fail(d, path, "lock", err);
		}
		/* flock(2) has no time-out: polls. */
		nanosleep(&step, NULL);
		wait_ms -= LOCK_STEP_MS;
	}
	return 0;
}

struct file_stamp file_stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct file_stamp){0};
	return (struct file_stamp){
	    .device = st.st_dev,
	    .inode = st.st_ino,
	    .size = (uint64_t)st.st_size,
	    .sec = st.st_ctim.tv_sec,
	    .nsec = st.st_ctim.tv_nsec,
	};
}

bool file_stamp_eq(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->sec == b->sec &&
	       a->nsec == b->nsec;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

int file_remove_tree(const char *path, struct diags *d)
{
	if (!nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) || errno == ENOENT)
		return 0;
	diag_file_error(d, "file-error", path, "cannot remove %s: %s", path, strerror(errno));
	return -1;
}

int file_list(struct arena *a, const char *dir, size_t (*take)(const char *name), const char *const **names, size_t *n,
	      struct diags *d)
{
	const char **list = NULL, **more;
	size_t cap = 0;
	const struct dirent *e;
	DIR *folder = opendir(dir);

	*names = NULL;
	*n = 0;
	if (!folder) {
		if (errno == ENOENT)
			return 0;
		return file_fail(d, dir, "look into", errno);
	}
	while ((e = readdir(folder))) {
		size_t len = take(e->d_name);
		if (!len)
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 8;
			more = arena_array(a, cap, sizeof(*more));
			if (!more)
				goto oom;
			if (*n)
				memcpy(more, list, *n * sizeof(*more));
			list = more;
		}
		list[*n] = arena_strndup(a, e->d_name, len);
		if (!list[(*n)++])
			goto oom;
	}
	closedir(folder);
	if (*n)
		qsort(list, *n, sizeof(*list), order_text_cmp);
	*names = list;
	return 0;
oom:
	closedir(folder);
	return diags_out_of_memory(d);
}
