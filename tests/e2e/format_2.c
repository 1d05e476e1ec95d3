/* Linked into both programs for tests/e2e/formats.t: what it changes stands in the header. */
#include "tests/edge/format_2.h"
