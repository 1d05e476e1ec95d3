#include "reconcile/edge/peer/hosts.h"

#include "reconcile/edge/base/loop.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LABEL         "security.selinux"
#define LABEL_MAX     1024
#define SETTLED_AFTER 2 /* seconds: a second change may have the time of the first */

struct file_stamp hosts_stamp_of(const char *path)
{
	struct file_stamp stamp = file_stamp_of(path);

	return stamp.sec > clock_unix() - SETTLED_AFTER ? (struct file_stamp){0} : stamp;
}

int hosts_read(const char *path, struct buf *out, struct diags *d)
{
	bool absent = false;

	return file_read(path, HOSTS_MAX, out, &absent, d);
}

static int fail(struct diags *d, const char *path, const char *what, int err)
{
	diag_file_error(d, "hosts-failed", path, "cannot %s %s: %s", what, path, strerror(err));
	return -1;
}

static int write_at(int fd, struct span bytes)
{
	for (size_t at = 0; at < bytes.n;) {
		ssize_t w = pwrite(fd, bytes.p + at, bytes.n - at, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += (size_t)w;
	}
	return 0;
}

/* The owner first: chown(2) clears set-user-ID bits. */
static int like_old(int fd, const char *target)
{
	char label[LABEL_MAX];
	struct stat st;
	ssize_t n;

	if (stat(target, &st) < 0)
		return errno == ENOENT ? fchmod(fd, 0644) : -1;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		return -1;
	n = getxattr(target, LABEL, label, sizeof(label));
	/* Without SELinux there is no label, and a policy may label the new file by itself. */
	if (n > 0 && fsetxattr(fd, LABEL, label, (size_t)n, 0) < 0 && errno != ENOTSUP && errno != EPERM)
		return -1;
	return 0;
}

/* 0; -1 with errno: nothing was changed. */
static int write_beside(const char *target, struct span bytes)
{
	char temp[PATH_MAX + 16];
	int fd, err;

	snprintf(temp, sizeof(temp), "%s.XXXXXX", target);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (like_old(fd, target) < 0 || write_at(fd, bytes) < 0 || fsync(fd) < 0 || rename(temp, target) < 0) {
		err = errno;
		unlink(temp);
		close(fd);
		errno = err;
		return -1;
	}
	close(fd);
	return 0;
}

/* A reader may see a part of the new text, never an empty file. */
static int write_in_place(const char *target, struct span bytes)
{
	int fd = open(target, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r, err;

	if (fd < 0)
		return -1;
	r = write_at(fd, bytes) < 0 || ftruncate(fd, (off_t)bytes.n) < 0 || fsync(fd) < 0 ? -1 : 0;
	err = errno;
	close(fd);
	errno = err;
	return r;
}

/* The errors of a folder where no file can be made, and of a target that cannot be renamed over. */
static bool needs_place(int err)
{
	return err == EBUSY || err == EXDEV || err == EROFS || err == EACCES || err == EPERM;
}

/* The target of a symbolic link, else `path`. A dangling link is an error. */
static int resolve(const char *path, char target[static PATH_MAX])
{
	struct stat st;

	if (realpath(path, target))
		return 0;
	if (errno != ENOENT || lstat(path, &st) == 0 || strlen(path) >= PATH_MAX)
		return -1;
	strcpy(target, path);
	return 0;
}

int hosts_write(const char *path, struct span bytes, struct diags *d)
{
	char target[PATH_MAX];

	if (resolve(path, target) < 0)
		return fail(d, path, "find", errno);
	if (write_beside(target, bytes) == 0)
		return 0;
	if (!needs_place(errno) || write_in_place(target, bytes) < 0)
		return fail(d, path, "write", errno);
	return 0;
}

int hosts_check_writable(const char *path, struct diags *d)
{
	char target[PATH_MAX], *slash;
	struct stat st;

	if (resolve(path, target) < 0)
		return fail(d, path, "find", errno);
	if (stat(target, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			diag_file_error(d, "file-not-regular", path, "%s is not a regular file", path);
			return -1;
		}
		return access(target, W_OK) == 0 ? 0 : fail(d, path, "write", errno);
	}
	slash = strrchr(target, '/');
	if (slash)
		slash[slash == target] = '\0';
	return access(slash ? target : ".", W_OK) == 0 ? 0 : fail(d, path, "make", errno);
}
