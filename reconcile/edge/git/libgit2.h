/* libgit2. Since 1.9 it declares git_error_set_str() and git_error_clear() in a header of their own. */
#ifndef EDGE_LIBGIT2_H
#define EDGE_LIBGIT2_H

#include <git2.h>
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h>
#endif

#endif
