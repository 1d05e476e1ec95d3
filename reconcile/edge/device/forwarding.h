/* Does the kernel send on what comes from one peer of an interface for another one? */
#ifndef EDGE_FORWARDING_H
#define EDGE_FORWARDING_H

#include <stdbool.h>

#define SETTING_LEN 80

/* Of one family: 1, 0, or -1 when it cannot be told. *setting is what to set, for sysctl(8): "net.ipv4.ip_forward". */
int forwarding_read(const char *ifname, bool v4, char setting[static SETTING_LEN]);

int kernel_number(const char *path); /* of a file in /proc/sys; -1: there is none */

#endif
