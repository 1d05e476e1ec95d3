#include "reconcile/edge/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Values newer than the build machine's linux/landlock.h may have: the running kernel may support more. */
#define FS_READ      (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_ALL       ((1ull << 13) - 1) /* LANDLOCK_ACCESS_FS_EXECUTE to ..._MAKE_SYM */
#define FS_REFER     (1ull << 13)       /* ABI 2, Linux 5.19 */
#define FS_TRUNCATE  (1ull << 14)       /* ABI 3, Linux 6.2 */
#define FS_IOCTL_DEV (1ull << 15)       /* ABI 5, Linux 6.10 */
#define NET_TCP      3ull               /* to bind and to connect; ABI 4, Linux 6.7 */
#define SCOPE_ALL    3ull               /* abstract sockets and signals; ABI 6, Linux 6.12 */
/* The rights that apply to a file. The other rights apply to folders only. */
#define FS_OF_FILES                                                                                                    \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE |     \
	 FS_IOCTL_DEV)
struct ruleset {
	uint64_t fs, net, scoped;
};

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool confine_has_files(void)
{
	return landlock_abi() >= 2;
}

static int allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr below = {.allowed_access = rights};
	struct stat st;
	int rc = -1;

	below.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (below.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	if (!fstat(below.parent_fd, &st)) {
		if (!S_ISDIR(st.st_mode))
			below.allowed_access &= FS_OF_FILES;
		rc = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
	}
	close(below.parent_fd);
	return rc;
}

static int confine_files(const struct confinement *c)
{
	const long abi = landlock_abi();
	struct ruleset set = {.fs = FS_ALL | FS_REFER};
	int rules, rc = 0;

	if (abi < 2)
		return 0;
	set.fs |= (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
	set.net = abi >= 4 ? NET_TCP : 0;
	set.scoped = abi >= 6 ? SCOPE_ALL : 0;
	/* An older kernel accepts the larger struct if the members that it does not know are zero. */
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	if (rules < 0)
		return -1;
	for (const char *const *p = c->readable; !rc && *p; p++)
		rc = allow(rules, *p, FS_READ);
	for (const char *const *p = c->writable; !rc && *p; p++)
		rc = allow(rules, *p, set.fs);
	if (!rc)
		rc = (int)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
	return rc;
}

/* Refuses system calls that reach beyond the process's own files and children. */
static int confine_calls(void)
{
	static const int refused[] = {
	    SCMP_SYS(socket),
	    SCMP_SYS(ptrace),
	    SCMP_SYS(process_vm_readv),
	    SCMP_SYS(process_vm_writev),
	    SCMP_SYS(mount),
	    SCMP_SYS(umount2),
	    SCMP_SYS(pivot_root),
	    SCMP_SYS(chroot),
	    SCMP_SYS(unshare),
	    SCMP_SYS(setns),
	    SCMP_SYS(keyctl),
	    SCMP_SYS(add_key),
	    SCMP_SYS(request_key),
	    SCMP_SYS(bpf),
	    SCMP_SYS(perf_event_open),
	    SCMP_SYS(userfaultfd),
	    SCMP_SYS(io_uring_setup),
	    SCMP_SYS(init_module),
	    SCMP_SYS(finit_module),
	    SCMP_SYS(kexec_load),
	    SCMP_SYS(open_by_handle_at),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < sizeof(refused) / sizeof(refused[0]); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!rc)
		rc = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	errno = -rc;
	return rc ? -1 : 0;
}

/* Drops all capabilities. With no_new_privs, execve(2) does not give them back to root (capabilities(7)). */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return (int)syscall(SYS_capset, &head, none);
}

const char *confine(const struct confinement *c)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "no_new_privs";
	if (confine_files(c))
		return "landlock";
	if (drop_capabilities())
		return "capset";
	if (confine_calls())
		return "seccomp";
	return NULL;
}
