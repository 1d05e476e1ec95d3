#include "cmd/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_MAX 10000

unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	char *end = NULL;
	long n = columns ? strtol(columns, &end, 10) : 0;

	if (n > 0 && n <= WIDTH_MAX && !*end)
		return (unsigned)n;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

enum tree_style terminal_tree_style(void)
{
	locale_t here = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	enum tree_style style = TREE_ASCII;

	if (here) {
		if (strcmp(nl_langinfo_l(CODESET, here), "UTF-8") == 0)
			style = TREE_UTF8;
		freelocale(here);
	}
	return style;
}
