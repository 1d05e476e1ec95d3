#include "schema/utf8.h"

unsigned utf8_decode(const uint8_t *s, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned len, i;
	uint32_t c;

	if (n == 0)
		return 0;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	c = s[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return len;
}

bool utf8_hides(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x061c || (cp >= 0x200e && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

void buf_utf8(struct buf *out, struct span text)
{
	uint32_t cp;

	for (size_t i = 0; i < text.n;) {
		unsigned len = utf8_decode(text.p + i, text.n - i, &cp);

		if (len)
			buf_add(out, text.p + i, len);
		else
			buf_str(out, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
}

void buf_visible(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n;) {
		const uint8_t *p = text.p + i;
		uint32_t cp = 0;
		unsigned len = utf8_decode(p, text.n - i, &cp);

		if (len == 0)
			buf_printf(out, "\\x%02x", *p);
		else if (cp == '\n')
			buf_str(out, "\\n");
		else if (cp == '\t')
			buf_str(out, "\\t");
		else if (utf8_hides(cp))
			buf_printf(out, cp < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)cp);
		else
			buf_add(out, p, len);
		i += len ? len : 1;
	}
}
